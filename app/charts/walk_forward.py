"""A walk-forward run: its windows, what was chosen in each, and what came of it out of sample."""

from typing import Any

import altair as alt
import pandas as pd

from app.charts.house import GAIN, LOSS, QUIET, layered, time_axis
from app.charts.search import column_of
from app.charts.sweep import form_of
from app.charts.zone import UTC, Zone
from trading.backtest.metrics import Metric

_ROW, _ABOVE = 16, 30
INSIDE, OUTSIDE = "in sample", "out of sample"
_COLOURS = alt.Scale(domain=[INSIDE, OUTSIDE], range=[QUIET, GAIN])


def windows_chart(windows: pd.DataFrame, *, title: str = "Windows", zone: Zone = UTC) -> alt.LayerChart:
    """Return which time was searched and which was traded with what was found.

    Args:
        windows: Columns number, train_begin, train_end, test_begin, test_end (timestamps) and chosen (in words).
        title: Above the chart.
        zone: In which the rows are.
    """
    parts = [
        windows.assign(begin=windows[f"{part}_begin"], end=windows[f"{part}_end"], part=name)
        for part, name in (("train", INSIDE), ("test", OUTSIDE))
    ]
    rows = pd.concat(parts, ignore_index=True)[["number", "begin", "end", "part", "chosen"]]
    rows = rows.assign(first=rows["begin"].dt.strftime("%Y-%m-%d"), last=rows["end"].dt.strftime("%Y-%m-%d"))
    told = [alt.Tooltip("number:Q", title="window"), *(alt.Tooltip(f"{name}:N") for name in ("part", "first", "last", "chosen"))]
    colour = alt.Color("part:N", scale=_COLOURS, legend=alt.Legend(orient="top", title=None))
    bars = (
        alt.Chart(rows)
        .mark_bar(height={"band": 0.7})
        .encode(time_axis("begin", zone=zone), alt.X2("end"), alt.Y("number:O", title="window"), color=colour, tooltip=told)
    )
    return layered(title, bars, height=_ABOVE + _ROW * max(len(windows), 1))


def chosen_chart(windows: pd.DataFrame, parameters: list[str], *, title: str = "Chosen parameters") -> alt.VConcatChart:
    """Return which value each parameter had in each window: what jumps about was fitted to noise.

    Args:
        windows: Column number, and one for each parameter (`column_of`).
        parameters: Their names.
        title: Above the chart.
    """
    columns = {name: column_of(name) for name in parameters}
    charts = [_chosen(windows[["number", column]].rename(columns={column: "value"}), name) for name, column in columns.items()]
    chart: alt.VConcatChart = alt.vconcat(*charts, title=title).configure_mark(aria=False)
    return chart


def _chosen(rows: pd.DataFrame, name: str) -> Any:
    numeric = pd.api.types.is_numeric_dtype(rows["value"]) and not pd.api.types.is_bool_dtype(rows["value"])
    base = alt.Chart(rows if numeric else rows.assign(value=rows["value"].astype("str"))).encode(
        alt.X("number:O", title="window", axis=alt.Axis(labelAngle=0, labelOverlap=True)),
        alt.Y("value:Q", title=name, scale=alt.Scale(zero=False), axis=alt.Axis(orient="right", tickCount=4))
        if numeric
        else alt.Y("value:N", title=name, axis=alt.Axis(orient="right")),
        tooltip=[alt.Tooltip("number:Q", title="window"), alt.Tooltip("value:N", title=name)],
    )
    line = base.mark_line(interpolate="step", color=QUIET, strokeDash=[3, 3])
    chart: Any = alt.layer(line, base.mark_point(filled=True, size=50, color=GAIN, opacity=1)).properties(height=90)
    return chart


def kept_chart(windows: pd.DataFrame, *, metric: Metric, title: str = "") -> alt.LayerChart:
    """Return a metric of each window in sample beside the same out of sample: the distance is what was fitted, not found.

    Args:
        windows: Columns number, inside and outside (values of the metric).
        metric: What is drawn.
        title: Above the chart; the metric's if empty.
    """
    rows = windows.melt("number", ["inside", "outside"], "part", "value")
    rows = rows.assign(part=rows["part"].map({"inside": INSIDE, "outside": OUTSIDE}))
    across = alt.X("number:O", title="window", axis=alt.Axis(labelAngle=0, labelOverlap=True))
    form = form_of(metric, rows["value"])
    axis = alt.Axis(format=form, orient="right")
    told = [
        alt.Tooltip("number:Q", title="window"),
        alt.Tooltip("part:N"),
        alt.Tooltip("value:Q", title=metric.title, format=form),
    ]
    shape = alt.Shape(
        "part:N",
        scale=alt.Scale(domain=[INSIDE, OUTSIDE], range=["circle", "diamond"]),
        legend=alt.Legend(orient="top", title=None),
    )
    points = (
        alt.Chart(rows)
        .mark_point(size=60, filled=True, opacity=1)
        .encode(
            across,
            alt.Y("value:Q", title=metric.title, axis=axis),
            shape=shape,
            color=alt.Color("part:N", scale=_COLOURS),
            tooltip=told,
        )
    )
    return layered(title or f"{metric.title} in sample and out of sample", _stems(windows, metric, across), points, height=220)


def _stems(windows: pd.DataFrame, metric: Metric, across: alt.X) -> alt.Chart:
    """Return the way from a metric in sample to the same out of sample, in the colour of a loss where that is worse."""
    worse = "datum.outside > datum.inside" if metric.higher_is_better is False else "datum.outside < datum.inside"
    fall = alt.when(worse).then(alt.value(LOSS)).otherwise(alt.value(GAIN))
    base = alt.Chart(windows[["number", "inside", "outside"]]).mark_rule(strokeWidth=1.5)
    chart: alt.Chart = base.encode(across, alt.Y("inside:Q"), alt.Y2("outside"), color=fall)
    return chart
