"""What became of all resamples of a Monte Carlo run, in words and as a table."""

from collections.abc import Mapping
from typing import Any

from app.reports.figures import percent, quote_of, told
from trading.backtest.metrics import METRICS

Document = Mapping[str, Any]


def words_of(document: Document) -> str:
    """Return what was drawn, and how often it ended badly."""
    ruin = percent(document["ruin"])
    return (
        f"{document['resamples']:,} runs of {document['steps']:,} {unit_of(document)} each by "
        f"{document['method'].replace('-', ' ')}: {percent(document['loss_probability'])} end below the balance, "
        f"{percent(document['ruin_probability'])} fall to {ruin} of it."
    )


def unit_of(document: Document) -> str:
    """Return what a step is: a trade or a bar."""
    return "bars" if document["method"] == "return-bootstrap" else "trades"


def quantile_table(document: Document, *, quote: bool = True) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of what became of each figure; `quote` says whether money is told with its currency."""
    currency = quote_of(document) if quote else ""
    rows = [
        [
            METRICS[name].title,
            *(told(METRICS[name], each, quote=currency) for each in (*values["quantiles"], values["actual"])),
            percent(values["percentile"]),
        ]
        for name, values in document["distributions"].items()
    ]
    return ["metric", *(f"{level:.0%}" for level in document["levels"]), "actual", "runs below it"], rows
