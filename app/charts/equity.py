"""Equity over time, against buying and holding."""

import altair as alt
import pandas as pd

from app.charts.house import GAIN, QUIET, found_by_mouse, hole_bands, layered, number_axis, split_at_holes, thin, time_axis

STRATEGY, BENCHMARK = "strategy", "buy and hold"


def equity_chart(
    curve: pd.DataFrame, holes: pd.DataFrame, *, quote: str, title: str = "Equity", windows: pd.DataFrame | None = None
) -> alt.LayerChart:
    """Return the chart of equity; the line breaks where holes are.

    Args:
        curve: Columns timestamp, equity and benchmark; see `app.charts.parts.curve_rows`.
        holes: See `app.charts.parts.hole_rows`.
        quote: Currency of the account.
        title: Above the chart.
        windows: Where parts of the curve begin (column `test_begin`), for a walk-forward run.
    """
    rows = split_at_holes(thin(curve), holes)
    lines = [_line(rows, "benchmark", BENCHMARK, quote)] if rows["benchmark"].notna().any() else []
    numbers = [alt.Tooltip("equity:Q", title=STRATEGY, format=",.2f"), alt.Tooltip("benchmark:Q", title=BENCHMARK, format=",.2f")]
    borders = [] if windows is None else [_borders(windows)]
    told = found_by_mouse(curve, numbers[: 1 + len(lines)])
    return layered(title, told, *hole_bands(holes), *borders, *lines, _line(rows, "equity", STRATEGY, quote))


def _line(rows: pd.DataFrame, field: str, name: str, quote: str) -> alt.Chart:
    names = [STRATEGY, BENCHMARK]
    # The legend shows colour and dashes together: what is dashed is the market.
    legend = alt.Legend(orient="top", title=None, symbolStrokeWidth=2, symbolSize=300)
    line: alt.Chart = (
        alt.Chart(rows)
        .transform_calculate(series=f"'{name}'")
        .mark_line(strokeWidth=1.6)
        .encode(
            time_axis(),
            number_axis(field, f"value in {quote}" if quote else "value", form=",~r"),
            color=alt.Color("series:N", scale=alt.Scale(domain=names, range=[GAIN, QUIET]), legend=legend),
            strokeDash=alt.StrokeDash("series:N", scale=alt.Scale(domain=names, range=[[1, 0], [5, 3]]), legend=legend),
        )
    )
    return line


def _borders(windows: pd.DataFrame) -> alt.Chart:
    rule: alt.Chart = alt.Chart(windows).mark_rule(strokeDash=[2, 4], color=QUIET).encode(time_axis("test_begin"))
    return rule
