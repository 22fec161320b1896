"""Stored candles with the columns that rules look at: moves, gaps, runs; piece by piece."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from db.series import NO_ID, ORIGINS, PRICES, CandleSeries
from history.quality.holes import Missing, without
from market.candle import Origin
from market.timeframe import BASE
from market.window import Window

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_EXCHANGE = ORIGINS.index(Origin.EXCHANGE)
_NORMAL = 0.6745  # the median of the absolute values of a normal distribution, in its standard deviations

# What real markets do: of 13 recorded series (1m to 4h, 2017 to 2026, crashes among them) no move within a candle is beyond 59
# times the scale, and no gap between two beyond 6.
_MOVE_SCALES, _LEAST_MOVE = 75.0, 0.01
_GAP_SCALES, _LEAST_GAP = 20.0, 0.005
_LARGEST = 1.0  # a factor of e is a jump in any market
_FEWEST_MOVES = 30

# The longest run that is to be expected of so many candles, if a flat one comes by chance, times this.
_FLAT_TIMES = 10.0
_LEAST_FLAT_US, _FEWEST_FLAT = 60 * BASE.width_us, 12

_SLACK = 1e-9  # sums of volumes carry the noise of floats


class Before(NamedTuple):
    """The last row of the piece before, and how long the runs are that it ends."""

    row: dict[str, Any]
    flat: int
    repeated: int


def table_of(series: CandleSeries, before: Before | None, explained: Sequence[Window] = ()) -> "tuple[pd.DataFrame, Before | None]":
    """Return rows as a table for the rules on candles, and what the next piece has to know of them.

    Args:
        series: The rows.
        before: What the piece before handed on.
        explained: Ids of which the ledger says why they are not there, as half-open windows.
    """
    import pandas as pd  # noqa: PLC0415 - not for the path of the data

    if not len(series):
        return pd.DataFrame(), before
    with np.errstate(all="ignore"):  # what is damaged is no number, and is found as such
        columns, after = _columns(series, before, explained)
    return pd.DataFrame(columns, copy=False), after


def _columns(series: CandleSeries, before: Before | None, explained: Sequence[Window]) -> tuple[dict[str, Any], Before]:
    rows, timeframe = series.columns, series.timeframe
    stamps = rows["timestamp"]
    earlier = {name: _shifted(rows[name], None if before is None else before.row[name]) for name in ("timestamp", *PRICES)}
    follows = stamps - earlier["timestamp"] == timeframe.width_us
    if before is None:
        follows[0] = False
    sane = _sane(rows)
    flat, repeated = _flat(series, earlier, follows), _repeated(rows, earlier, follows)
    flat_run = _runs(flat, 0 if before is None else before.flat)
    repeated_run = _runs(repeated, 0 if before is None else before.repeated)
    columns = {
        "timestamp": stamps,
        **{name: rows[name] for name in (*PRICES, "quote_volume", "taker_buy_volume")},
        **{name: np.where(series.nulls(name), np.nan, rows[name]) for name in ("trades", "first_trade_id", "last_trade_id")},
        "disagrees": _disagrees(rows),
        "revision": rows["revision"],
        "ids_left_out": _left_out(rows, follows, explained),
        "volume_limit": rows["volume"] * (1 + _SLACK) + _SLACK,
        "offset_us": (stamps - timeframe.origin_us) % timeframe.width_us,
        **_moves(rows, earlier["close"], sane, follows),
        "flat_rows": np.where(_ends(flat), flat_run, 0).astype(np.float64),
        "flat_limit": np.full(len(stamps), _flat_limit(flat, timeframe.width_us)),
        "repeated_rows": np.where(_ends(repeated), repeated_run, 0).astype(np.float64),
    }
    last = {name: rows[name][-1] for name in ("timestamp", *PRICES)}
    return columns, Before(last, int(flat_run[-1]), int(repeated_run[-1]))


def _shifted(values: NDArray[Any], first: Any) -> NDArray[Any]:
    # A row without one before it is held against itself.
    return np.concatenate([[values[0] if first is None else first], values[:-1]])


def _sane(rows: Any) -> Bools:
    """Return where a candle is one: of others the moves mean nothing, and other rules find them."""
    low, high = rows["low"], rows["high"]
    inner = np.minimum(rows["open"], rows["close"]), np.maximum(rows["open"], rows["close"])
    return np.asarray((low > 0) & (low <= inner[0]) & (high >= inner[1]) & np.isfinite(high))


def _moves(rows: Any, close_before: Floats, sane: Bools, follows: Bools) -> dict[str, Floats]:
    """Return how far prices go within each candle and from the one before, as logarithms of ratios, and how far they may."""
    open_ = rows["open"]
    move = np.where(sane, np.log(np.maximum(rows["high"] / open_, open_ / rows["low"])), np.nan)
    gap = np.where(sane & _shifted(sane, np.True_) & follows & (close_before > 0), np.abs(np.log(open_ / close_before)), np.nan)
    usual = move[move > 0]
    scale = float(np.median(usual)) / _NORMAL if len(usual) >= _FEWEST_MOVES else np.inf
    move_limit, gap_limit = (
        min(_LARGEST, max(least, times * scale)) for times, least in ((_MOVE_SCALES, _LEAST_MOVE), (_GAP_SCALES, _LEAST_GAP))
    )
    size = len(open_)
    return {"move": move, "move_limit": np.full(size, move_limit), "gap": gap, "gap_limit": np.full(size, gap_limit)}


def _flat(series: CandleSeries, earlier: dict[str, NDArray[Any]], follows: Bools) -> Bools:
    """Return where a candle only repeats the close before it; one that is proven by ids to have no trade does not count."""
    rows = series.columns
    same = (rows["high"] == rows["low"]) & (rows["open"] == rows["close"]) & (rows["close"] == earlier["close"])
    proven = (rows["complete"] == 1) & (rows["origin"] != _EXCHANGE) & (rows["volume"] == 0)
    return np.asarray(same & follows & ~proven)


def _repeated(rows: Any, earlier: dict[str, NDArray[Any]], follows: Bools) -> Bools:
    same = np.logical_and.reduce([rows[name] == earlier[name] for name in PRICES])
    return np.asarray(same & follows & (rows["volume"] > 0))


def _runs(marked: Bools, carried: int) -> NDArray[np.int64]:
    """Return how many marked rows end with each row, those of the piece before included."""
    places = np.arange(len(marked))
    breaks = np.maximum.accumulate(np.where(marked, -1, places))
    return np.where(marked, places - breaks + np.where(breaks < 0, carried, 0), 0)


def _disagrees(rows: Any) -> Floats:
    """Return 1 where only one of volume and count says that somebody traded."""
    traded, count = rows["volume"] != 0, rows["trades"]
    return np.asarray(((count == 0) & traded) | ((count > 0) & ~traded), np.float64)


def _left_out(rows: Any, follows: Bools, explained: Sequence[Window]) -> Floats:
    """Return how many ids no candle stands for between each one and the last before it with ids, all in between proven whole."""
    first, last = rows["first_trade_id"], rows["last_trade_id"]
    known = (first != NO_ID) & (last != NO_ID)
    proven = (rows["complete"] == 1) & (rows["origin"] != _EXCHANGE) & (known | (rows["volume"] == 0))
    breaks = np.cumsum(~(proven & follows))
    places = np.flatnonzero(proven & known)
    found = np.zeros(len(first))
    if len(places) < 2:
        return found
    # At the border of two minutes ids may come in another order than their times.
    top = np.maximum(last[places], np.concatenate([last[places[:1]], last[places[:-1]]]))
    linked = breaks[places[1:]] == breaks[places[:-1]]
    for place in np.flatnonzero(linked & (first[places[1:]] > top[:-1] + 1)).tolist():
        gone = Missing(Window(int(top[place]) + 1, int(first[places[place + 1]])), None)
        found[places[place + 1]] = sum(each.window.width_us for each in without([gone], explained))
    return found


def _ends(marked: Bools) -> Bools:
    return np.asarray(marked & ~np.append(marked[1:], False))


def _flat_limit(flat: Bools, width_us: int) -> float:
    """Return how long a run may be: an hour, or much longer than chance makes one where candles are often flat."""
    least = float(max(_FEWEST_FLAT, _LEAST_FLAT_US // width_us))
    # Without the longest run: one that is stuck says nothing of what is usual.
    size = len(flat) - int(_runs(flat, 0).max())
    share = (np.count_nonzero(flat) - (len(flat) - size)) / max(1, size)
    if not 0 < share < 1:
        return least
    longest = np.log(max(2.0, size * (1 - share))) / -np.log(share)
    return max(least, _FLAT_TIMES * float(longest))
