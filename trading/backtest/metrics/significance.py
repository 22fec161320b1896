"""Metrics of whether a Sharpe ratio can be chance: the length of the record, its shape, and how many were tried."""

from statistics import NormalDist

import numpy as np

from trading.backtest.metrics.arithmetic import ratio
from trading.backtest.metrics.facts import Basics, Trials
from trading.backtest.metrics.ratios import sharpe_of_a_bar
from trading.backtest.metrics.registry import Unit, metric
from trading.backtest.metrics.returns import kurtosis, skew
from trading.backtest.metrics.run import Floats

CONFIDENCE = 0.95

_NORMAL = NormalDist()
_share_below = np.vectorize(_NORMAL.cdf, otypes=[np.float64])


@metric(
    "Probabilistic Sharpe ratio",
    Unit.FRACTION,
    higher_is_better=True,
    source="Bailey and Lopez de Prado 2012, The Sharpe Ratio Efficient Frontier",
)
def probabilistic_sharpe_ratio(facts: Basics) -> Floats:
    """Return the probability that the true Sharpe ratio is above 0.

    Formula: N(s * sqrt(bars - 1) / sqrt(1 - skew * s + (kurtosis + 2) / 4 * s ** 2)), s = Sharpe ratio per bar, N = the normal
    distribution function, kurtosis as here in excess of 3.
    """
    return probability_above(facts, 0.0)


@metric(
    "Deflated Sharpe ratio",
    Unit.FRACTION,
    higher_is_better=True,
    source="Bailey and Lopez de Prado 2014, The Deflated Sharpe Ratio",
)
def deflated_sharpe_ratio(facts: Basics) -> Floats:
    """Return the probability that the true Sharpe ratio is above the best one that chance gives among all that were tried.

    NaN while it is not said how many were tried; of a single trial it is the probabilistic Sharpe ratio.

    Formula: N((s - s0) * sqrt(bars - 1) / sqrt(1 - skew * s + (kurtosis + 2) / 4 * s ** 2)),
    s0 = sqrt(v) * ((1 - g) * Q(1 - 1 / n) + g * Q(1 - 1 / (n * e))), n = trials, v = variance of their Sharpe ratios per bar,
    Q = the normal quantile, g = 0.5772... (Euler and Mascheroni), e = 2.718...
    """
    return probability_above(facts, np.nan if facts.trials is None else best_by_chance(facts.trials))


@metric(
    "Minimum track record length",
    Unit.BARS,
    higher_is_better=False,
    source="Bailey and Lopez de Prado 2012, The Sharpe Ratio Efficient Frontier",
)
def minimum_track_record(facts: Basics) -> Floats:
    """Return how many bars it takes to be 95 % sure that a Sharpe ratio like this one is above 0; NaN where it is not above 0.

    Formula: 1 + (1 - skew * s + (kurtosis + 2) / 4 * s ** 2) * (Q(0.95) / s) ** 2.
    """
    sharpe = sharpe_of_a_bar(facts)
    needed = 1 + _scatter(facts, sharpe) * ratio(_NORMAL.inv_cdf(CONFIDENCE), sharpe) ** 2
    return np.where(sharpe > 0, needed, np.nan)


def probability_above(facts: Basics, threshold: float) -> Floats:
    """Return the probability that the true Sharpe ratio per bar is above a threshold (Bailey and Lopez de Prado 2012)."""
    sharpe = sharpe_of_a_bar(facts)
    scatter = np.sqrt(np.maximum(_scatter(facts, sharpe), 0.0))  # never below 0 but for rounding
    certainty: Floats = _share_below(ratio((sharpe - threshold) * np.sqrt(np.maximum(facts.moments.count - 1, 0.0)), scatter))
    return certainty


def best_by_chance(trials: Trials) -> float:
    """Return the highest Sharpe ratio per bar to expect of so many trials without any skill; 0 for one."""
    if trials.count == 1:
        return 0.0
    usual = _NORMAL.inv_cdf(1 - 1 / trials.count)
    rare = _NORMAL.inv_cdf(1 - 1 / (trials.count * np.e))
    return float(np.sqrt(trials.variance) * ((1 - np.euler_gamma) * usual + np.euler_gamma * rare))


def _scatter(facts: Basics, sharpe: Floats) -> Floats:
    # Variance of an estimated Sharpe ratio, times the number of bars less one.
    return 1 - skew(facts) * sharpe + (kurtosis(facts) + 2) / 4 * sharpe**2
