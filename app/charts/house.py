"""What all charts share: colours, the axis of time, shaded holes, and what the mouse finds."""

from collections.abc import Sequence
from typing import Any, Final

import altair as alt
import numpy as np
import pandas as pd

from app.charts.parts import minute
from app.charts.zone import UTC, Zone

# Blue and vermilion are told apart with every kind of colour blindness, and on white as on black. What a colour says is said
# by form, place or words too.
GAIN, LOSS = "#3a86c8", "#d9622b"
DOUBT, QUIET = "#b455a0", "#8a8f98"
SCHEME: Final = "viridis"

MAX_POINTS = 2_000
"""More points than this no chart draws."""

MAX_BANDS = 240
"""So many places the mouse finds along an axis of time: a band of a few pixels each."""

PRICE_FORM: Final = ",.12~r"
"""Prices and sizes of venues with the digits that they have, in a format of d3: also far below 1, where those behind the point end,
and without what adding up leaves in the last digits."""

HEIGHT = 260

SILENT = alt.Config(mark=alt.MarkConfig(aria=False))
"""A screen reader gets the text alternative of the page, and not a thousand marks.

Given as layers are put together, like all that a chart of layers has: each of Altair's methods would copy the layers of its layers
again and again.
"""

TIME_LABEL = (
    "utcFormat(datum.value, utchours(datum.value) + utcminutes(datum.value) > 0 ? '%H:%M'"
    " : utcmonth(datum.value) == 0 && utcdate(datum.value) == 1 ? '%Y' : '%d %b')"
)
"""The first tick of a day shows the date, the first of a year the year."""


def time_axis(field: str = "timestamp", *, zone: Zone = UTC) -> alt.X:
    """Return the axis of time; the field was moved into the zone (`Zone.moved`), which the axis names."""
    axis = alt.Axis(grid=False, labelOverlap=True, labelExpr=TIME_LABEL)
    return alt.X(f"{field}:T", title=f"time in {zone}", scale=alt.Scale(type="utc", nice=False), axis=axis)


def number_axis(field: str, title: str, *, form: str = ",~r", zero: bool = False, stack: bool | None = None) -> alt.Y:
    """Return an axis of numbers with its numbers at the right, as those of prices; `form` is a format of d3."""
    axis = alt.Axis(orient="right", tickCount=6, format=form)
    more: dict[str, Any] = {} if stack is None else {"stack": stack}
    return alt.Y(f"{field}:Q", title=title, axis=axis, scale=alt.Scale(zero=zero, nice=True), **more)


def time_told(field: str, title: str) -> alt.Tooltip:
    """Return a line of a tooltip that tells a moment; the field holds words, since tooltips have no time zone."""
    return alt.Tooltip(f"{field}:N", title=title)


def decimals_of(*amounts: "pd.Series[Any]") -> int:
    """Return how many decimals amounts of a currency ask for, by the largest: two, and more where those would say nothing."""
    sizes = [float(each.astype("float64").abs().max()) for each in amounts]
    largest = max((size for size in sizes if size > 0), default=0.0)  # not NaN, as of a column without a number
    return 2 if largest >= 10 or largest == 0 else 4 if largest >= 1 else 8


def amount_form(*amounts: "pd.Series[Any]", sign: str = "") -> str:
    """Return the format of d3 in which amounts of a currency are shown; with `+` as `sign`, that is put before what is above 0."""
    return f"{sign},.{decimals_of(*amounts)}f"


def thin(rows: pd.DataFrame, most: int = MAX_POINTS) -> pd.DataFrame:
    """Return rows at even distances so that no more than `most` are left, the first and the last one always among them."""
    if len(rows) <= most:
        return rows
    return rows.iloc[np.linspace(0, len(rows) - 1, most).round().astype(int)].reset_index(drop=True)


def split_at_holes(rows: pd.DataFrame, holes: pd.DataFrame) -> pd.DataFrame:
    """Return rows with an empty one inside each hole that has none, so that no line is drawn through what is not known.

    Holes that are narrower than rows commonly are apart are left out: nobody would see them, and many of them would leave no two
    rows to draw a line between. There is one empty row at most between two.
    """
    if rows.empty or holes.empty:
        return rows
    widths, stamps = holes["end"] - holes["begin"], rows["timestamp"]
    before, after = stamps.searchsorted(holes["begin"], "right"), stamps.searchsorted(holes["end"], "left")
    seen = (before >= after) & (before > 0) & (after < len(rows)) & (widths >= stamps.diff().median())
    empty = (holes["begin"] + widths / 2)[seen & ~pd.Series(before, holes.index).where(seen).duplicated()]
    if empty.empty:
        return rows
    joined = pd.concat([rows, pd.DataFrame({"timestamp": empty})], ignore_index=True)
    return joined.sort_values("timestamp", ignore_index=True)


def hole_bands(holes: pd.DataFrame, *, zone: Zone = UTC) -> list[alt.Chart]:
    """Return the layers that shade holes over the whole height, none without holes; the newest 200 are drawn.

    Args:
        holes: Columns symbol, begin, end, bars, told; see `app.charts.parts.hole_rows`.
        zone: In which they are.
    """
    if holes.empty:
        return []
    begin, end = time_axis("begin", zone=zone), alt.X2("end")
    told = [alt.Tooltip("symbol:N"), alt.Tooltip("told:N", title="no data"), alt.Tooltip("bars:Q", title="bars missing")]
    base = alt.Chart(holes.tail(200))
    band = base.mark_rect(opacity=0.22, color=QUIET, stroke=QUIET).encode(begin, end, tooltip=told)
    words = base.transform_calculate(middle="(time(datum.begin) + time(datum.end)) / 2").mark_text(
        text="no data", angle=270, align="right", fontSize=10, color=QUIET
    )
    return [band, words.encode(time_axis("middle", zone=zone), y=alt.value(8))]


def found_by_mouse(rows: pd.DataFrame, told: Sequence[alt.Tooltip], *, zone: Zone = UTC) -> alt.Chart:
    """Return invisible bands over the whole height that tell the values at their right end, so that the mouse need hit no line."""
    shown = thin(rows, MAX_BANDS)
    bands = shown.assign(begin=shown["timestamp"].shift(), moment=minute(shown["timestamp"])).dropna(subset=["begin"])
    told = [time_told("moment", f"time ({zone.name})"), *told]
    chart: alt.Chart = (
        alt.Chart(bands).mark_rect(opacity=0).encode(time_axis("begin", zone=zone), alt.X2("timestamp"), tooltip=list(told))
    )
    return chart


def signed(field: str) -> Any:
    """Return the colour of what is above 0 and of what is not."""
    return alt.when(f"datum['{field}'] > 0").then(alt.value(GAIN)).otherwise(alt.value(LOSS))


def layered(title: str | alt.TitleParams, *layers: alt.Chart, height: int = HEIGHT) -> alt.LayerChart:
    """Return layers as one chart."""
    return alt.LayerChart(layer=layers, title=title, height=height, config=SILENT)


def fitted(chart: alt.TopLevelMixin) -> Any:
    """Return a chart as wide as its page, and as high as it says plus title and axes.

    Streamlit would fit title and axes into the height of the chart, and cut them off where it is low; its theme knows nothing of
    subtitles, which would be black on black.
    """
    wide = chart.properties(autosize=alt.AutoSizeParams(type="fit-x", contains="padding"))
    return wide.configure_title(subtitleColor=QUIET)
