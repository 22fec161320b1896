"""Metrics beside buy and hold: bought at the first close without fees, compared from the second bar on.

Who buys and holds does so over holes, too, where a run holds nothing: the jump of a hole is one return of the market beside 0.
"""

import numpy as np

from trading.backtest.metrics.arithmetic import compound, ratio
from trading.backtest.metrics.facts import Facts
from trading.backtest.metrics.registry import Unit, metric
from trading.backtest.metrics.returns import total_return
from trading.backtest.metrics.run import Floats

_NAN = np.asarray(np.nan)


@metric("Return of buy and hold", Unit.FRACTION, higher_is_better=None)
def benchmark_return(facts: Facts) -> float:
    """Return what holding from the first close to the last one earned, without fees.

    Formula: close[-1] / close[0] - 1.
    """
    return float("nan") if facts.benchmark is None else facts.benchmark.growth


@metric("Maximum drawdown of buy and hold", Unit.FRACTION, higher_is_better=None)
def benchmark_drawdown(facts: Facts) -> float:
    """Return the depth of the deepest fall of the closes from a peak, positive.

    Formula: max(1 - close / highest close so far).
    """
    return float("nan") if facts.benchmark is None else facts.benchmark.depth


@metric("Return beyond buy and hold", Unit.FRACTION, higher_is_better=True)
def excess_return(facts: Facts) -> Floats:
    """Return how much more of the balance was earned than by holding.

    Formula: total_return - benchmark_return.
    """
    return total_return(facts) - benchmark_return(facts)


@metric("Alpha", Unit.FRACTION, higher_is_better=True, source="Jensen 1968")
def alpha(facts: Facts) -> Floats:
    """Return what was earned beyond what beta explains, compounded over a year.

    Formula: (1 + mean(r - f) - beta * mean(b - f)) ** (bars a year) - 1, b = returns of the closes.
    """
    if facts.benchmark is None:
        return _NAN
    ours, theirs = facts.benchmark.means
    target = facts.moments.target
    return compound(1 + ours - target - beta(facts) * (theirs - target), facts.bars_a_year)


@metric("Beta", Unit.RATIO, higher_is_better=None, source="Sharpe 1964, Capital Asset Prices")
def beta(facts: Facts) -> Floats:
    """Return how far the account moves when the market moves by 1; NaN where the market does not move.

    Formula: cov(r, b) / var(b).
    """
    return _NAN if facts.benchmark is None else ratio(facts.benchmark.covariance, facts.benchmark.variances[1])


@metric("Correlation with buy and hold", Unit.RATIO, higher_is_better=None, source="Pearson 1895")
def correlation(facts: Facts) -> Floats:
    """Return how alike the returns of the account and of the market are, from -1 to 1.

    Formula: cov(r, b) / (std(r) * std(b)).
    """
    if facts.benchmark is None:
        return _NAN
    ours, theirs = facts.benchmark.variances
    return np.clip(ratio(facts.benchmark.covariance, np.sqrt(ours) * np.sqrt(theirs)), -1, 1)


@metric("Tracking error", Unit.FRACTION, higher_is_better=None)
def tracking_error(facts: Facts) -> Floats:
    """Return the standard deviation of the return beyond the market's, annualised.

    Formula: std(r - b, ddof 1) * sqrt(bars a year).
    """
    if facts.benchmark is None:
        return _NAN
    pairs = facts.benchmark.pairs
    return np.sqrt(ratio(facts.benchmark.apart * pairs, pairs - 1) * facts.bars_a_year)


@metric("Information ratio", Unit.RATIO, higher_is_better=True, source="Grinold and Kahn 1999, Active Portfolio Management")
def information_ratio(facts: Facts) -> Floats:
    """Return the mean return beyond the market's for each unit of its variation, annualised.

    Formula: mean(r - b) / std(r - b, ddof 1) * sqrt(bars a year).
    """
    if facts.benchmark is None:
        return _NAN
    ours, theirs = facts.benchmark.means
    return ratio((ours - theirs) * facts.bars_a_year, tracking_error(facts))
