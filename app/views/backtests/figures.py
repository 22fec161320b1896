"""The figures and curves of a run, its returns and what else could have come of it."""

import streamlit as st

from app.charts.drawdown import drawdown_chart, exposure_chart
from app.charts.equity import equity_chart
from app.charts.monte_carlo import fan_chart
from app.charts.monthly import monthly_chart
from app.charts.parts import curve_rows, hole_rows, month_rows, return_rows
from app.charts.returns import returns_chart
from app.charts.search import fan_rows
from app.charts.zone import Zone
from app.data.backtests import Run
from app.reports.figures import HEADLINES, grouped, money, percent, quote_of, told, told_of
from app.reports.resamples import quantile_table, title_of, unit_of, words_of
from app.views.charts import show_chart
from trading.backtest.metrics import METRICS, Metric

_ACROSS = 6
_SHORT = {"cagr": "A year (CAGR)", "benchmark_return": "Buy and hold"}


def show_result(run: Run, zone: Zone) -> None:
    """Show the headlines, equity against buying and holding, drawdown, exposure and months."""
    document, quote = run.document, quote_of(run.document)
    columns = st.columns(_ACROSS)
    columns[0].metric(f"Final value{f' in {quote}' if quote else ''}", money(document["final_value"]))
    for at, name in enumerate(HEADLINES, start=1):
        metric = METRICS[name]
        columns[at % _ACROSS].metric(_SHORT.get(name, metric.title), told_of(document["metrics"], name), help=explained(metric))
    curve, holes = curve_rows(document, zone=zone), hole_rows(document, zone=zone)
    if curve.empty:
        st.info("There is no curve: no candle was decided on.")
        return
    held = told_of(document["metrics"], "benchmark_return")
    words = f"Equity from {money(document['balance'], quote)} to {money(document['final_value'], quote)}; buying and holding {held}"
    deepest, inside = (told_of(document["metrics"], name) for name in ("max_drawdown", "exposure_time"))
    show_chart(equity_chart(curve, holes, quote=quote, zone=zone), alternative=words)
    show_chart(drawdown_chart(curve, holes, zone=zone), alternative=f"Drawdown, at most {deepest}")
    show_chart(exposure_chart(curve, holes, zone=zone), alternative=f"Exposure, in the market {inside} of the time")
    months = month_rows(document)
    if len(months):
        show_chart(monthly_chart(months, title="Returns by month (UTC)"), alternative="Returns by month")


def show_metrics(run: Run, zone: Zone) -> None:
    """Show all metrics in their groups; the formula shows when the mouse or the keyboard rests on a title."""
    del zone
    quote = quote_of(run.document)
    columns = st.columns(3)
    for at, (title, members) in enumerate(grouped().items()):
        with columns[at % 3].container(border=True):
            st.markdown(f"#### {title}")
            for each in members:
                figure = told(each, run.document["metrics"].get(each.name), quote=quote)
                st.markdown(f"{each.title}: **{figure}**", help=explained(each))


def show_returns(run: Run, zone: Zone) -> None:
    """Show how returns are distributed, and what else could have come of the same trades."""
    del zone
    days, months, figures = return_rows(run.document), month_rows(run.document), run.document["metrics"]
    if len(days):
        worst, best = (told_of(figures, name) for name in ("worst_day", "best_day"))
        show_chart(returns_chart(days), alternative=f"Distribution of daily returns, from {worst} to {best}")
    else:
        st.info("The window has no whole day, so that there are no daily returns.")
    if len(months):
        show_chart(monthly_chart(months, title="Returns by month (UTC)"), alternative="Returns by month")
        rows = [
            {"month": f"{row.month} {row.year}", "return": percent(float(str(row.gain)), signed=True)}
            for row in months.itertuples()
        ]
        with st.expander("Returns by month as a table"):
            st.dataframe(rows, hide_index=True, alt="Returns by month")
    _resamples(run)


def _resamples(run: Run) -> None:
    found = run.document.get("monte_carlo") or []
    quote = quote_of(run.document)
    for each in found:
        st.subheader(title_of(each), anchor=False)
        st.write(words_of(each))
        fan, actual = fan_rows(each)
        chart = fan_chart(fan, quote=quote, unit=unit_of(each), title="", actual=actual)
        show_chart(chart, alternative=f"{title_of(each)}: {words_of(each)}")
        header, rows = quantile_table(each, quote=quote)
        st.dataframe([dict(zip(header, row, strict=True)) for row in rows], hide_index=True, alt=f"Quantiles: {title_of(each)}")
    if not found:
        st.caption("Nothing was resampled; a run with resamples (Monte Carlo) says what else could have come of the same trades.")


def explained(metric: Metric) -> str:
    """Return what a metric is, its formula and its source, as the help of a widget."""
    formula = metric.formula.replace("$", "\\$").replace("*", "\\*").replace("_", "\\_").replace("[", "\\[")
    return f"{metric.summary}\n\n{formula}\n\nSource: {metric.source}"
