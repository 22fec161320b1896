"""Metrics of what the account earned, and of how its returns are spread."""

import numpy as np

from trading.backtest.metrics.arithmetic import compound, defined, ratio, years
from trading.backtest.metrics.facts import Basics, Facts, Moments
from trading.backtest.metrics.registry import Unit, metric
from trading.backtest.metrics.run import DAY_SECONDS, Floats


@metric("Final value", Unit.QUOTE, higher_is_better=True)
def final_value(facts: Basics) -> Floats:
    """Return the value of the account at the last close.

    Formula: equity[-1].
    """
    return facts.final


@metric("Net profit", Unit.QUOTE, higher_is_better=True)
def net_profit(facts: Basics) -> Floats:
    """Return what was won or lost in all, open positions at their value.

    Formula: equity[-1] - balance.
    """
    return facts.final - facts.balance


@metric("Total return", Unit.FRACTION, higher_is_better=True)
def total_return(facts: Basics) -> Floats:
    """Return what was won or lost as a fraction of the balance at the start.

    Formula: equity[-1] / balance - 1.
    """
    return ratio(facts.final, facts.balance) - 1


@metric("Compound annual growth rate", Unit.FRACTION, higher_is_better=True)
def cagr(facts: Basics) -> Floats:
    """Return the yearly rate that would have grown the balance to the final value.

    Formula: (equity[-1] / balance) ** (1 / years) - 1, years = seconds / (365 * 86,400) from the open of the first bar to the
    last close, holes among them; -1 where nothing is left; NaN for a run shorter than a day, which says nothing about a year.
    """
    growth = compound(ratio(facts.final, facts.balance), ratio(1, years(facts.seconds)))
    return np.where(facts.seconds < DAY_SECONDS, np.nan, growth)


@metric("Average return of a bar", Unit.FRACTION, higher_is_better=True)
def average_return(facts: Basics) -> Floats:
    """Return the arithmetic mean of the returns of the bars.

    Formula: mean(r), r[i] = equity[i] / equity[i - 1] - 1, the balance before the first; 0 once equity has reached zero.
    """
    return facts.moments.mean


@metric("Volatility", Unit.FRACTION, higher_is_better=False)
def volatility(facts: Basics) -> Floats:
    """Return the standard deviation of the returns, annualised.

    Formula: std(r, ddof 1) * sqrt(bars a year).
    """
    return deviation(facts.moments) * facts.annual


@metric("Downside deviation", Unit.FRACTION, higher_is_better=False, source="Sortino and Price 1994")
def downside_deviation(facts: Basics) -> Floats:
    """Return how far returns fell short of the risk-free rate, annualised; bars above it count as 0.

    Formula: sqrt(mean(min(r - f, 0) ** 2)) * sqrt(bars a year), f = risk-free rate a bar.
    """
    return np.sqrt(facts.moments.below) * facts.annual


@metric("Skewness", Unit.RATIO, higher_is_better=True)
def skew(facts: Basics) -> Floats:
    """Return how lopsided the returns are; above 0: rare large gains, below 0: rare large losses.

    Formula: mean((r - mean) ** 3) / mean((r - mean) ** 2) ** 1.5.
    """
    return ratio(facts.moments.third, facts.moments.second**1.5)


@metric("Excess kurtosis", Unit.RATIO, higher_is_better=False)
def kurtosis(facts: Basics) -> Floats:
    """Return how heavy the tails of the returns are; 0 for a normal distribution.

    Formula: mean((r - mean) ** 4) / mean((r - mean) ** 2) ** 2 - 3.
    """
    return ratio(facts.moments.fourth, facts.moments.second**2) - 3


@metric("Best bar", Unit.FRACTION, higher_is_better=True)
def best_bar(facts: Facts) -> Floats:
    """Return the highest return of a bar.

    Formula: max(r).
    """
    return defined(facts.walk.best)


@metric("Worst bar", Unit.FRACTION, higher_is_better=True)
def worst_bar(facts: Facts) -> Floats:
    """Return the lowest return of a bar.

    Formula: min(r).
    """
    return defined(facts.walk.worst)


@metric("Value at risk of a bar, 5 %", Unit.FRACTION, higher_is_better=True)
def value_at_risk(facts: Facts) -> float:
    """Return the return that 5 % of the bars fell below, from history; a loss is negative.

    Formula: quantile(r, 0.05), interpolated linearly.
    """
    return facts.tails.low


@metric("Expected shortfall of a bar, 5 %", Unit.FRACTION, higher_is_better=True, source="Acerbi and Tasche 2002")
def expected_shortfall(facts: Facts) -> float:
    """Return the mean of the lowest 5 % of the returns of bars, from history; a loss is negative.

    Formula: mean of the floor(0.05 * (bars - 1)) + 1 lowest r.
    """
    return facts.tails.mean_low


@metric("Tail ratio", Unit.RATIO, higher_is_better=True)
def tail_ratio(facts: Facts) -> Floats:
    """Return how large good bars are beside bad ones.

    Formula: |quantile(r, 0.95)| / |quantile(r, 0.05)|.
    """
    return ratio(abs(facts.tails.high), abs(facts.tails.low))


def deviation(moments: Moments) -> Floats:
    """Return the standard deviation of the returns of the bars, ddof 1; NaN for less than two bars."""
    return np.sqrt(ratio(moments.second * moments.count, moments.count - 1))
