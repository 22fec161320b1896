"""How long trades took from the venue's clock to ours: the spread of the newest ones."""

from dataclasses import dataclass
from itertools import pairwise

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.charts.house import DOUBT, GAIN, LOSS, QUIET, layered

_BINS = 40
_HEIGHT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """Figures of some latencies, in milliseconds.

    Attributes:
        count: How many trades.
        low: The smallest one.
        median: Half of them took no longer.
        p95: 95 % took no longer.
        p99: 99 % took no longer.
        high: The largest one.
        negative: How many trades were received before they happened, by the two clocks.
    """

    count: int
    low: float
    median: float
    p95: float
    p99: float
    high: float
    negative: int


def latencies_ms(timestamp_us: NDArray[np.int64], received_us: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how long each trade took, in milliseconds; below 0 where clocks differ by more than that."""
    return (received_us - timestamp_us) / 1_000.0


def figures(latencies: NDArray[np.float64]) -> Latencies | None:
    """Return the figures of latencies in milliseconds, None without any."""
    if not len(latencies):
        return None
    median, p95, p99 = (float(each) for each in np.percentile(latencies, [50, 95, 99]))
    low, high, negative = float(latencies.min()), float(latencies.max()), int((latencies < 0).sum())
    return Latencies(count=len(latencies), low=low, median=median, p95=p95, p99=p99, high=high, negative=negative)


def latency_rows(latencies: NDArray[np.float64]) -> pd.DataFrame:
    """Return the histogram of latencies: columns low, high (milliseconds), trades and told.

    What is above the 99th percentile by far is in the last bar, which says so.
    """
    found = figures(latencies)
    if found is None:
        return pd.DataFrame({"low": [], "high": [], "trades": [], "told": pd.Series(dtype="str")}, dtype="float64")
    end = min(found.high, found.low + 1.25 * max(found.p99 - found.low, 1e-3))
    counts, edges = np.histogram(np.minimum(latencies, end), bins=_BINS, range=(found.low, max(end, found.low + 1e-3)))
    told = [f"{low:,.1f} to {high:,.1f} ms" for low, high in pairwise(edges)]
    if found.high > end:
        told[-1] = f"{edges[-2]:,.1f} ms and longer, up to {found.high:,.1f} ms"
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "trades": counts.astype("float64"), "told": told})


def latency_chart(rows: pd.DataFrame, found: Latencies | None, *, title: str) -> alt.LayerChart:
    """Return the histogram of latencies with its median, 95th and 99th percentile.

    Args:
        rows: See `latency_rows`.
        found: See `figures`.
        title: Above the chart.
    """
    x = alt.X("low:Q", title="received after the venue's time, in milliseconds", scale=alt.Scale(nice=False, zero=False))
    y = alt.Y("trades:Q", title="trades", axis=alt.Axis(orient="right", tickCount=5))
    told = [alt.Tooltip("told:N", title="took"), alt.Tooltip("trades:Q", format=",")]
    bars = (
        alt.Chart(rows).mark_bar(opacity=0.75, binSpacing=1, color=QUIET).encode(x, alt.X2("high"), y, alt.Y2Datum(0), tooltip=told)
    )
    marks = {} if found is None else {"median": (found.median, GAIN), "95 %": (found.p95, LOSS), "99 %": (found.p99, DOUBT)}
    lines = [_mark(name, value, colour, step) for step, (name, (value, colour)) in enumerate(marks.items())]
    return layered(title, bars, *(layer for pair in lines for layer in pair), height=_HEIGHT)


def _mark(name: str, value: float, colour: str, step: int) -> tuple[alt.Chart, alt.Chart]:
    base = alt.Chart(pd.DataFrame({"low": [value], "name": [f"{name} {value:,.1f} ms"]})).encode(alt.X("low:Q"))
    rule: alt.Chart = base.mark_rule(color=colour, strokeWidth=2, strokeDash=[[1, 0], [6, 3], [2, 2]][step])
    text: alt.Chart = base.mark_text(align="left", dx=5, color=colour, fontSize=12).encode(
        text="name:N", y=alt.value(10 + 16 * step)
    )
    return rule, text
