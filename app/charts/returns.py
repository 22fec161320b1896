"""How daily returns are distributed."""

import altair as alt
import pandas as pd

from app.charts.house import QUIET, layered, signed

_LOW = 200


def returns_chart(bins: pd.DataFrame, *, title: str = "Daily returns") -> alt.LayerChart:
    """Return the histogram of daily returns.

    Args:
        bins: Columns low, high (fractions) and days; see `app.charts.parts.return_rows`.
        title: Above the chart.
    """
    rows = bins.assign(middle=(bins["low"] + bins["high"]) / 2)
    told = [
        alt.Tooltip("low:Q", title="from", format="+.2%"),
        alt.Tooltip("high:Q", title="to", format="+.2%"),
        alt.Tooltip("days:Q", format=","),
    ]
    x = alt.X("low:Q", title="return of a UTC day", axis=alt.Axis(format="+~%", tickCount=10), scale=alt.Scale(nice=True))
    y = alt.Y("days:Q", title="days", axis=alt.Axis(orient="right", tickCount=5))
    bars = (
        alt.Chart(rows)
        .mark_bar(opacity=0.8, binSpacing=1)
        .encode(x, alt.X2("high"), y, alt.Y2Datum(0), color=signed("middle"), tooltip=told)
    )
    zero = alt.Chart(pd.DataFrame({"low": [0.0]})).mark_rule(color=QUIET, strokeDash=[2, 3]).encode(alt.X("low:Q"))
    return layered(title, bars, zero, height=_LOW)
