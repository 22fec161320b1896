"""The candle chart: prices above, volume below, and how sure we are of each candle."""

from typing import Any

import altair as alt
import pandas as pd

from app.charts.rows import chart_rows
from market.timeframe import Timeframe

# Blue and vermilion are told apart with every kind of colour blindness, and on white as on black. What a colour says is
# said by form too: rising bodies are hollow, forming ones dashed, doubtful ones carry a triangle, holes the words "no data".
UP, DOWN = "#3a86c8", "#d9622b"
DOUBT, QUIET = "#b455a0", "#8a8f98"

_HEIGHT = 520
_PRICES, _VOLUMES = (0.02, 0.76), (0.82, 1.0)  # parts of the height, from the top
_X_TITLE = "time in UTC; a candle covers the span that it is drawn over, its label is the close"
_IS_CANDLE = "datum.kind != 'hole'"
_HAS_BODY = "datum.kind == 'traded'"


def candle_chart(candles: pd.DataFrame, timeframe: Timeframe, *, title: str, description: str = "") -> alt.LayerChart:
    """Return the chart of some candles; the newest 2,000 are drawn.

    Nothing in its specification comes from the rows, so that a page can exchange them in place.

    Args:
        candles: As `get_candles` returns them, oldest first; `final` (boolean) may be missing when all are over.
        timeframe: Width of the candles.
        title: Above the chart.
        description: What a screen reader says; empty for a page that says it otherwise.
    """
    layers = alt.layer(_price_layers(), _volume_bars(), data=chart_rows(candles, timeframe))
    described = layers.properties(title=title, height=_HEIGHT, **({"description": description} if description else {}))
    return described.resolve_scale(y="independent").configure_mark(aria=False)


def _price_layers() -> alt.LayerChart:
    return alt.layer(_shades(), _doubts(), _hole_words(), *_wicks(), _quiet_ticks(), _bodies(), _last_price(), *_tooltips())


def _shades() -> alt.Chart:
    """Bands over the whole height: where data is missing, and where it is not whole."""
    return (
        alt.Chart()
        .transform_filter("datum.kind == 'hole' || datum.incomplete")
        .mark_rect(opacity=0.22)
        .encode(_x("begin"), alt.X2("end"), fill=alt.when("datum.kind == 'hole'").then(alt.value(QUIET)).otherwise(alt.value(DOUBT)))
    )


def _doubts() -> alt.Chart:
    return (
        alt.Chart()
        .transform_filter("datum.incomplete")
        .mark_point(shape="triangle-down", filled=True, size=60, color=DOUBT, opacity=1)
        .encode(_x("middle"), y=alt.value(4))
    )


def _hole_words() -> alt.Chart:
    return (
        alt.Chart()
        .transform_filter("datum.kind == 'hole'")
        .mark_text(text="no data", angle=270, align="right", fontSize=10, color=QUIET)
        .encode(_x("middle"), y=alt.value(8))
    )


def _wicks() -> list[alt.Chart]:
    """Two for each body, so that a hollow one stays hollow."""
    wick = alt.Chart().transform_filter(_HAS_BODY).mark_rule(strokeWidth=1.2)
    return [
        wick.encode(_x("middle"), _price("top"), alt.Y2("high"), _direction("stroke"), opacity=_lighter()),
        wick.encode(_x("middle"), _price("low"), alt.Y2("bottom"), _direction("stroke"), opacity=_lighter()),
    ]


def _quiet_ticks() -> alt.Chart:
    """Spans in which nobody traded: the previous close, as a thin flat line."""
    return (
        alt.Chart()
        .transform_filter("datum.kind == 'quiet'")
        .mark_rule(strokeWidth=1, color=QUIET)
        .encode(_x("begin"), alt.X2("end"), _price("close"))
    )


def _bodies() -> alt.Chart:
    return (
        alt.Chart()
        .transform_filter(_HAS_BODY)
        .mark_bar(strokeWidth=1.2)
        .encode(
            _x("left"),
            alt.X2("right"),
            _price("open"),
            alt.Y2("close"),
            _direction("fill"),
            _direction("stroke"),
            opacity=_lighter(),
            fillOpacity=alt.when("datum.direction == 'down'").then(alt.value(1)).otherwise(alt.value(0)),
            strokeDash=alt.when("datum.forming").then(alt.value([3, 2])).otherwise(alt.value([1, 0])),
        )
    )


def _last_price() -> alt.Chart:
    return alt.Chart().transform_filter("datum.last").mark_rule(strokeDash=[2, 3], color=QUIET).encode(_price("close"))


def _volume_bars() -> alt.Chart:
    volume = alt.Y("volume:Q", title="volume", axis=alt.Axis(orient="right", tickCount=3, format="~s"), scale=_panel(_VOLUMES, zero=True))
    return (
        alt.Chart()
        .transform_filter(_HAS_BODY)
        .mark_bar(strokeWidth=0.8)
        .encode(
            _x("left"),
            alt.X2("right"),
            volume,
            _direction("fill"),
            _direction("stroke"),
            opacity=_lighter(),
            fillOpacity=alt.when("datum.direction == 'down'").then(alt.value(0.8)).otherwise(alt.value(0.15)),
        )
    )


def _tooltips() -> list[alt.Chart]:
    """Invisible bands over the whole height, so that the mouse need not hit a wick."""
    span, standing = alt.Tooltip("span:N", title="span"), alt.Tooltip("standing:N", title="complete")
    numbers = [alt.Tooltip(f"{name}:Q", format=",.8~f") for name in ("open", "high", "low", "close", "volume")]
    close = alt.Tooltip("label:N", title="label (close)")
    words = [alt.Tooltip(f"{name}:N") for name in ("trades", "origin", "revision")]
    band = alt.Chart().mark_rect(opacity=0)
    return [
        band.transform_filter(_IS_CANDLE).encode(_x("begin"), alt.X2("end"), tooltip=[close, span, *numbers, words[0], standing, *words[1:]]),
        band.transform_filter("datum.kind == 'hole'").encode(_x("begin"), alt.X2("end"), tooltip=[span, standing]),
    ]


def _x(field: str) -> alt.X:
    return alt.X(f"{field}:T", title=_X_TITLE, scale=alt.Scale(type="utc", nice=False), axis=alt.Axis(grid=False, labelOverlap=True))


def _price(field: str) -> alt.Y:
    axis = alt.Axis(orient="right", tickCount=8)
    return alt.Y(f"{field}:Q", title="price", axis=axis, scale=_panel(_PRICES, zero=False))


def _panel(part: tuple[float, float], *, zero: bool) -> alt.Scale:
    """Return a scale that uses a part of the height, so that two panels share one view and one time axis."""
    top, bottom = part
    return alt.Scale(zero=zero, nice=True, range=[alt.ExprRef(f"height * {bottom}"), alt.ExprRef(f"height * {top}")])


def _direction(channel: str) -> alt.Fill | alt.Stroke:
    scale = alt.Scale(domain=["up", "down"], range=[UP, DOWN])
    kind = alt.Fill if channel == "fill" else alt.Stroke
    return kind("direction:N", scale=scale, legend=None)


def _lighter() -> Any:
    return alt.when("datum.forming").then(alt.value(0.55)).otherwise(alt.value(1.0))
