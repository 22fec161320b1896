"""All bots together over time: their equity, against what was put in."""

import altair as alt
import pandas as pd

from app.charts.house import GAIN, QUIET, amount_form, found_by_mouse, layered, number_axis, thin, time_axis
from app.charts.zone import UTC, Zone

LEVEL, PUT_IN = "equity, as if all accounts had been there from the begin", "put in"
_HEIGHT = 230


def portfolio_chart(curve: pd.DataFrame, *, money: str, zone: Zone = UTC, height: int = _HEIGHT) -> alt.LayerChart:
    """Return the chart of a portfolio; what is between the lines was won or lost.

    Args:
        curve: See `app.portfolio.portfolio_curve`; its timestamps are UTC.
        money: What it reckons in.
        zone: Of the axis of time.
        height: In pixels.
    """
    rows = curve.assign(timestamp=zone.moved(curve["timestamp"]), all_put_in=curve["level"] - curve["gain"])
    form = amount_form(curve["equity"], curve["put_in"])
    told = [
        alt.Tooltip("gain:Q", title="won since the curve began", format=amount_form(curve["gain"], sign="+")),
        alt.Tooltip("equity:Q", title="equity then", format=form),
        alt.Tooltip("put_in:Q", title="put in by then", format=form),
        alt.Tooltip("accounts:Q", title="accounts then"),
    ]
    lines = (_line(thin(rows), "all_put_in", PUT_IN, money, zone), _line(thin(rows), "level", LEVEL, money, zone))
    return layered("", *lines, found_by_mouse(rows, told, zone=zone), height=height)


def _line(rows: pd.DataFrame, field: str, name: str, money: str, zone: Zone) -> alt.Chart:
    names = [LEVEL, PUT_IN]
    # The legend shows colour and dashes together: what is dashed was put in.
    legend = alt.Legend(orient="top", title=None, symbolStrokeWidth=2, symbolSize=300, labelLimit=400, columns=1)
    line: alt.Chart = (
        alt.Chart(rows)
        .transform_calculate(series=f"'{name}'")
        .mark_line(strokeWidth=1.6)
        .encode(
            time_axis(zone=zone),
            number_axis(field, f"value in {money}" if money else "value"),
            color=alt.Color("series:N", scale=alt.Scale(domain=names, range=[GAIN, QUIET]), legend=legend),
            strokeDash=alt.StrokeDash("series:N", scale=alt.Scale(domain=names, range=[[1, 0], [5, 3]]), legend=legend),
        )
    )
    return line
