"""The report of a sweep: the best parameter sets, and how far they stand out."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from app.charts.search import (
    BESIDE,
    best_first,
    column_of,
    headings,
    kept_title,
    least_trades,
    parameter_names,
    records,
    set_rows,
    with_enough_trades,
)
from app.charts.sweep import sweep_chart, sweep_distribution_chart
from app.reports import parts
from app.reports.figures import quote_of, told, told_of, value_words
from app.reports.honesty import luck_words
from app.reports.page import page, section, table, tag
from app.reports.pictures import picture
from trading.backtest.metrics import METRICS, Metric

Document = Mapping[str, Any]

_MOST_SETS = 50


def sweep_report(document: Document) -> str:
    """Return the document of a sweep as a page that opens without a network; see `app.charts.search` for its parts."""
    metric = METRICS[document["metric"]]
    title = f"Sweep of {document['strategy']} on {', '.join(map(str, document['symbols']))}"
    rows, names = set_rows(document), parameter_names(document)
    space = tuple((name, _values(values)) for name, values in (document.get("space") or {}).items())
    body = [parts.heading(document, "Sweep"), *_pictures(document, rows, names, metric), _found(document, rows, names, metric)]
    return page(
        title,
        [*body, parts.coverage(document), parts.about(document, ("searched by", str(document.get("sampler", "grid"))), *space)],
    )


def _found(document: Document, rows: pd.DataFrame, names: list[str], metric: Metric) -> Markup:
    if rows.empty:
        return section("The best parameter sets", tag("p", "No parameter set was tried."))
    shown = best_first(rows, metric, least=least_trades(document)).head(_MOST_SETS)
    columns = [metric.name, *(name for name in BESIDE if name in rows.columns and name != metric.name)]
    titles = [METRICS[name].title for name in columns]
    header = ["rank", *headings(names, ["rank", *titles]), *titles]
    quote = quote_of(document)
    lines = [
        [
            str(rank), *(value_words(row.get(column_of(name))) for name in names),
            *(told_of(row, name, quote=quote) for name in columns),
        ]
        for rank, row in enumerate(records(shown), start=1)
    ]  # fmt: skip
    caption = f"The best {len(shown):,} of {document.get('sets', len(rows)):,} by {metric.title}"
    words = (
        f"{document.get('sets', len(rows)):,} parameter sets were tried, so that the best of them looks better than it is: "
        "a walk-forward run tells how much of it is left on data that was not searched."
    )
    return section(
        "The best parameter sets",
        tag("p", words),
        *(tag("p", each) for each in luck_words(document)),
        table(header, lines, numbers=header[1:], caption=caption),
    )


def _pictures(document: Document, rows: pd.DataFrame, names: list[str], metric: Metric) -> list[Markup]:
    if rows.empty:
        return []
    least = least_trades(document)
    best, rows = best_first(rows, metric, least=least).iloc[0], with_enough_trades(rows, metric, least=least)
    if rows[metric.name].isna().all():
        return []
    at = ", ".join(f"{name} = {value_words(best[column_of(name)])}" for name in names)
    words = f"{metric.title} over the parameters; the best is {told(metric, best[metric.name])} at {at}."
    middle = told(metric, float(rows[metric.name].median()))
    drawn = [picture(sweep_chart(rows, names, metric=metric), alternative=words)] if names else []
    kept = kept_title(document, rows, metric)
    spread = picture(
        sweep_distribution_chart(rows, metric=metric, title=kept),
        alternative=f"{kept or metric.title + ' of all sets'}; half of them are below {middle}.",
    )
    return [section("Charts", *drawn, spread)]


def _values(values: Any) -> str:
    if isinstance(values, Mapping):
        return ", ".join(f"{name} {value}" for name, value in values.items())
    shown = [str(each) for each in values] if isinstance(values, list | tuple) else [str(values)]
    return ", ".join(shown if len(shown) <= 20 else [*shown[:10], f"… ({len(shown)} values)", shown[-1]])
