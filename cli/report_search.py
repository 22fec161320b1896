"""Reports of sweeps, walk-forward runs and resamples in the terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from app.charts.search import (
    BESIDE,
    best_first,
    column_of,
    headings,
    least_trades,
    parameter_names,
    records,
    set_rows,
    window_rows,
)
from app.reports.figures import plural, quote_of, told, told_of, value_words
from app.reports.honesty import luck_words
from app.reports.resamples import quantile_table, title_of, words_of
from cli.report import line, print_figures, print_head, print_months, print_trades, show, sign_style, table
from trading.backtest.metrics import METRICS

Document = Mapping[str, Any]

_SHORT = {
    "total_return": "return", "sharpe_ratio": "Sharpe", "sortino_ratio": "Sortino", "max_drawdown": "drawdown",
    "total_trades": "trades", "win_rate": "win rate", "profit_factor": "profit f.", "fees": "fees",
}  # fmt: skip


def print_sweep(document: Document, console: Console, *, top: int = 15) -> None:
    """Print the best parameter sets of a sweep, at most so many."""
    metric, rows, names = METRICS[document["metric"]], set_rows(document), parameter_names(document)
    tried = document.get("sets", len(rows))
    print_head(document, console, "Sweep", f"{plural(tried, 'parameter set')}, ranked by {metric.title}")
    console.print()
    if rows.empty:
        console.print(line("no parameter set was tried"))
        return
    columns = [metric.name, *(name for name in BESIDE if name in rows.columns and name != metric.name)]
    best = records(best_first(rows, metric, least=least_trades(document)).head(top))
    lines = [
        [str(rank), *(value_words(row.get(column_of(name))) for name in names), *(told_of(row, name) for name in columns)]
        for rank, row in enumerate(best, start=1)
    ]
    titles = [_SHORT.get(name, METRICS[name].title) for name in columns]
    header = ["rank", *headings(names, ["rank", *titles]), *titles]
    # What does not fit is left out at the right, where the less important metrics are.
    while len(columns) > 1 and _width(header, lines) > console.width:
        header, lines, columns = header[:-1], [each[:-1] for each in lines], columns[:-1]
    show(console, table(header, lines, right=range(len(header))))
    console.print()
    for sentence in luck_words(document):
        console.print(line(sentence))
    console.print(line("The best of many looks better than it is; a walk-forward run tells how much of it is left."))


def _width(header: list[str], lines: list[list[str]]) -> int:
    return sum(max(map(len, column)) + 2 for column in zip(header, *lines, strict=True)) - 2


def print_walk_forward(document: Document, console: Console) -> None:
    """Print the windows of a walk-forward run, and what came of them joined."""
    metric, rows, names = METRICS[document["metric"]], window_rows(document), parameter_names(document)
    kind = "anchored" if document.get("anchored") else "rolling"
    print_head(document, console, "Walk-forward run", f"{plural(len(rows), f'{kind} window')}, chosen by {metric.title}")
    console.print()
    lines = [
        [
            str(row["number"]), row["test_start"][:10], row["test_until"][:10],
            *(value_words(row.get(column_of(name))) for name in names),
            line(told(metric, row["inside"])), line(told(metric, row["outside"]), sign_style(row["outside"])),
        ]
        for row in records(rows)
    ]  # fmt: skip
    first, last = ["window", "traded from", "to"], ["in sample", "out of sample"]
    header = [*first, *headings(names, [*first, *last]), *last]
    show(console, table(header, lines, right=[0, *range(3, len(header))]))
    console.print(line("\nJoined, out of sample:"))
    print_figures(document, console)
    print_months(document, console)
    print_trades(document, console)


def print_monte_carlo(document: Document, console: Console) -> None:
    """Print what became of the figures of a run over all resamples; nothing where there are none."""
    for found in document.get("monte_carlo") or ():
        console.print()
        console.print(line(f"{title_of(found)}: {words_of(found)}"))
        header, rows = quantile_table(found, quote=quote_of(document))
        if _width(header, rows) > console.width:  # the outermost quantiles first
            kept = [at for at, name in enumerate(header) if name not in {"1 %", "25 %", "75 %", "99 %"}]
            header, rows = [header[at] for at in kept], [[row[at] for at in kept] for row in rows]
        show(console, table(header, rows, right=range(1, len(header))))
