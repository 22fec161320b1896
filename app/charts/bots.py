"""What a bot did, drawn: its account over time, and its signals on the candles that it saw."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from app.charts.house import GAIN, LOSS, QUIET, amount_form, found_by_mouse, layered, number_axis, time_axis
from app.charts.parts import minute
from app.charts.rows import chart_rows
from app.charts.zone import UTC, Zone
from db.bot_rows import SignalRow
from market.timeframe import Timeframe

_LOW = 200
_MOST_LINES = 4
_DASHES = ([1, 0], [6, 3], [2, 2], [8, 2, 2, 2])
_ACTIONS = ["buy", "sell", "refused"]
_SHAPES = alt.Scale(domain=_ACTIONS, range=["triangle-up", "triangle-down", "cross"])
_COLOURS = alt.Scale(domain=_ACTIONS, range=[GAIN, LOSS, QUIET])
SIGNAL_LEGEND = (
    "\N{BLACK UP-POINTING TRIANGLE} buy, below the candle · \N{BLACK DOWN-POINTING TRIANGLE} sell, above it · filled: an order "
    "came of it · hollow candle: rises · lines: indicators that are prices; the mouse finds all of them at each mark"
)


def worth_chart(curve: pd.DataFrame, *, quote: str, zone: Zone = UTC, title: str = "Equity") -> alt.LayerChart:
    """Return the chart of what an account was worth.

    Args:
        curve: Columns timestamp (UTC), equity, drawdown (a fraction) and exposure, oldest first.
        quote: Currency of the account.
        zone: Of the screen.
        title: Above the chart.
    """
    rows = curve.assign(timestamp=zone.moved(curve["timestamp"]))
    named = f"equity in {quote}" if quote else "equity"
    line = alt.Chart(rows).mark_line(strokeWidth=1.6, color=GAIN, interpolate="step-after")
    form = amount_form(curve["equity"], curve["exposure"])
    told = [
        alt.Tooltip("equity:Q", format=form), alt.Tooltip("drawdown:Q", title="below its highest", format=".2%"),
        alt.Tooltip("exposure:Q", title="held", format=form),
    ]  # fmt: skip
    drawn = line.encode(time_axis(zone=zone), number_axis("equity", named, form=",~r"))
    return layered(title, found_by_mouse(rows, told, zone=zone), drawn, height=280)


def fall_chart(curve: pd.DataFrame, *, zone: Zone = UTC, title: str = "Drawdown") -> alt.LayerChart:
    """Return the chart of what was lost from the highest equity, downwards from 0; arguments as of `worth_chart`."""
    rows = curve.assign(timestamp=zone.moved(curve["timestamp"]), fall=-curve["drawdown"])
    area = alt.Chart(rows).mark_area(color=LOSS, line={"color": LOSS, "strokeWidth": 1}, opacity=0.45, interpolate="step-after")
    told = found_by_mouse(rows, [alt.Tooltip("fall:Q", title="drawdown", format=".2%")], zone=zone)
    drawn = area.encode(time_axis(zone=zone), number_axis("fall", "below the peak", form="~%", zero=True, stack=False))
    return layered(title, told, drawn, height=_LOW)


def signal_rows(signals: Sequence[SignalRow], candles: pd.DataFrame, zone: Zone = UTC) -> pd.DataFrame:
    """Return the marks of signals that want something, by time.

    Args:
        signals: Of one symbol.
        candles: As `get_candles` returns them; signals outside are left out.
        zone: Of the screen.

    Returns:
        Columns timestamp (moved into the zone), place (a price), action, acted, confidence, wants, price, told (indicators in
        words), outcome, reason and moment (in words).
    """
    columns = ("timestamp", "place", "action", "acted", "confidence", "wants", "price", "told", "outcome", "reason", "moment")
    if candles.empty:
        return pd.DataFrame({name: [] for name in columns})
    ends = {moment: place for place, moment in enumerate(candles["timestamp"].dt.as_unit("us").astype("int64"))}
    found = []
    for signal in sorted(signals, key=lambda each: each.timestamp_us):
        place = ends.get(signal.timestamp_us)
        if signal.action != "hold" and place is not None:
            candle = candles.iloc[place]
            found.append((candle["timestamp"], float(candle["high" if signal.action == "sell" else "low"]), *_words(signal)))
    rows = pd.DataFrame(found, columns=list(columns[:-1]))
    if rows.empty:
        return pd.DataFrame({name: [] for name in columns})
    rows["timestamp"] = zone.moved(rows["timestamp"])
    return rows.assign(moment=minute(rows["timestamp"]))


def indicator_rows(signals: Sequence[SignalRow], candles: pd.DataFrame, zone: Zone = UTC) -> pd.DataFrame:
    """Return the indicators that are prices, as they would be drawn: columns timestamp, name and value, at most four of them."""
    rows = pd.DataFrame(
        [
            (pd.Timestamp(signal.timestamp_us, unit="us", tz="UTC"), name, value)
            for signal in sorted(signals, key=lambda each: each.timestamp_us)
            for name, value in signal.indicators.items()
        ],
        columns=["timestamp", "name", "value"],
    )
    if rows.empty or candles.empty:
        return rows.head(0)
    low, high = float(candles["low"].min()), float(candles["high"].max())
    rows["value"] = rows["value"].astype("float64")
    near = [name for name, own in rows.groupby("name", sort=False)["value"] if own.dropna().between(low * 0.9, high * 1.1).all()]
    drawn = [name for name in near if rows.loc[rows["name"] == name, "value"].notna().any()][:_MOST_LINES]
    kept = rows[rows["name"].isin(drawn)].reset_index(drop=True)
    return kept.assign(timestamp=zone.moved(kept["timestamp"])) if len(kept) else kept


def signal_chart(
    candles: pd.DataFrame, timeframe: Timeframe, signals: Sequence[SignalRow], *, symbol: str, zone: Zone = UTC, title: str
) -> alt.LayerChart:
    """Return the candles that a bot saw, what its strategy said after them, and its indicators that are prices.

    Args:
        candles: As `get_candles` returns them, oldest first.
        timeframe: Width of the candles.
        signals: Of one symbol; those that wish nothing are no marks.
        symbol: `EXCHANGE:BASE-QUOTE`, for the name of the axis.
        zone: Of the screen.
        title: Above the chart.
    """
    name = f"price in {symbol.partition('-')[2].partition('-')[0]}"
    rows = chart_rows(candles, timeframe, zone=zone)
    traded = rows[rows["kind"].isin(["traded", "quiet"])]
    lines = _indicator_lines(indicator_rows(signals, candles, zone), name, zone)
    marks = _marks(signal_rows(signals, candles, zone), name, zone)
    layers = (*_holes(rows[rows["kind"] == "hole"], zone), *_candles(traded, name, zone), *lines, *marks)
    return layered(title, *layers, height=340)


def _candles(rows: pd.DataFrame, name: str, zone: Zone) -> list[alt.Chart]:
    base = alt.Chart(rows)
    colour = alt.when("datum.direction == 'down'").then(alt.value(LOSS)).otherwise(alt.value(GAIN))
    hollow = alt.when("datum.direction == 'down'").then(alt.value(0.9)).otherwise(alt.value(0.0))
    told = [alt.Tooltip("label:N", title=f"candle ({zone.name})"), *_numbers("open", "high", "low", "close", "volume")]
    wicks = base.mark_rule(strokeWidth=1, opacity=0.7).encode(
        time_axis("middle", zone=zone), number_axis("low", name), alt.Y2("high"), color=colour
    )
    bodies = base.mark_bar(strokeWidth=1, opacity=0.7).encode(
        time_axis("left", zone=zone), alt.X2("right"), number_axis("open", name), alt.Y2("close"), fill=colour, stroke=colour,
        fillOpacity=hollow,
    )  # fmt: skip
    found = base.mark_rect(opacity=0).encode(time_axis("begin", zone=zone), alt.X2("end"), tooltip=told)
    return [found, wicks, bodies]


def _holes(rows: pd.DataFrame, zone: Zone) -> list[alt.Chart]:
    if rows.empty:
        return []
    band = alt.Chart(rows).mark_rect(opacity=0.22, color=QUIET)
    return [band.encode(time_axis("begin", zone=zone), alt.X2("end"), tooltip=[alt.Tooltip("standing:N", title="no data")])]


def _indicator_lines(rows: pd.DataFrame, name: str, zone: Zone) -> list[alt.Chart]:
    if rows.empty:
        return []
    names = list(dict.fromkeys(rows["name"]))
    scale = alt.Scale(domain=names, range=list(_DASHES[: len(names)]))
    dashes = alt.StrokeDash("name:N", scale=scale, legend=alt.Legend(orient="top", title=None, symbolSize=300))
    line = alt.Chart(rows).mark_line(strokeWidth=1.2, color=QUIET)
    return [line.encode(time_axis(zone=zone), number_axis("value", name), strokeDash=dashes)]


def _marks(rows: pd.DataFrame, name: str, zone: Zone) -> list[alt.Chart]:
    words = {"moment": f"candle ({zone.name})", "action": "signal", "told": "indicators", "outcome": "outcome", "reason": "reason"}
    told = [alt.Tooltip(f"{field}:N", title=title) for field, title in words.items()]
    told[2:2] = [alt.Tooltip("confidence:Q", format=".0%"), *_numbers("wants", "price")]
    channels = {
        "x": time_axis(zone=zone), "y": number_axis("place", name), "tooltip": told,
        "shape": alt.Shape("action:N", scale=_SHAPES, legend=None),
        "stroke": alt.Stroke("action:N", scale=_COLOURS, legend=None),
        "fill": alt.Fill("action:N", scale=_COLOURS, legend=None),
        "fillOpacity": alt.when("datum.acted").then(alt.value(1.0)).otherwise(alt.value(0.0)),
    }  # fmt: skip
    sides = (("datum.action == 'sell'", -9), ("datum.action != 'sell'", 9))
    mark = alt.Chart(rows)
    return [
        mark.transform_filter(which).mark_point(size=70, strokeWidth=1.5, opacity=1, yOffset=offset).encode(**channels)
        for which, offset in sides
    ]


def _numbers(*names: str) -> list[alt.Tooltip]:
    return [alt.Tooltip(f"{name}:Q", format=",.8~g") for name in names]


def _words(signal: SignalRow) -> tuple[Any, ...]:
    told = ", ".join(f"{name} {value:.8g}" for name, value in signal.indicators.items() if value is not None)
    outcome = signal.outcome or "nothing to do"
    return signal.action, signal.acted, signal.confidence, signal.target, signal.price, told or "none", outcome, signal.reason
