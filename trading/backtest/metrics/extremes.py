"""Metrics of single round trips and of their order: the largest, the longest, streaks and excursions."""

import numpy as np

from trading.backtest.metrics.arithmetic import ratio
from trading.backtest.metrics.facts import Facts
from trading.backtest.metrics.registry import Unit, metric
from trading.backtest.metrics.run import Floats


@metric("Largest win", Unit.QUOTE, higher_is_better=True)
def largest_win(facts: Facts) -> float:
    """Return the highest profit of a round trip, after fees; NaN where none won.

    Formula: max(profit) where profit > 0.
    """
    return float(facts.trips.profit.max()) if facts.totals.wins else float("nan")


@metric("Largest loss", Unit.QUOTE, higher_is_better=False)
def largest_loss(facts: Facts) -> float:
    """Return the highest loss of a round trip, positive, fees among it; NaN where none lost.

    Formula: -min(profit) where profit < 0.
    """
    return float(-facts.trips.profit.min()) if facts.totals.losses else float("nan")


@metric("Longest winning streak", Unit.COUNT, higher_is_better=True)
def longest_winning_streak(facts: Facts) -> int:
    """Return the most round trips that won one after another, in the order of their exits.

    Formula: longest run of profit > 0.
    """
    return longest_run(facts.trips.profit > 0)


@metric("Longest losing streak", Unit.COUNT, higher_is_better=False)
def longest_losing_streak(facts: Facts) -> int:
    """Return the most round trips that lost one after another, in the order of their exits.

    Formula: longest run of profit < 0.
    """
    return longest_run(facts.trips.profit < 0)


@metric("Median holding time", Unit.SECONDS)
def median_holding(facts: Facts) -> float:
    """Return the holding time that half of the round trips stay below, in bars held times their width.

    Formula: median(bars held) * bar_seconds.
    """
    return float(np.median(facts.trips.bars)) * facts.bar_seconds if len(facts.trips) else float("nan")


@metric("Longest holding time", Unit.SECONDS)
def longest_holding(facts: Facts) -> float:
    """Return how long the longest round trip lasted, in bars held times their width.

    Formula: max(bars held) * bar_seconds.
    """
    return float(facts.trips.bars.max()) * facts.bar_seconds if len(facts.trips) else float("nan")


@metric("Average adverse excursion", Unit.FRACTION, higher_is_better=True, source="Sweeney 1996, Maximum Adverse Excursion")
def average_adverse_excursion(facts: Facts) -> Floats:
    """Return the mean of the lowest unrealised returns of the round trips, 0 or less.

    Formula: mean(worst).
    """
    return ratio(facts.trips.worst.sum(), len(facts.trips))


@metric("Average favourable excursion", Unit.FRACTION, higher_is_better=True, source="Sweeney 1996, Maximum Adverse Excursion")
def average_favourable_excursion(facts: Facts) -> Floats:
    """Return the mean of the highest unrealised returns of the round trips, 0 or more.

    Formula: mean(best).
    """
    return ratio(facts.trips.best.sum(), len(facts.trips))


def longest_run(marks: np.typing.NDArray[np.bool_]) -> int:
    """Return the length of the longest unbroken run of true marks."""
    edges = np.flatnonzero(np.diff(marks, prepend=False, append=False))
    return int((edges[1::2] - edges[::2]).max()) if len(edges) else 0
