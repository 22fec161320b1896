"""Drawdown and exposure over time."""

import altair as alt
import pandas as pd

from app.charts.house import GAIN, LOSS, found_by_mouse, hole_bands, layered, number_axis, split_at_holes, thin, time_axis
from app.charts.zone import UTC, Zone

_LOW = 130


def drawdown_chart(curve: pd.DataFrame, holes: pd.DataFrame, *, title: str = "Drawdown", zone: Zone = UTC) -> alt.LayerChart:
    """Return the chart of what was lost from the highest equity, downwards from 0.

    Args:
        curve: Columns timestamp and drawdown (a fraction, 0 or more); see `app.charts.parts.curve_rows`.
        holes: See `app.charts.parts.hole_rows`.
        title: Above the chart.
        zone: In which the rows are.
    """
    rows = split_at_holes(thin(curve.assign(fall=-curve["drawdown"])), holes)
    area = alt.Chart(rows).mark_area(color=LOSS, line={"color": LOSS, "strokeWidth": 1}, opacity=0.45)
    told = found_by_mouse(curve.assign(fall=-curve["drawdown"]), [alt.Tooltip("fall:Q", title="drawdown", format=".2%")], zone=zone)
    drawn = area.encode(time_axis(zone=zone), number_axis("fall", "below the peak", form="~%", zero=True, stack=False))
    return layered(title, told, *hole_bands(holes, zone=zone), drawn, height=_LOW)


def exposure_chart(curve: pd.DataFrame, holes: pd.DataFrame, *, title: str = "Exposure", zone: Zone = UTC) -> alt.LayerChart:
    """Return the chart of how much of equity was in the market, short below 0; arguments as of `drawdown_chart`."""
    rows = split_at_holes(thin(curve), holes)
    area = alt.Chart(rows).mark_area(color=GAIN, opacity=0.45, interpolate="step-after")
    told = found_by_mouse(curve, [alt.Tooltip("exposure:Q", format=".1%")], zone=zone)
    drawn = area.encode(time_axis(zone=zone), number_axis("exposure", "part of equity", form="~%", zero=True, stack=False))
    return layered(title, told, *hole_bands(holes, zone=zone), drawn, height=_LOW)
