"""What became of all resamples of a Monte Carlo run, in words and as a table."""

from collections.abc import Mapping
from typing import Any

from app.reports.figures import percent, told
from trading.backtest.metrics import METRICS, Unit
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
    # The same trades in another order end where they ended, so that "below the balance" would be always or never.
    shuffled = found["method"] == Method.SHUFFLE
    ends = "all end at one value, by other ways" if shuffled else f"{percent(chance['loss'])} end below the balance"
    return (
        f"{found['resamples']:,} runs of {found['steps']:,} {unit_of(found)} each: {ends}; {percent(chance['ruin'])} were at "
        f"{found['ruin'] * 100:g} % of the balance or below at some time."
    )


def quantile_table(found: Found, *, quote: str) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of what became of each figure; money is in the currency `quote`."""
    levels = list(found["fan"]["quantiles"])
    rows = [
        [
            f"{METRICS[name].title}, {quote}" if METRICS[name].unit is Unit.QUOTE and quote else METRICS[name].title,
            *(told(METRICS[name], figure["quantiles"].get(level)) for level in levels),
            told(METRICS[name], figure["actual"]),
            percent(figure["percentile"]),
        ]
        for name, figure in found["distributions"].items()
    ]
    return ["metric", *(f"{level} %" for level in levels), "actual", "runs below it"], rows
