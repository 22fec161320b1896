"""What a sweep or a walk-forward found: sets over their parameters, and windows with what was kept of what they promised."""

from typing import Any

import pandas as pd
import streamlit as st

from app.backtests.links import query_of
from app.charts.equity import equity_chart
from app.charts.parts import curve_rows, hole_rows
from app.charts.search import (
    BESIDE,
    among_best,
    best_first,
    column_of,
    headings,
    kept_title,
    kept_windows,
    least_trades,
    parameter_names,
    records,
    set_rows,
    window_rows,
    with_enough_trades,
)
from app.charts.sweep import sweep_chart, sweep_distribution_chart
from app.charts.walk_forward import chosen_chart, kept_chart, windows_chart
from app.charts.zone import Zone
from app.data.backtests import Run
from app.data.strategies import defaults_of
from app.reports.figures import plain, quote_of, told, told_of, value_words
from app.reports.honesty import luck_words
from app.views.charts import show_chart
from app.views.choices import choose_from
from app.views.navigation import page_at
from market.clock import parse_time
from research.asked import command, of_document
from trading.backtest.metrics import METRICS, Metric

_MOST_SETS = 100
_FORM = "%Y-%m-%d %H:%M"


def show_sets(run: Run, zone: Zone) -> None:
    """Show the sets of a sweep: a metric over the parameters, how it is distributed, and the best of them."""
    del zone
    document, rows, names = run.document, set_rows(run.document), parameter_names(run.document)
    if rows.empty:
        st.info("No parameter set has a result.")
        _errors(run)
        return
    tried = document.get("sets", len(rows))
    st.write(
        f"{tried:,} parameter sets were tried, so that the best of them looks better than it is: a walk-forward run tells how much "
        "of it is left on data that was not searched."
    )
    for sentence in luck_words(document):
        st.caption(sentence)
    metric = _metric(rows, str(document["metric"]))
    varied = _drawn(_varied(rows, names) or names[:1])
    _charts(run, rows, varied, metric)
    _list(run, rows, names, metric)
    _errors(run)


def _charts(run: Run, rows: pd.DataFrame, varied: list[str], metric: Metric) -> None:
    counted = with_enough_trades(rows, metric, least=least_trades(run.document))
    if not varied or counted[metric.name].isna().all():
        return
    among, kept = among_best(run.document, rows, metric), kept_title(run.document, rows, metric)
    chart = sweep_chart(counted, varied, metric=metric, among=among)
    show_chart(chart, alternative=f"{metric.title} over {' and '.join(varied)}{among}; the list below has the numbers")
    spread = sweep_distribution_chart(counted, metric=metric, title=kept)
    show_chart(spread, alternative=kept or f"{metric.title} of all sets")


def _varied(rows: pd.DataFrame, names: list[str]) -> list[str]:
    return [name for name in names if rows[column_of(name)].nunique() > 1]


def _metric(rows: pd.DataFrame, ranked: str) -> Metric:
    names = [name for name in METRICS if name in rows.columns and METRICS[name].higher_is_better is not None]
    titles = {name: METRICS[name].title + (", by which it was ranked" if name == ranked else "") for name in names}
    by_title = {title: name for name, title in titles.items()}
    return METRICS[by_title[choose_from("Metric", "shown", list(by_title), titles[ranked])]]


def _drawn(names: list[str]) -> list[str]:
    """Return the parameters in the order in which they are drawn, the first two on the axes."""
    if len(names) <= 2:
        return names
    columns = st.columns(2)
    with columns[0]:
        across = choose_from("To the right", "across", names, names[0])
    others = [name for name in names if name != across]
    with columns[1]:
        up = choose_from("Upwards", "up", others, others[0])
    return [across, up, *(name for name in names if name not in {across, up})]


def _list(run: Run, rows: pd.DataFrame, names: list[str], metric: Metric) -> None:
    shown = best_first(rows, metric, least=least_trades(run.document)).head(_MOST_SETS)
    among = among_best(run.document, rows, metric)
    st.subheader(f"The best {len(shown):,} sets by {metric.title}{among}", anchor=False)
    columns = [metric.name, *(name for name in BESIDE if name in shown.columns and name != metric.name)]
    heads, quote = headings(names, ["rank", *(METRICS[name].title for name in columns)]), quote_of(run.document)
    lines = [
        {
            "rank": rank, **{head: value_words(row.get(column_of(name))) for head, name in zip(heads, names, strict=True)},
            **{METRICS[name].title: told_of(row, name, quote=quote) for name in columns},
        }
        for rank, row in enumerate(records(shown), start=1)
    ]  # fmt: skip
    chosen: Any = st.dataframe(
        pd.DataFrame(lines), hide_index=True, on_select="rerun", selection_mode="single-row",
        key=f"sets {run.kept.id} {metric.name}", alt=f"The best sets by {metric.title}{among}",
    )  # fmt: skip
    at = chosen.selection.rows[0] if chosen.selection.rows else 0
    parameters = {name: value for name, value in _parameters(run, shown, at).items() if name in names}
    asked = of_document(run.document, parameters=parameters)
    st.page_link(
        page_at("backtests"),
        label=f"Backtest the set of rank {at + 1}",
        icon=":material/science:",
        query_params=query_of(asked, defaults=defaults_of(asked.strategy)),
    )
    st.code(command(asked), language="bash", wrap_lines=True)


def _parameters(run: Run, shown: pd.DataFrame, at: int) -> dict[str, Any]:
    """Return the parameters of a set as the document has them: a table makes numbers of another kind of them."""
    parameters: dict[str, Any] = run.document["results"][int(shown.index[at])]["parameters"]
    return parameters


def _errors(run: Run) -> None:
    errors = run.document.get("errors") or []
    if errors:
        st.write("Sets that failed:")
        rows = [{"parameters": str(each["parameters"]), "why": str(each["error"])} for each in errors]
        st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Sets that failed, and why")


def show_windows(run: Run, zone: Zone) -> None:
    """Show the windows of a walk-forward: what was chosen in each, and what was kept of what it promised."""
    document, metric = run.document, METRICS[str(run.document["metric"])]
    rows, names = window_rows(document, zone=zone), parameter_names(document)
    if rows.empty:
        st.info("There is no window.")
        return
    kept, efficiency = kept_windows(rows, metric), plain(document.get("efficiency"))
    st.write(
        f"{metric.title} was not worse out of sample in {kept} of {len(rows)} windows. Efficiency {efficiency}: what a bar earned "
        "out of sample for each unit in sample."
    )
    curve, holes = curve_rows(document, zone=zone), hole_rows(document, zone=zone)
    if not curve.empty:
        chart = equity_chart(
            curve, holes, quote=quote_of(document), windows=rows[["test_begin"]], title="Equity, out of sample, joined", zone=zone
        )
        show_chart(chart, alternative="Equity of the parts that were not searched, joined")
    show_chart(kept_chart(rows, metric=metric), alternative=f"{metric.title} in sample and out of sample, window by window")
    show_chart(windows_chart(rows, zone=zone), alternative=f"{len(rows)} windows in time")
    varied = _varied(rows, names)
    if varied:
        show_chart(chosen_chart(rows, varied), alternative="Parameters chosen in each window, as in the table")
    _window_table(rows, names, metric, zone)


def _window_table(rows: pd.DataFrame, names: list[str], metric: Metric, zone: Zone) -> None:
    searched = f"searched from ({zone.name})"
    heads = headings(names, ["window", searched, "traded from", "traded to", "in sample", "out of sample"])
    lines = [
        {
            "window": row["number"], searched: zone.told(parse_time(row["train_start"]), _FORM),
            "traded from": zone.told(parse_time(row["test_start"]), _FORM),
            "traded to": zone.told(parse_time(row["test_until"]), _FORM),
            **{head: value_words(row.get(column_of(name))) for head, name in zip(heads, names, strict=True)},
            "in sample": told(metric, row["inside"]), "out of sample": told(metric, row["outside"]),
        }
        for row in records(rows)
    ]  # fmt: skip
    st.dataframe(pd.DataFrame(lines), hide_index=True, alt=f"Windows, and {metric.title} of each")
