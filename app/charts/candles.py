"""The candle chart: prices above, volume below, and how sure we are of each candle."""

from typing import Any

import altair as alt
import pandas as pd

from app.charts.house import DOUBT, GAIN, LOSS, PRICE_FORM, QUIET, SILENT, TIME_LABEL
from app.charts.rows import SLOT, chart_rows
from app.charts.zone import UTC, Zone
from market.symbol import Symbol
from market.timeframe import Timeframe

# What a colour says is said by form too: rising bodies are hollow, forming ones dashed, doubtful ones carry a triangle, holes the
# words "no data".
UP, DOWN = GAIN, LOSS

Part = tuple[float, float]
"""Of the height, from the top."""

_HEIGHT = 420
_PRICES: Part = (0.03, 0.74)
_VOLUMES: Part = (0.8, 1.0)

_TRADED, _IS_QUIET, _IS_HOLE = "datum.kind == 'traded'", "datum.kind == 'quiet'", "datum.kind == 'hole'"
_X_TITLE = "time in {zone}; a candle covers the span that it is drawn over, its label is the close"
# Thousands as k, M, G; but 0.4 is not 400m, which would be read as millions.
_VOLUME_LABEL = "format(datum.value, datum.value >= 1000 ? '~s' : '.3~r')"


def candle_chart(candles: pd.DataFrame, timeframe: Timeframe, *, symbol: str, title: str, zone: Zone = UTC) -> alt.LayerChart:
    """Return the chart of some candles; the newest 2,000 are drawn.

    Args:
        candles: As `get_candles` returns them, oldest first; `final` (boolean) may be missing when all are over.
        timeframe: Width of the candles.
        symbol: `EXCHANGE:BASE-QUOTE`, for the names of the axes.
        title: Above the chart.
        zone: Of its times.
    """
    pen, rows = Pen(symbol, zone=zone), chart_rows(candles, timeframe, zone=zone)
    prices = alt.layer(*pen.bands(), *pen.prices(), *pen.tooltips())  # bands below the candles, what the mouse finds above
    apart = alt.Resolve(scale=alt.ScaleResolveMap(y="independent"))
    return alt.LayerChart(layer=[prices, pen.volumes()], data=rows, title=title, height=_HEIGHT, resolve=apart, config=SILENT)


class Pen:
    """Draws the layers of a candle chart from rows as `chart_rows` returns them; who puts them together says of which.

    Args:
        symbol: `EXCHANGE:BASE-QUOTE`, for the names of the axes.
        zone: Of the times.
        prices: Where the prices are drawn.
        volumes: Where the volumes are.
        seen: Further condition of a row to be drawn, an expression of Vega.
        slim: Whether the rows are `slim_rows`, so that the words label and span are made in the browser.
    """

    def __init__(
        self, symbol: str, *, zone: Zone = UTC, prices: Part = _PRICES, volumes: Part = _VOLUMES, seen: str = "", slim: bool = False
    ) -> None:
        self._price, self._volume = axis_names(symbol)
        self._x_title, self._seen = _X_TITLE.format(zone=zone), seen
        self._prices, self._volumes = prices, volumes
        self._words = _words(zone) if slim else {}

    def frame(self) -> alt.Chart:
        """Return what is not drawn and says how much time the chart covers."""
        rect: alt.Chart = alt.Chart().mark_rect(opacity=0).transform_filter("datum.kind == 'frame'")
        return rect.encode(self.x("begin"), alt.X2("end"))

    def bands(self) -> list[alt.Chart]:
        """Over the whole height: where data is missing, and where it is not whole."""
        band, mark = (
            alt.Chart().mark_rect(opacity=0.22),
            alt.Chart().mark_point(shape="triangle-down", filled=True, size=60, opacity=1),
        )
        words = alt.Chart().mark_text(text="no data", angle=270, align="right", fontSize=10)
        fill = alt.when(_IS_HOLE).then(alt.value(QUIET)).otherwise(alt.value(DOUBT))
        return [
            self.frame(),
            self._drawn(band, f"{_IS_HOLE} || datum.incomplete", self.x("begin"), alt.X2("end"), fill=fill),
            self._drawn(mark, "datum.incomplete", self.x("middle"), y=alt.value(4), fill=alt.value(DOUBT)),
            self._drawn(words, _IS_HOLE, self.x("middle"), y=alt.value(8), color=alt.value(QUIET)),
        ]

    def prices(self, *, last: bool = True) -> list[alt.Chart]:
        """Return wicks, quiet spans and bodies, in this order, then the last price where the newest candle is among the rows."""
        return [*self._wicks(), self._quiet_ticks(), self._bodies(), *([self._last_price()] if last else [])]

    def volumes(self) -> alt.Chart:
        """Return the bars of volume."""
        axis = alt.Axis(orient="right", tickCount=3, labelExpr=_VOLUME_LABEL)
        y = alt.Y("volume:Q", title=self._volume, axis=axis, scale=panel(self._volumes))
        return self._drawn(
            alt.Chart().mark_bar(strokeWidth=0.8),
            _TRADED,
            *(self.x("left"), alt.X2("right"), y, alt.Y2Datum(0)),
            *(_direction(alt.Fill), _direction(alt.Stroke)),
            opacity=_lighter(),
            fillOpacity=_filled(0.8, hollow=0.15),
        )

    def tooltips(self, *, holes: bool = True) -> list[alt.Chart]:
        """Return invisible bands over the whole height, so that the mouse need not hit a wick; over holes where there are any."""
        band = alt.Chart().mark_rect(opacity=0)
        band = band.transform_calculate(**self._words) if self._words else band
        span, standing = alt.Tooltip("span:N"), alt.Tooltip("standing:N", title="complete")
        numbers = [alt.Tooltip(f"{name}:Q", format=PRICE_FORM) for name in ("open", "high", "low", "close", "volume")]
        trades, origin, revision = (alt.Tooltip(f"{name}:N") for name in ("trades", "origin", "revision"))
        about = [alt.Tooltip("label:N", title="label (close)"), span, *numbers, trades, standing, origin, revision]
        candles = self._drawn(band, f"{_TRADED} || {_IS_QUIET}", self.x("begin"), alt.X2("end"), tooltip=about)
        return [
            candles,
            *([self._drawn(band, _IS_HOLE, self.x("begin"), alt.X2("end"), tooltip=[span, standing])] if holes else []),
        ]

    def x(self, field: str) -> alt.X:
        """Return the axis of time."""
        axis = alt.Axis(grid=False, labelOverlap=True, labelExpr=TIME_LABEL)
        return alt.X(f"{field}:T", title=self._x_title, scale=alt.Scale(type="utc", nice=False), axis=axis)

    def y(self, field: str) -> alt.Y:
        """Return the axis of prices."""
        axis = alt.Axis(orient="right", tickCount=7)
        return alt.Y(f"{field}:Q", title=self._price, axis=axis, scale=panel(self._prices, zero=False))

    def _wicks(self) -> list[alt.Chart]:
        """Two for each body, so that a hollow one stays hollow."""
        wick = alt.Chart().mark_rule(strokeWidth=1.2)
        return [
            self._drawn(wick, _TRADED, self.x("middle"), self.y(start), alt.Y2(end), _direction(alt.Stroke), opacity=_lighter())
            for start, end in (("top", "high"), ("low", "bottom"))
        ]

    def _quiet_ticks(self) -> alt.Chart:
        """Spans in which nobody traded: the previous close, as a thin flat line."""
        line = alt.Chart().mark_rule(strokeWidth=1.2, color=QUIET)
        return self._drawn(line, _IS_QUIET, self.x("begin"), alt.X2("end"), self.y("close"))

    def _bodies(self) -> alt.Chart:
        return self._drawn(
            alt.Chart().mark_bar(strokeWidth=1.2),
            _TRADED,
            *(self.x("left"), alt.X2("right"), self.y("open"), alt.Y2("close")),
            *(_direction(alt.Fill), _direction(alt.Stroke)),
            opacity=_lighter(),
            fillOpacity=_filled(1.0, hollow=0.0),
            strokeDash=alt.when("datum.forming").then(alt.value([3, 2])).otherwise(alt.value([1, 0])),
        )

    def _last_price(self) -> alt.Chart:
        line = alt.Chart().mark_rule(strokeDash=[2, 3], color=QUIET)
        return self._drawn(line, "datum.last", self.y("close"))

    def _drawn(self, mark: alt.Chart, which: str, *channels: Any, **more: Any) -> alt.Chart:
        """Return a layer that draws the rows for which a condition holds.

        Slim rows are known by their place: a browser that is given new ones changes the shapes that are there. Else it draws all
        anew each time, and keeps the last 10,000 shapes of each layer that are gone (`cleanThreshold` of vega-dataflow).
        """
        shown = mark.transform_filter(f"({which}) && {self._seen}" if self._seen else which)
        known = [alt.Key(f"{SLOT}:N")] if self._words else []
        layer: alt.Chart = shown.encode(*channels, *known, **more)
        return layer


def axis_names(symbol: str) -> tuple[str, str]:
    """Return what the axes of prices and of volumes of a symbol are called."""
    traded = Symbol.parse(symbol)
    return f"price in {traded.quote}", f"volume in {traded.base}"


def _words(zone: Zone) -> dict[str, str]:
    """Return the words of a row as expressions of Vega, as `chart_rows` makes them."""
    begin, end = (f"utcFormat(datum.{name}, '%Y-%m-%d %H:%M')" for name in ("begin", "end"))
    return {"label": end, "span": f"{begin} + ' to ' + {end} + ' {zone.name}'"}


def panel(part: Part, *, zero: bool = True) -> alt.Scale:
    """Return a scale that uses a part of the height, so that several panels share one view and one time axis."""
    top, bottom = part
    return alt.Scale(zero=zero, nice=True, range=[alt.ExprRef(f"height * {bottom}"), alt.ExprRef(f"height * {top}")])


def _direction(channel: type[alt.Fill | alt.Stroke]) -> alt.Fill | alt.Stroke:
    return channel("direction:N", scale=alt.Scale(domain=["up", "down"], range=[UP, DOWN]), legend=None)


def _lighter() -> Any:
    return alt.when("datum.forming").then(alt.value(0.6)).otherwise(alt.value(1.0))


def _filled(opacity: float, *, hollow: float) -> Any:
    return alt.when("datum.direction == 'down'").then(alt.value(opacity)).otherwise(alt.value(hollow))
