"""The candle chart: prices above, volume below, and how sure we are of each candle."""

from functools import lru_cache
from typing import Any

import altair as alt
import pandas as pd

from app.charts.house import DOUBT, GAIN, LOSS, QUIET, TIME_LABEL
from app.charts.rows import chart_rows
from market.symbol import Symbol
from market.timeframe import Timeframe

# What a colour says is said by form too: rising bodies are hollow, forming ones dashed, doubtful ones carry a triangle, holes the
# words "no data".
UP, DOWN = GAIN, LOSS

_HEIGHT = 420
_PRICES, _VOLUMES = (0.03, 0.74), (0.8, 1.0)  # parts of the height, from the top

_TRADED, _IS_QUIET, _IS_HOLE = "datum.kind == 'traded'", "datum.kind == 'quiet'", "datum.kind == 'hole'"
_X_TITLE = "time in UTC; a candle covers the span that it is drawn over, its label is the close"
# Thousands as k, M, G; but 0.4 is not 400m, which would be read as millions.
_VOLUME_LABEL = "format(datum.value, datum.value >= 1000 ? '~s' : '.3~r')"


def candle_chart(candles: pd.DataFrame, timeframe: Timeframe, *, symbol: str, title: str) -> alt.LayerChart:
    """Return the chart of some candles; the newest 2,000 are drawn.

    Args:
        candles: As `get_candles` returns them, oldest first; `final` (boolean) may be missing when all are over.
        timeframe: Width of the candles.
        symbol: `EXCHANGE:BASE-QUOTE`, for the names of the axes.
        title: Above the chart.
    """
    return _chart(symbol, title, data=chart_rows(candles, timeframe))


@lru_cache(maxsize=64)
def candle_spec(symbol: str, title: str) -> dict[str, Any]:
    """Return the same chart as a Vega-Lite specification that waits for `chart_rows`.

    Nothing in it comes from the rows, so a page that ticks makes it once and exchanges the rows in place: Altair takes half a
    second to build and check it on a slow machine.
    """
    spec: dict[str, Any] = _chart(symbol, title, data=alt.NamedData("rows")).to_dict()
    del spec["data"]
    return spec


def _chart(symbol: str, title: str, *, data: pd.DataFrame | alt.NamedData) -> alt.LayerChart:
    traded = Symbol.parse(symbol)
    price, volume = f"price in {traded.quote}", f"volume in {traded.base}"
    # In this order: bands below the candles, what the mouse finds above.
    prices = alt.layer(*_bands(), *_wicks(price), _quiet_ticks(price), _bodies(price), _last_price(price), *_tooltips())
    layers = alt.layer(prices, _volume_bars(volume), data=data).properties(title=title, height=_HEIGHT)
    # A screen reader gets the text alternative of the page, and not a thousand bars.
    chart: alt.LayerChart = layers.resolve_scale(y="independent").configure_mark(aria=False)
    return chart


def _bands() -> list[alt.Chart]:
    """Over the whole height: where data is missing, and where it is not whole."""
    band, mark = alt.Chart().mark_rect(opacity=0.22), alt.Chart().mark_point(shape="triangle-down", filled=True, size=60, opacity=1)
    words = alt.Chart().mark_text(text="no data", angle=270, align="right", fontSize=10)
    fill = alt.when(_IS_HOLE).then(alt.value(QUIET)).otherwise(alt.value(DOUBT))
    return [
        _drawn(alt.Chart().mark_rect(opacity=0), "datum.kind == 'frame'", _x("begin"), alt.X2("end")),
        _drawn(band, f"{_IS_HOLE} || datum.incomplete", _x("begin"), alt.X2("end"), fill=fill),
        _drawn(mark, "datum.incomplete", _x("middle"), y=alt.value(4), fill=alt.value(DOUBT)),
        _drawn(words, _IS_HOLE, _x("middle"), y=alt.value(8), color=alt.value(QUIET)),
    ]


def _wicks(price: str) -> list[alt.Chart]:
    """Two for each body, so that a hollow one stays hollow."""
    wick = alt.Chart().mark_rule(strokeWidth=1.2)
    return [
        _drawn(wick, _TRADED, _x("middle"), _y(start, price), alt.Y2(end), _direction(alt.Stroke), opacity=_lighter())
        for start, end in (("top", "high"), ("low", "bottom"))
    ]


def _quiet_ticks(price: str) -> alt.Chart:
    """Spans in which nobody traded: the previous close, as a thin flat line."""
    line = alt.Chart().mark_rule(strokeWidth=1.2, color=QUIET)
    return _drawn(line, _IS_QUIET, _x("begin"), alt.X2("end"), _y("close", price))


def _bodies(price: str) -> alt.Chart:
    return _drawn(
        alt.Chart().mark_bar(strokeWidth=1.2),
        _TRADED,
        *(_x("left"), alt.X2("right"), _y("open", price), alt.Y2("close")),
        *(_direction(alt.Fill), _direction(alt.Stroke)),
        opacity=_lighter(),
        fillOpacity=_filled(1.0, hollow=0.0),
        strokeDash=alt.when("datum.forming").then(alt.value([3, 2])).otherwise(alt.value([1, 0])),
    )


def _last_price(price: str) -> alt.Chart:
    return _drawn(alt.Chart().mark_rule(strokeDash=[2, 3], color=QUIET), "datum.last", _y("close", price))


def _volume_bars(volume: str) -> alt.Chart:
    axis = alt.Axis(orient="right", tickCount=3, labelExpr=_VOLUME_LABEL)
    return _drawn(
        alt.Chart().mark_bar(strokeWidth=0.8),
        _TRADED,
        *(_x("left"), alt.X2("right"), alt.Y("volume:Q", title=volume, axis=axis, scale=_panel(_VOLUMES)), alt.Y2Datum(0)),
        *(_direction(alt.Fill), _direction(alt.Stroke)),
        opacity=_lighter(),
        fillOpacity=_filled(0.8, hollow=0.15),
    )


def _tooltips() -> list[alt.Chart]:
    """Invisible bands over the whole height, so that the mouse need not hit a wick."""
    band = alt.Chart().mark_rect(opacity=0)
    span, standing = alt.Tooltip("span:N"), alt.Tooltip("standing:N", title="complete")
    numbers = [alt.Tooltip(f"{name}:Q", format=",.8~f") for name in ("open", "high", "low", "close", "volume")]
    trades, origin, revision = (alt.Tooltip(f"{name}:N") for name in ("trades", "origin", "revision"))
    about = [alt.Tooltip("label:N", title="label (close)"), span, *numbers, trades, standing, origin, revision]
    return [
        _drawn(band, f"{_TRADED} || {_IS_QUIET}", _x("begin"), alt.X2("end"), tooltip=about),
        _drawn(band, _IS_HOLE, _x("begin"), alt.X2("end"), tooltip=[span, standing]),
    ]


def _drawn(mark: alt.Chart, which: str, *channels: Any, **more: Any) -> alt.Chart:
    """Return a layer that draws the rows for which a condition holds."""
    layer: alt.Chart = mark.transform_filter(which).encode(*channels, **more)
    return layer


def _x(field: str) -> alt.X:
    axis = alt.Axis(grid=False, labelOverlap=True, labelExpr=TIME_LABEL)
    return alt.X(f"{field}:T", title=_X_TITLE, scale=alt.Scale(type="utc", nice=False), axis=axis)


def _y(field: str, title: str) -> alt.Y:
    return alt.Y(f"{field}:Q", title=title, axis=alt.Axis(orient="right", tickCount=7), scale=_panel(_PRICES, zero=False))


def _panel(part: tuple[float, float], *, zero: bool = True) -> alt.Scale:
    """Return a scale that uses a part of the height, so that two panels share one view and one time axis."""
    top, bottom = part
    return alt.Scale(zero=zero, nice=True, range=[alt.ExprRef(f"height * {bottom}"), alt.ExprRef(f"height * {top}")])


def _direction(channel: type[alt.Fill | alt.Stroke]) -> alt.Fill | alt.Stroke:
    return channel("direction:N", scale=alt.Scale(domain=["up", "down"], range=[UP, DOWN]), legend=None)


def _lighter() -> Any:
    return alt.when("datum.forming").then(alt.value(0.6)).otherwise(alt.value(1.0))


def _filled(opacity: float, *, hollow: float) -> Any:
    return alt.when("datum.direction == 'down'").then(alt.value(opacity)).otherwise(alt.value(hollow))
