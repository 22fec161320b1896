"""What else could have come of the same trades: quantiles of equity over many orders of them."""

import altair as alt
import pandas as pd

from app.charts.house import GAIN, MAX_BANDS, QUIET, layered, number_axis, thin


def fan_chart(
    quantiles: pd.DataFrame, *, quote: str, unit: str = "trades", title: str = "Monte Carlo", actual: pd.DataFrame | None = None
) -> alt.LayerChart:
    """Return the fan of equity: the farther outside, the paler; the median is a line.

    Args:
        quantiles: Column step (0, 1, 2, …), and one for each quantile, named by it: `0.05`, `0.5`, `0.95`.
        quote: Currency of the account.
        unit: What steps are.
        title: Above the chart.
        actual: Columns step and equity: what really came; left out if None.
    """
    levels = sorted((name for name in quantiles.columns if name != "step"), key=float)
    pairs = [(low, high) for low, high in zip(levels, reversed(levels), strict=True) if float(low) < float(high)]
    rows = thin(quantiles, MAX_BANDS).rename(columns=_named(levels))
    across = alt.X("step:Q", title=unit, scale=alt.Scale(nice=False), axis=alt.Axis(grid=False))
    name = f"equity in {quote}" if quote else "equity"
    told = [
        alt.Tooltip("step:Q", title=unit),
        *(alt.Tooltip(f"{_name(each)}:Q", title=_percent(each), format=",.0f") for each in reversed(levels)),
    ]
    base = alt.Chart(rows)
    bands = [
        base.mark_area(color=GAIN, opacity=0.22).encode(across, number_axis(_name(low), name, stack=False), alt.Y2(_name(high)))
        for low, high in pairs
    ]
    middle = [
        base.mark_line(color=GAIN, strokeWidth=2).encode(across, number_axis(_name(each), name))
        for each in levels
        if float(each) == 0.5
    ]
    mouse = alt.Chart(rows.assign(before=rows["step"].shift()).dropna(subset=["before"])).mark_rect(opacity=0)
    found = mouse.encode(alt.X("before:Q", title=unit), alt.X2("step"), tooltip=told)
    return layered(title, *bands, *middle, *_actual(actual, across, name), found, height=300)


def _actual(rows: pd.DataFrame | None, across: alt.X, name: str) -> list[alt.Chart]:
    if rows is None:
        return []
    line = alt.Chart(thin(rows)).mark_line(color=QUIET, strokeWidth=1.5, strokeDash=[5, 3])
    return [line.encode(across, number_axis("equity", name))]


def _named(levels: list[str]) -> dict[str, str]:
    return {each: _name(each) for each in levels}


def _name(level: str) -> str:
    """Return a name without a point, which Vega would read as a path."""
    return f"q{float(level) * 1000:04.0f}"


def _percent(level: str) -> str:
    return "median" if float(level) == 0.5 else f"{float(level) * 100:g} % below"
