"""Returns by year and month, as a heat map."""

import altair as alt
import pandas as pd

from app.charts.house import layered, signed

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_ROW, _ABOVE = 26, 20
_STRONGEST = 0.65  # words stay readable on it, dark on light as light on dark


def monthly_chart(months: pd.DataFrame, *, title: str = "Returns by month") -> alt.LayerChart:
    """Return the heat map of months; what is far from 0 is strong, and each cell has its number.

    Args:
        months: Columns year (text), month (`Jan` to `Dec`) and gain (a fraction); see `app.charts.parts.month_rows`.
        title: Above the chart.
    """
    strongest = max(float(months["gain"].abs().max()), 0.01) if len(months) else 0.01
    # The sign is the colour and the size the strength, so that 0 is the background of the page, be it light or dark.
    strength = alt.Scale(domain=[0, strongest], range=[0.05, _STRONGEST])
    base = alt.Chart(months).transform_calculate(strength="abs(datum.gain)")
    told = [alt.Tooltip("month:N"), alt.Tooltip("year:N"), alt.Tooltip("gain:Q", title="return", format="+.2%")]
    cells = base.mark_rect(cornerRadius=2).encode(
        _month(), _year(), color=signed("gain"), opacity=alt.Opacity("strength:Q", scale=strength, legend=None), tooltip=told
    )
    words = base.mark_text(fontSize=11).encode(_month(), _year(), text=alt.Text("gain:Q", format="+.1%"))
    return layered(title, cells, words, height=_ABOVE + _ROW * max(months["year"].nunique(), 1))


def _month() -> alt.X:
    return alt.X("month:O", title=None, scale=alt.Scale(domain=_MONTHS), axis=alt.Axis(labelAngle=0, orient="top", ticks=False))


def _year() -> alt.Y:
    return alt.Y("year:O", title=None, axis=alt.Axis(ticks=False))
