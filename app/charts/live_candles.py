"""The chart of the market page: candles that move in place, lines of indicators, fills of bots, and a zoom that stays."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import altair as alt

from app.charts.candles import Part, Pen, axis_names, panel
from app.charts.house import GAIN, LOSS, SILENT
from app.charts.zone import UTC, Zone

ZOOM = "zoom"
"""The selection that the mouse makes: `{"begin": [from, to]}` in milliseconds of the zone's clock."""

CLOSED, LIVE, LINES, FILLS = "closed", "live", "lines", "fills"
"""Names of the data: `slim_rows` of `chart_rows` without the newest candle, and of `newest_row`; `line_rows`; `fill_rows`."""

MANY = 600
"""From so many bars on a canvas draws them: a browser moves thousands of shapes of an SVG too slowly."""

# Told apart with every kind of colour blindness, on white as on black, and by their dashes.
_COLOURS = ("#228833", "#aa3377", "#bb8800", "#3399aa", "#7755cc", "#888888")
_DASHES = ([1, 0], [6, 3], [2, 2], [8, 2, 2, 2], [10, 4], [1, 3])
_PANEL_HEIGHT = 110
_PRICES, _VOLUMES, _GAP = 320, 84, 14
# What lies outside of the zoom is left out, so that the axes of prices and of volumes fit what is seen.
_SEEN = f"(!{ZOOM}.begin || (datum.end > {ZOOM}.begin[0] && datum.begin < {ZOOM}.begin[1]))"
_SHAPES = alt.Scale(domain=["buy", "sell"], range=["triangle-up", "triangle-down"])
_RING = "#f2b705"  # seen on a candle of either colour, on white as on black
_APART = alt.Resolve(scale=alt.ScaleResolveMap(y="independent", color="independent", strokeDash="independent"))
_ANY = "ANY:BASE-QUOTE"
_SMALL = alt.Axis(orient="right", tickCount=3)


@lru_cache(maxsize=64)
def live_spec(
    symbol: str,
    title: str,
    *,
    zone: Zone = UTC,
    lines: tuple[tuple[str, ...], ...] = (),
    fills: bool = False,
    many: bool = False,
) -> dict[str, Any]:
    """Return the chart as a Vega-Lite specification that waits for its data, named as above.

    Args:
        symbol: `EXCHANGE:BASE-QUOTE`, for the names of the axes.
        title: Above the chart.
        zone: Of the times.
        lines: Names of the lines over the price, then of those in each panel below it; nothing for no indicators.
        fills: Whether there are fills of bots.
        many: Whether a canvas draws it.
    """
    form = _form(zone, lines, fills=fills)
    for written, meant in zip(axis_names(_ANY), axis_names(symbol), strict=True):
        form = form.replace(json.dumps(written), json.dumps(meant))
    spec: dict[str, Any] = {**json.loads(form), "title": title}
    if many:
        spec["usermeta"] = {"embedOptions": {"renderer": "canvas"}}
    return spec


def prepare() -> None:
    """Make the form of a chart without indicators and fills, so that nobody waits for it."""
    _form(UTC, (), fills=False)


@lru_cache(maxsize=64)
def _form(zone: Zone, lines: tuple[tuple[str, ...], ...], *, fills: bool) -> str:
    """Return what charts of all symbols have in common, as JSON: Altair takes a second to make it."""
    height, parts = heights(len(lines[1:]))
    pen = Pen(_ANY, zone=zone, prices=parts[0], volumes=parts[1], seen=_SEEN, slim=True)
    zoom = alt.selection_interval(name=ZOOM, encodings=["x"], bind="scales")
    frame, *bands = pen.bands()
    closed = alt.layer(frame.properties(name="frame").add_params(zoom), *bands, *pen.prices(last=False), data=alt.NamedData(CLOSED))
    live = alt.layer(*pen.prices(), data=alt.NamedData(LIVE))
    drawn = [name for names in lines for name in names]
    over = [_lines(pen, lines[0], pen.y("value"), drawn, place=0)] if lines and lines[0] else []
    marks = [_fills(pen)] if fills else []
    told = [alt.layer(*pen.tooltips(holes=name == CLOSED), data=alt.NamedData(name)) for name in (CLOSED, LIVE)]
    volumes = [pen.volumes().properties(data=alt.NamedData(name)) for name in (CLOSED, LIVE)]
    below = [
        _panel(pen, names, part, drawn, place) for place, (names, part) in enumerate(zip(lines[1:], parts[2:], strict=True), 1)
    ]
    groups = [alt.layer(closed, live, *over, *told, *marks), alt.layer(*volumes), *below]
    return json.dumps(alt.LayerChart(layer=groups, height=height, resolve=_APART, config=SILENT).to_dict())


def heights(panels: int) -> tuple[int, list[Part]]:
    """Return the height of a chart in pixels, and where prices, volumes and each further panel are."""
    each = [_PRICES, _VOLUMES, *[_PANEL_HEIGHT] * panels]
    whole, top, parts = sum(each) + _GAP * len(each), _GAP, []
    for height in each:
        parts.append((top / whole, (top + height) / whole))
        top += height + _GAP
    return whole, parts


def _panel(pen: Pen, names: Sequence[str], part: Part, drawn: Sequence[str], place: int) -> alt.Chart:
    y = alt.Y("value:Q", title=None, axis=_SMALL, scale=panel(part, zero=False))
    return _lines(pen, names, y, drawn, place=place)


def _lines(pen: Pen, names: Sequence[str], y: alt.Y, drawn: Sequence[str], *, place: int) -> alt.Chart:
    legend = alt.Legend(title=None, orient="top", symbolStrokeWidth=2, symbolSize=300, offset=4)
    looks = [drawn.index(name) % len(_COLOURS) for name in names]  # another one for each, also in another panel
    chart: alt.Chart = (
        alt.Chart(alt.NamedData(LINES))
        .mark_line(strokeWidth=1.6, clip=True)
        .transform_filter(f"datum.place == {place}")
        .encode(
            pen.x("begin"),
            y,
            color=alt.Color("name:N", scale=alt.Scale(domain=list(names), range=[_COLOURS[each] for each in looks]), legend=legend),
            strokeDash=alt.StrokeDash(
                "name:N", scale=alt.Scale(domain=list(names), range=[_DASHES[each] for each in looks]), legend=legend
            ),
        )
    )
    return chart


def _fills(pen: Pen) -> alt.Chart:
    words = {"bot": "bot", "told": "fill", "at": "minute (close)", "why": "reason", "result": "P&L", "late": "caught up"}
    chart: alt.Chart = (
        alt.Chart(alt.NamedData(FILLS))
        .mark_point(filled=True, size=150, opacity=1, stroke=_RING, strokeWidth=2)
        .encode(
            pen.x("begin"),
            pen.y("price"),
            shape=alt.Shape("side:N", scale=_SHAPES, legend=None),
            fill=alt.when("datum.side == 'buy'").then(alt.value(GAIN)).otherwise(alt.value(LOSS)),
            tooltip=[alt.Tooltip(f"{name}:N", title=title) for name, title in words.items()],
        )
    )
    return chart
