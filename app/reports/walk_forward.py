"""The report of a walk-forward run: what was chosen on each window, and what came of it on data that was not searched."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from app.charts.search import column_of, headings, kept_windows, parameter_names, records, window_rows
from app.charts.walk_forward import chosen_chart, kept_chart, windows_chart
from app.reports import parts
from app.reports.figures import day, plain, quote_of, told, value_words
from app.reports.page import page, section, table
from app.reports.pictures import picture
from app.reports.trades import trades
from trading.backtest.metrics import METRICS, Metric

Document = Mapping[str, Any]


def walk_forward_report(document: Document) -> str:
    """Return the document of a walk-forward run as a page that opens without a network; see `app.charts.search` for its parts."""
    metric = METRICS[document["metric"]]
    rows, names = window_rows(document), parameter_names(document)
    kind = "anchored: each window is searched from the begin on" if document.get("anchored") else "rolling: windows of one length"
    return page(
        f"Walk-forward run of {document['strategy']} on {', '.join(map(str, document['symbols']))}",
        [
            parts.heading(document, "Walk-forward run"),
            parts.headlines(document),
            _windows(rows, names, metric),
            parts.charts(document, windows=None if rows.empty else rows[["test_begin"]]),
            trades(document),
            parts.all_metrics(document["metrics"], quote=quote_of(document)),
            parts.coverage(document),
            parts.about(document, ("windows", kind), ("chosen by", metric.title), ("efficiency", _efficiency(document))),
        ],
    )


def _efficiency(document: Document) -> str:
    return f"{plain(document.get('efficiency'))} (what a year earned out of sample for each unit in sample)"


def _windows(rows: pd.DataFrame, names: list[str], metric: Metric) -> Markup:
    lines = [
        [
            str(row["number"]), day(row["train_start"]), day(row["test_start"]), day(row["test_until"]),
            *(value_words(row.get(column_of(name))) for name in names), told(metric, row["inside"]), told(metric, row["outside"]),
        ]
        for row in records(rows)
    ]  # fmt: skip
    first, last = ["window", "searched from", "traded from", "traded to"], ["in sample", "out of sample"]
    heads = headings(names, [*first, *last])
    listed = table([*first, *heads, *last], lines, numbers=[*heads, *last], caption=f"{metric.title} of each window")
    if rows.empty:
        return section("Windows", listed)
    kept = kept_windows(rows, metric)
    words = f"{metric.title} in sample and out of sample; it was not worse out of sample in {kept} of {len(rows)} windows."
    pictures = [
        picture(windows_chart(rows), alternative=f"{len(rows)} windows in time; the table above has their dates."),
        picture(kept_chart(rows, metric=metric), alternative=words),
        *(
            [picture(chosen_chart(rows, names), alternative="Parameters chosen in each window, as in the table above.")]
            if names
            else []
        ),
    ]
    return section("Windows", listed, *pictures)
