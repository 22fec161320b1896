"""What the candle chart draws: one row for each candle and each hole, with its place and its words."""

import numpy as np
import pandas as pd

from app.charts.parts import minute
from app.charts.zone import UTC, Zone
from market.timeframe import Timeframe

MAX_BARS = 2_000
"""More bars than this are not drawn: a browser takes seconds for them, and a screen has fewer pixels."""

SLOT = "slot"
"""Column of `slim_rows`."""

Ends = tuple[int, int]
"""From when to when, UTC epoch microseconds."""

_LEAST_SPANS = 40
_REPEATED = ("kind", "direction", "standing", "origin", "revision", "trades")
_GAP = 0.14  # of a span, left free on each side of a body
_PROOFS = {True: "complete", False: "NOT complete: a known hole inside"}
_UNPROVEN = "cannot be proven (the venue's ids do not tell)"


def chart_rows(
    candles: pd.DataFrame, timeframe: Timeframe, *, zone: Zone = UTC, cover_us: Ends | None = None, expected_us: Ends | None = None
) -> pd.DataFrame:
    """Return the rows of the chart, in the order of time.

    Args:
        candles: As `get_candles` returns them, oldest first; `final` (boolean) may be missing when all are over.
        timeframe: Width of the candles.
        zone: Of the times.
        cover_us: Which time the chart covers, UTC epoch microseconds; None for that of the candles, and some more.
        expected_us: From when to when there should be candles; see `missing_spans`.

    Returns:
        Columns begin, end (of the span, as the zone shows it), left, right, middle (of the body), open, high, low, close,
        volume, bottom, top (of the body), kind (`traded`, `quiet`, `hole`, `frame`), forming, incomplete, last (boolean),
        direction (`up`, `down`), and the words label, span, trades, standing, origin, revision. A run of missing candles is one
        row of kind `hole` without prices; the one row of kind `frame` is not drawn and covers the time that the chart shows.
    """
    shown = candles.tail(MAX_BARS).reset_index(drop=True)
    shown = shown.assign(timestamp=zone.moved(shown["timestamp"]))
    holes = _hole_rows(shown, timeframe, zone, expected_us)
    parts = [_frame_row(shown, timeframe), _candle_rows(shown, timeframe, zone), holes]
    rows = pd.concat([part for part in parts if len(part)], ignore_index=True) if len(shown) else parts[1]
    if cover_us is not None and len(rows):
        begin, end = zone.moved(moments(cover_us))
        rows.loc[rows["kind"] == "frame", ["begin", "end"]] = begin, end
    return rows.sort_values("begin", ignore_index=True)


def newest_row(candles: pd.DataFrame, timeframe: Timeframe, *, zone: Zone = UTC) -> pd.DataFrame:
    """Return the row of the newest candle alone, as `chart_rows` returns it: what changes when a price does."""
    newest = candles.tail(1).reset_index(drop=True)
    return _candle_rows(newest.assign(timestamp=zone.moved(newest["timestamp"])), timeframe, zone)


def slim_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows of `chart_rows` in two fifths of their size: without the words label and span, repeated words as categories.

    `slot` is the place of each row, from 0: what the browser knows it by.
    """
    slim = rows.drop(columns=["label", "span"]).astype(dict.fromkeys(_REPEATED, "category"))
    return slim.assign(**{SLOT: np.arange(len(rows), dtype="int16")})


def missing_spans(candles: pd.DataFrame, timeframe: Timeframe, expected: "pd.Series[pd.Timestamp] | None" = None) -> pd.DataFrame:
    """Return where candles are missing: columns begin, end (of the run) and count.

    Args:
        candles: Oldest first.
        timeframe: Width of the candles.
        expected: From when to when there should be candles, two moments; None for between the first candle and the last.
    """
    closes = candles["timestamp"].reset_index(drop=True)
    if expected is not None:  # as if one closed where that begins, and one opened where it ends
        ends = [expected.iloc[:1], closes, expected.iloc[1:] + pd.Timedelta(timeframe.width_us, unit="us")]
        closes = pd.concat([each.astype(expected.dtype) for each in ends], ignore_index=True)
    count = np.diff(closes.dt.as_unit("us").astype("int64").to_numpy()) // timeframe.width_us - 1
    before = np.flatnonzero(count > 0)
    begin, missing = closes.iloc[before].reset_index(drop=True), count[before]
    return pd.DataFrame({"begin": begin, "end": begin + pd.to_timedelta(missing * timeframe.width_us, unit="us"), "count": missing})


def moments(ends_us: Ends) -> "pd.Series[pd.Timestamp]":
    """Return two moments, UTC epoch microseconds, as a column."""
    return pd.Series(pd.to_datetime(ends_us, unit="us", utc=True))


def _candle_rows(candles: pd.DataFrame, timeframe: Timeframe, zone: Zone) -> pd.DataFrame:
    width = pd.Timedelta(timeframe.width_us, unit="us")
    end, begin = candles["timestamp"], candles["timestamp"] - width
    prices = candles[["open", "high", "low", "close", "volume"]].astype("float64")
    final = candles["final"].astype("bool") if "final" in candles.columns else pd.Series(True, candles.index)
    standing = candles["complete"].astype("object").map(lambda proof: _UNPROVEN if pd.isna(proof) else _PROOFS[bool(proof)])
    trades = candles["trades"].astype("object").map(lambda count: "not told" if pd.isna(count) else f"{count:,}")
    return prices.assign(
        begin=begin,
        end=end,
        left=begin + width * _GAP,
        right=end - width * _GAP,
        middle=begin + width / 2,
        bottom=prices[["open", "close"]].min(axis=1),
        top=prices[["open", "close"]].max(axis=1),
        kind=np.where(prices["volume"] > 0, "traded", "quiet"),
        forming=~final,
        incomplete=final & candles["complete"].eq(False).fillna(False).astype("bool"),
        last=candles.index == len(candles) - 1,
        direction=np.where(prices["close"] >= prices["open"], "up", "down"),
        label=minute(end),
        span=_spans(begin, end, zone),
        trades=trades,
        standing=standing.where(final, "forming"),
        origin=candles["origin"].astype("str"),
        revision=candles["revision"].astype("str"),
    )


def _frame_row(candles: pd.DataFrame, timeframe: Timeframe) -> pd.DataFrame:
    """Return the row that says how much time the chart covers: the first candle does not fill it, the last has air."""
    width = pd.Timedelta(timeframe.width_us, unit="us")
    end, begin = candles["timestamp"].tail(1), candles["timestamp"].head(1) - width
    return pd.DataFrame(
        {
            "begin": [min(begin.min(), end.max() - _LEAST_SPANS * width)],
            "end": [end.max() + width],
            "kind": "frame",
            **dict.fromkeys(("forming", "incomplete", "last"), False),
        }
    )


def _hole_rows(candles: pd.DataFrame, timeframe: Timeframe, zone: Zone, expected_us: Ends | None) -> pd.DataFrame:
    holes = missing_spans(candles, timeframe, None if expected_us is None else zone.moved(moments(expected_us)))
    begin, end = holes["begin"], holes["end"]
    return pd.DataFrame(
        {
            "begin": begin,
            "end": end,
            "middle": begin + (end - begin) / 2,
            "kind": "hole",
            **dict.fromkeys(("forming", "incomplete", "last"), False),
            "span": _spans(begin, end, zone),
            "standing": holes["count"].map(lambda count: f"no data: {count:,} candle{'s' if count > 1 else ''} missing"),
        }
    )


def _spans(begin: "pd.Series[pd.Timestamp]", end: "pd.Series[pd.Timestamp]", zone: Zone) -> "pd.Series[str]":
    return minute(begin) + " to " + minute(end) + f" {zone.name}"
