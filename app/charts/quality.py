"""What checks found over time: runs that passed and failed, and how many candles are the venue's own."""

import altair as alt
import pandas as pd

from app.charts.house import GAIN, LOSS, QUIET, layered, thin, time_axis, time_told
from app.charts.zone import UTC, Zone

_RESULTS = ["passed", "failed", "broke off", "running"]
_COLOURS = [GAIN, LOSS, "#c9a227", QUIET]
_SHAPES = ["circle", "triangle-down", "cross", "square"]
_ROW, _AROUND, _HEIGHT = 26, 100, 240


def runs_chart(runs: pd.DataFrame, *, title: str = "", zone: Zone = UTC) -> alt.LayerChart:
    """Return each run as a mark at its time, in the row of what it checked.

    Args:
        runs: Columns run, symbol, suite, what (symbol and suite), begun (moment in the zone), told (the same in words), rows,
            result (`passed`, `failed`, `broke off`, `running`); see `app.quality.run_rows`.
        title: Above the chart.
        zone: In which moments are.
    """
    names = sorted(runs["what"].unique())
    up = alt.Y(
        "what:N",
        title=None,
        scale=alt.Scale(domain=names),
        axis=alt.Axis(ticks=False, labelLimit=260, labelOverlap=False, grid=True),
    )
    told = [
        alt.Tooltip("run:N"), alt.Tooltip("what:N", title="checked"), time_told("told", f"begun ({zone.name})"),
        alt.Tooltip("result:N"), alt.Tooltip("rows:Q", format=","),
    ]  # fmt: skip
    # The palette is told by shapes, too.
    colour = alt.Color("result:N", scale=alt.Scale(domain=_RESULTS, range=_COLOURS), legend=alt.Legend(title=None, orient="top"))
    shape = alt.Shape("result:N", scale=alt.Scale(domain=_RESULTS, range=_SHAPES), legend=alt.Legend(title=None, orient="top"))
    marks = alt.Chart(thin(runs)).mark_point(filled=True, size=70, opacity=0.9)
    layer = marks.encode(time_axis("begun", zone=zone), up, color=colour, shape=shape, tooltip=told)
    return layered(title, layer, height=_AROUND + _ROW * max(len(names), 1))


def match_chart(matches: pd.DataFrame, *, title: str = "", zone: Zone = UTC) -> alt.LayerChart:
    """Return which share of compared candles is the venue's own, over time.

    Args:
        matches: Columns symbol, source (`check` or `reconcile`), found (moment in the zone), told (the same in words), compared,
            differing, rate (a fraction); see `app.quality.match_rows`.
        title: Above the chart.
        zone: In which moments are.
    """
    lowest = float(matches["rate"].min()) if len(matches) else 1.0
    scale = alt.Scale(domain=[min(lowest, 0.99), 1.0], nice=False)
    axis = alt.Axis(orient="right", tickCount=5, format=".2%")
    up = alt.Y("rate:Q", title="share that is the venue's own", scale=scale, axis=axis)
    told = [
        alt.Tooltip("symbol:N"), alt.Tooltip("source:N", title="found by"), time_told("told", f"found ({zone.name})"),
        alt.Tooltip("compared:Q", format=","), alt.Tooltip("differing:Q", format=","), alt.Tooltip("rate:Q", format=".4%"),
    ]  # fmt: skip
    legend = alt.Legend(title=None, orient="top")
    base = alt.Chart(thin(matches)).encode(time_axis("found", zone=zone), up, color=alt.Color("symbol:N", legend=legend))
    shapes = alt.Scale(domain=["check", "reconcile"], range=["circle", "diamond"])
    points = base.mark_point(filled=True, size=60, opacity=0.9).encode(
        shape=alt.Shape("source:N", scale=shapes, legend=legend), tooltip=told
    )
    return layered(title, base.mark_line(strokeWidth=1, opacity=0.5).encode(detail="source:N"), points, height=_HEIGHT)
