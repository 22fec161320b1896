"""What became of all resamples of a Monte Carlo run, in words and as a table."""

from collections.abc import Mapping
from typing import Any

from app.reports.figures import NOTHING, percent, told
from trading.backtest.metrics import METRICS
from trading.backtest.monte_carlo import Method

Found = Mapping[str, Any]

_TITLES = {
    Method.SHUFFLE: "The same trades in other orders",
    Method.TRADES: "Trades drawn anew",
    Method.RETURNS: "Returns of bars drawn anew, in blocks",
}


def title_of(found: Found) -> str:
    """Return what was drawn."""
    return _TITLES[Method(found["method"])]


def unit_of(found: Found) -> str:
    """Return what a step is: a trade or a bar."""
    return "bars" if found["method"] == Method.RETURNS else "trades"


def words_of(found: Found) -> str:
    """Return how much was drawn, and how often it ended badly."""
    chance = found["probability"]
    return (
        f"{found['resamples']:,} runs of {found['steps']:,} {unit_of(found)} each: {percent(chance['loss'])} end below the "
        f"balance, {percent(chance['ruin'])} fall to {percent(found['ruin'])} of it."
    )


def quantile_table(found: Found, *, quote: str = "") -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of what became of each figure; `quote` is the currency that money is told with."""
    levels = list(found["fan"]["quantiles"])
    rows = [
        [
            METRICS[name].title,
            *(told(METRICS[name], figure["quantiles"].get(level), quote=quote) for level in levels),
            told(METRICS[name], figure["actual"], quote=quote),
            percent(figure["percentile"]) if figure["percentile"] is not None else NOTHING,
        ]
        for name, figure in found["distributions"].items()
    ]
    return ["metric", *(f"{level} %" for level in levels), "actual", "runs below it"], rows
