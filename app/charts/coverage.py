"""How much of the time is stored: a calendar of symbols by day, and the minutes of one day."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import altair as alt
import pandas as pd

from app.charts.house import DOUBT, GAIN, LOSS, QUIET, fitted, layered
from app.charts.zone import UTC, Zone

CELL = "cell"
"""Name of what is selected by a click: `[{"symbol": …, "day": …}]`."""

CELLS = "cells"
"""Name of the data."""

Cells = pd.DataFrame | alt.NamedData

# Told apart with every kind of colour blindness; each has a sign of its own, too.
COLOURS: Final = {
    "missing": LOSS, "incomplete": DOUBT, "not counted": QUIET, "unprovable": "#c9a227", "no trades": "#5f6b7a", "complete": GAIN,
}  # fmt: skip
AS_IT_SHOULD_BE: Final = ("complete", "no trades", "not counted")
CALM, STRONG = 0.3, 0.85
"""How opaque a cell is that is as it should be, and another."""
ROW = 24
"""Height of a row of the calendar, pixels."""
_AROUND, _SMALL_ROW = 76, 14
_CANVAS = {"embedOptions": {"renderer": "canvas"}}  # a browser draws thousands of shapes of an SVG too slowly


@lru_cache(maxsize=32)
def calendar_spec(symbols: tuple[str, ...], columns: tuple[str, ...], *, by: str = "day") -> dict[str, Any]:
    """Return the calendar as a specification of Vega-Lite that waits for its data, `CELLS`: made once, since that takes its time.

    Args:
        symbols: The rows, from above.
        columns: What stands below, oldest first: days, or Mondays.
        by: `day` or `week`.
    """
    spec: dict[str, Any] = calendar_chart(alt.NamedData(CELLS), symbols, columns, by=by).properties(usermeta=_CANVAS).to_dict()
    return spec


@lru_cache(maxsize=32)
def minutes_spec(hours: tuple[str, ...], *, zone: Zone = UTC) -> dict[str, Any]:
    """Return the minutes of a day as a specification that waits for its data, likewise."""
    chart = fitted(minutes_chart(alt.NamedData(CELLS), hours, zone=zone))
    spec: dict[str, Any] = chart.properties(usermeta=_CANVAS).to_dict()
    return spec


def calendar_chart(
    cells: Cells, symbols: Sequence[str], columns: Sequence[str], *, by: str = "day", title: str = ""
) -> alt.LayerChart:
    """Return the calendar; a click selects a symbol and a day.

    Args:
        cells: As `app.coverage.day_rows` or `week_rows` return them.
        symbols: The rows, from above.
        columns: What stands below, oldest first: days, or Mondays.
        by: `day` or `week`.
        title: Above the chart.
    """
    axis = alt.Axis(
        labelExpr="utcFormat(toDate(datum.value), '%d %b')", labelAngle=0, labelOverlap="greedy", labelSeparation=12, ticks=False,
        labelFlush=True,
    )  # fmt: skip
    across = alt.X("column:O", title=f"{by} in UTC", axis=axis, scale=alt.Scale(domain=list(columns), paddingInner=0.06))
    names = alt.Axis(ticks=False, labelLimit=220)
    up = alt.Y("symbol:N", title=None, sort=None, scale=alt.Scale(domain=list(symbols), paddingInner=0.12), axis=names)
    told = [
        alt.Tooltip("symbol:N"),
        alt.Tooltip("day:N", title="worst day (UTC)" if by == "week" else "day (UTC)"),
        alt.Tooltip("state:N"),
        alt.Tooltip("told:N", title="days" if by == "week" else "minutes"),
        alt.Tooltip("holes:Q", title="open holes, most of a day" if by == "week" else "open holes"),
    ]
    base = alt.Chart(cells).encode(across, up, tooltip=told)
    picked = alt.selection_point(name=CELL, fields=["symbol", "day"], on="click", clear="dblclick", toggle=False)
    rects = base.mark_rect(cornerRadius=1, cursor="pointer").encode(color=_colour(), opacity=_strength()).add_params(picked)
    signs = base.mark_text(fontSize=10, cursor="pointer").encode(text="glyph:N", color=_ink())
    height = _AROUND + ROW * max(len(symbols), 1)
    return layered(title, rects, signs, height=height)


def minutes_chart(cells: Cells, hours: Sequence[str], *, title: str = "", zone: Zone = UTC) -> alt.LayerChart:
    """Return the minutes of a day, a row for each hour.

    Args:
        cells: As `app.coverage.minute_rows` returns them.
        hours: The rows, from above.
        title: Above the chart.
        zone: In which the hours are.
    """
    axis = alt.Axis(labelAngle=0, values=list(range(0, 60, 5)), ticks=False, orient="top")
    across = alt.X("minute:O", title="minute of the hour", axis=axis, scale=alt.Scale(domain=list(range(60)), paddingInner=0.06))
    up = alt.Y(
        "hour:N",
        title=f"hour in {zone}",
        sort=None,
        scale=alt.Scale(domain=list(hours), paddingInner=0.1),
        axis=alt.Axis(ticks=False),
    )
    told = [
        alt.Tooltip("span:N", title=f"minute ({zone.name})"),
        *(alt.Tooltip(f"{name}:N") for name in ("state", "trades", "close", "origin", "revision")),
    ]
    base = alt.Chart(cells).encode(across, up, tooltip=told)
    rects = base.mark_rect().encode(color=_colour(), opacity=_strength())
    bad = base.transform_filter("datum.state != 'complete'")
    marks = bad.mark_text(fontSize=9).encode(text="glyph:N", color=_ink())
    return layered(title, rects, marks, height=_AROUND + _SMALL_ROW * max(len(hours), 1))


def _colour() -> alt.Color:
    scale = alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))
    return alt.Color("state:N", scale=scale, legend=None)


def _strength() -> Any:
    """What is as it should be stays calm."""
    calm = alt.FieldOneOfPredicate("state", list(AS_IT_SHOULD_BE))
    return alt.when(calm).then(alt.value(CALM)).otherwise(alt.value(STRONG))


def _ink() -> Any:
    strong = alt.FieldOneOfPredicate("state", ["missing", "incomplete", "unprovable"])
    return alt.when(strong).then(alt.value("#ffffff")).otherwise(alt.value(QUIET))
