"""The report of a backtest: one html file with everything that was assumed, found and drawn."""

from collections.abc import Mapping
from typing import Any

from app.reports import parts
from app.reports.figures import quote_of
from app.reports.monte_carlo import monte_carlo
from app.reports.page import page
from app.reports.trades import trades


def backtest_report(document: Mapping[str, Any]) -> str:
    """Return the document of a backtest as a page that opens without a network."""
    symbols = ", ".join(map(str, document["symbols"]))
    return page(
        f"Backtest of {document['strategy']} on {symbols}",
        [
            parts.heading(document, "Backtest"),
            parts.headlines(document),
            parts.charts(document),
            trades(document),
            monte_carlo(document),
            parts.all_metrics(document["metrics"], quote=quote_of(document)),
            parts.coverage(document),
            parts.about(document),
        ],
    )
