"""What a sweep found: a metric over two parameters, over one, and how it is distributed."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from app.charts.house import GAIN, HEIGHT, LOSS, MAX_POINTS, QUIET, SCHEME, decimals_of, layered, thin
from app.charts.search import column_of
from trading.backtest.metrics import Metric, Unit

MAX_LEVELS = 40
"""So many values of a parameter are told apart on an axis; more are put into ranges."""

_WORDS_UP_TO = 12 * 12
_CELL, _ABOVE, _HIGHEST = 26, 40, 620
_BINS = 60


def best_of(results: pd.DataFrame, names: list[str], metric: Metric) -> pd.DataFrame:
    """Return the best value of a metric at each combination of some parameters, the other parameters being free.

    Args:
        results: A column for each parameter and for the metric; sets without a value of the metric count only as tried.
        names: Columns of the parameters that stay.
        metric: Where `higher_is_better` is False the lowest is the best.

    Returns:
        One row for each combination: the names (values, or the middle of a range where there are more than 40), value, sets
        (tried), among (in words: how many), best (whether it is the best of all).
    """
    levels = pd.DataFrame({name: _levels(results[name]) for name in names} | {"value": results[metric.name].astype("float64")})
    grouped = levels.groupby(names, sort=True)["value"]
    cells = grouped.agg("min" if metric.higher_is_better is False else "max").to_frame("value")
    cells["sets"] = grouped.size()
    cells = cells.reset_index()
    top = cells["value"].min() if metric.higher_is_better is False else cells["value"].max()
    return cells.assign(
        best=cells["value"].eq(top), among=cells["sets"].map(lambda count: "one set" if count == 1 else f"best of {count:,}")
    )


def sweep_chart(
    results: pd.DataFrame, parameters: list[str], *, metric: Metric, title: str = "", among: str = ""
) -> alt.LayerChart:
    """Return a metric over one parameter, or over the first two that vary, at the best of all others.

    Args:
        results: A column for each parameter (`column_of`) and for the metric.
        parameters: Their names; the first is drawn to the right, the second upwards.
        metric: What is drawn.
        title: Above the chart; the metric and the parameters if empty.
        among: Of which sets, behind the metric and the parameters; see `app.charts.search.among_best`.
    """
    varied = [name for name in parameters if results[column_of(name)].nunique() > 1] or parameters[:1]
    drawn, free = varied[:2], varied[2:]
    said = title or f"{metric.title} by {' and '.join(drawn)}{', best over ' + ', '.join(free) if free else ''}{among}"
    columns = [column_of(name) for name in drawn]
    cells = best_of(results, columns, metric).rename(columns=dict(zip(columns, ("across", "up"), strict=False)))
    return _map(cells, drawn, metric, said) if len(drawn) > 1 else _line(cells, drawn[0], metric, said)


def _map(cells: pd.DataFrame, names: list[str], metric: Metric, title: str) -> alt.LayerChart:
    across, up = (
        alt.X("across:O", title=names[0], axis=_levels_axis(angle=0)),
        alt.Y("up:O", title=names[1], sort="descending", axis=_levels_axis()),
    )
    form = form_of(metric, cells["value"])
    scheme = alt.Scale(scheme=SCHEME, reverse=metric.higher_is_better is False, nice=False, zero=False)
    colour = alt.Color("value:Q", title=None, scale=scheme, legend=alt.Legend(format=form, orient="right"))
    told = _told(cells, metric, {"across": names[0], "up": names[1]})
    base = alt.Chart(cells)
    layers = [
        base.transform_filter("isValid(datum.value)").mark_rect().encode(across, up, color=colour, tooltip=told),
        # A set without a value is no dark cell.
        base.transform_filter("!isValid(datum.value)").mark_text(text="-", color=QUIET).encode(across, up, tooltip=told),
        base.transform_filter("datum.best").mark_rect(filled=False, stroke=LOSS, strokeWidth=3).encode(across, up),
    ]
    if len(cells) <= _WORDS_UP_TO:
        layers.append(_words(cells, metric, across, up, form))
    return layered(title, *layers, height=min(_ABOVE + _CELL * cells["up"].nunique(), _HIGHEST))


def _words(cells: pd.DataFrame, metric: Metric, across: alt.X, up: alt.Y, form: str) -> alt.Chart:
    low, high = cells["value"].min(), cells["value"].max()
    part = (cells["value"] - low) / (high - low if high > low else 1.0)
    light = (1 - part if metric.higher_is_better is False else part) > 0.55  # the bright end of the scheme
    words = alt.Chart(cells.assign(light=light)).transform_filter("isValid(datum.value)").mark_text(fontSize=10)
    ink = alt.when("datum.light").then(alt.value("#000000")).otherwise(alt.value("#ffffff"))
    chart: alt.Chart = words.encode(across, up, text=alt.Text("value:Q", format=form), color=ink)
    return chart


def _line(cells: pd.DataFrame, name: str, metric: Metric, title: str) -> alt.LayerChart:
    kind = "Q" if pd.api.types.is_numeric_dtype(cells["across"]) else "O"
    scale = alt.Scale(zero=False) if kind == "Q" else alt.Undefined
    across = alt.X(f"across:{kind}", title=name, scale=scale)
    axis = alt.Axis(format=form_of(metric, cells["value"]), orient="right")
    up = alt.Y("value:Q", title=metric.title, scale=alt.Scale(zero=False), axis=axis)
    base = alt.Chart(thin(cells, MAX_POINTS)).encode(across, up)
    points = base.mark_point(filled=True, size=30, color=GAIN, opacity=1).encode(tooltip=_told(cells, metric, {"across": name}))
    best = alt.Chart(cells[cells["best"]]).mark_point(size=140, color=LOSS, strokeWidth=2, opacity=1).encode(across, up)
    return layered(title, base.mark_line(color=GAIN, strokeWidth=1), points, best)


def sweep_distribution_chart(
    results: pd.DataFrame, *, metric: Metric, title: str = "", chosen: float | None = None
) -> alt.LayerChart:
    """Return how a metric is distributed over all sets, with a line at the chosen one; the best if None.

    A best set far from all others is more often luck than a rule.
    """
    values = results[metric.name].astype("float64").replace([np.inf, -np.inf], np.nan).dropna().to_numpy()
    counts, edges = np.histogram(values, bins=min(_BINS, max(1, len(values)))) if len(values) else (np.zeros(0, int), np.zeros(1))
    rows = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "sets": counts})
    form = form_of(metric, results[metric.name])
    told = [
        alt.Tooltip("low:Q", title="from", format=form),
        alt.Tooltip("high:Q", title="to", format=form),
        alt.Tooltip("sets:Q", format=","),
    ]
    across = alt.X("low:Q", title=metric.title, axis=alt.Axis(format=form), scale=alt.Scale(zero=False))
    up = alt.Y("sets:Q", title="parameter sets", axis=alt.Axis(orient="right", tickCount=5))
    bars = (
        alt.Chart(rows)
        .mark_bar(color=GAIN, opacity=0.8, binSpacing=1)
        .encode(across, alt.X2("high"), up, alt.Y2Datum(0), tooltip=told)
    )
    layers = [bars]
    if len(values):
        at = chosen if chosen is not None else float(values.min() if metric.higher_is_better is False else values.max())
        mark = alt.Chart(pd.DataFrame({"low": [at], "name": ["best" if chosen is None else "chosen"]}))
        layers.append(mark.mark_rule(color=LOSS, strokeWidth=2, strokeDash=[4, 2]).encode(alt.X("low:Q")))
        layers.append(mark.mark_text(color=LOSS, align="right", dx=-4).encode(alt.X("low:Q"), y=alt.value(8), text="name:N"))
    return layered(title or f"{metric.title} of {len(values):,} parameter sets", *layers, height=HEIGHT - 60)


def form_of(metric: Metric, *values: "pd.Series[Any]") -> str:
    """Return the format of d3 in which values of a metric are shown; small amounts with the digits that say something."""
    if metric.unit is Unit.QUOTE and decimals_of(*values) > 2:
        return ",.3~r"
    return {Unit.FRACTION: "+.1%", Unit.QUOTE: ",.0f", Unit.COUNT: ",.0f", Unit.BARS: ",.0f", Unit.SECONDS: ",.0f"}.get(
        metric.unit, ",.2f"
    )


def _told(cells: pd.DataFrame, metric: Metric, names: dict[str, str]) -> list[alt.Tooltip]:
    form = form_of(metric, cells["value"])
    parameters = [alt.Tooltip(f"{field}:N", title=name) for field, name in names.items()]
    return [*parameters, alt.Tooltip("value:Q", title=metric.title, format=form), alt.Tooltip("among:N", title="sets")]


def _levels_axis(**more: int) -> alt.Axis:
    angle: dict[str, Any] = {"labelAngle": more["angle"]} if "angle" in more else {}
    return alt.Axis(labelOverlap=True, ticks=False, labelFlush=False, **angle)


def _levels(column: "pd.Series[Any]") -> "pd.Series[Any]":
    if column.nunique() <= MAX_LEVELS or not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return column
    ranges = pd.cut(column.astype("float64"), MAX_LEVELS // 2)
    return ranges.map(lambda each: float(f"{each.mid:.4g}")).astype("float64")
