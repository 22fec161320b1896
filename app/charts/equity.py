"""Equity over time, against buying and holding."""

import altair as alt
import pandas as pd

from app.charts.house import (
    GAIN,
    QUIET,
    amount_form,
    found_by_mouse,
    hole_bands,
    layered,
    number_axis,
    split_at_holes,
    thin,
    time_axis,
)
from app.charts.zone import UTC, Zone

STRATEGY, BENCHMARK = "strategy", "buy and hold"


def equity_chart(
    curve: pd.DataFrame, holes: pd.DataFrame, *, quote: str, title: str = "Equity", windows: pd.DataFrame | None = None,
    zone: Zone = UTC,
) -> alt.LayerChart:  # fmt: skip
    """Return the chart of equity; the line breaks where holes are.

    Args:
        curve: Columns timestamp, equity and benchmark; see `app.charts.parts.curve_rows`.
        holes: See `app.charts.parts.hole_rows`.
        quote: Currency of the account.
        title: Above the chart.
        windows: Where parts of the curve begin (column `test_begin`), for a walk-forward run.
        zone: In which the rows are.
    """
    rows = split_at_holes(thin(curve), holes)
    lines = [_line(rows, "benchmark", BENCHMARK, quote, zone)] if rows["benchmark"].notna().any() else []
    form = amount_form(curve["equity"], curve["benchmark"])
    numbers = [alt.Tooltip("equity:Q", title=STRATEGY, format=form), alt.Tooltip("benchmark:Q", title=BENCHMARK, format=form)]
    borders = [] if windows is None else [_borders(windows, zone)]
    told = found_by_mouse(curve, numbers[: 1 + len(lines)], zone=zone)
    return layered(title, told, *hole_bands(holes, zone=zone), *borders, *lines, _line(rows, "equity", STRATEGY, quote, zone))


def _line(rows: pd.DataFrame, field: str, name: str, quote: str, zone: Zone) -> alt.Chart:
    names = [STRATEGY, BENCHMARK]
    # The legend shows colour and dashes together: what is dashed is the market.
    legend = alt.Legend(orient="top", title=None, symbolStrokeWidth=2, symbolSize=300)
    line: alt.Chart = (
        alt.Chart(rows)
        .transform_calculate(series=f"'{name}'")
        .mark_line(strokeWidth=1.6)
        .encode(
            time_axis(zone=zone),
            number_axis(field, f"value in {quote}" if quote else "value", form=",~r"),
            color=alt.Color("series:N", scale=alt.Scale(domain=names, range=[GAIN, QUIET]), legend=legend),
            strokeDash=alt.StrokeDash("series:N", scale=alt.Scale(domain=names, range=[[1, 0], [5, 3]]), legend=legend),
        )
    )
    return line


def _borders(windows: pd.DataFrame, zone: Zone) -> alt.Chart:
    rule: alt.Chart = alt.Chart(windows).mark_rule(strokeDash=[2, 4], color=QUIET).encode(time_axis("test_begin", zone=zone))
    return rule
