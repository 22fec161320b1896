"""Metrics that set what was earned beside the risk that was taken."""

import numpy as np

from trading.backtest.metrics.arithmetic import ratio
from trading.backtest.metrics.facts import Basics, Facts
from trading.backtest.metrics.registry import Unit, metric
from trading.backtest.metrics.returns import cagr, deviation, net_profit
from trading.backtest.metrics.run import Floats


@metric("Sharpe ratio", Unit.RATIO, higher_is_better=True, source="Sharpe 1994, The Sharpe Ratio")
def sharpe_ratio(facts: Basics) -> Floats:
    """Return what a unit of volatility earned above the risk-free rate, annualised; NaN where returns do not vary.

    A year has as many bars as fit into it, here and in all that is annualised by a root: bars that are missing are not taken for
    bars without a return.

    Formula: mean(r - f) / std(r, ddof 1) * sqrt(bars a year), f = (1 + risk-free rate) ** (1 / bars a year) - 1.
    """
    return sharpe_of_a_bar(facts) * facts.annual


@metric("Sortino ratio", Unit.RATIO, higher_is_better=True, source="Sortino and Price 1994")
def sortino_ratio(facts: Basics) -> Floats:
    """Return what a unit of downside deviation earned above the risk-free rate, annualised; NaN without a bar below it.

    Formula: mean(r - f) / sqrt(mean(min(r - f, 0) ** 2)) * sqrt(bars a year).
    """
    moments = facts.moments
    return ratio(moments.mean - moments.target, np.sqrt(moments.below)) * facts.annual


@metric("Calmar ratio", Unit.RATIO, higher_is_better=True, source="Young 1991, over the whole run instead of three years")
def calmar_ratio(facts: Basics) -> Floats:
    """Return the yearly growth for each unit of the deepest drawdown.

    Formula: cagr / max_drawdown.
    """
    return ratio(cagr(facts), facts.depth)


@metric("Omega ratio", Unit.RATIO, higher_is_better=True, source="Keating and Shadwick 2002")
def omega_ratio(facts: Facts) -> Floats:
    """Return what was gained above the risk-free rate for each unit missed below it.

    Formula: sum(max(r - f, 0)) / sum(max(f - r, 0)).
    """
    return ratio(facts.spread.gained, facts.spread.missed)


@metric("Ulcer index", Unit.FRACTION, higher_is_better=False, source="Martin and McCann 1989")
def ulcer_index(facts: Facts) -> Floats:
    """Return the root of the mean squared drawdown of all bars: deep and long ones weigh most.

    Formula: sqrt(mean(d ** 2)), d[i] = 1 - equity[i] / highest equity so far, the balance among it.
    """
    return np.sqrt(ratio(facts.falls.squares, facts.bars))


@metric("Ulcer performance index (Martin ratio)", Unit.RATIO, higher_is_better=True, source="Martin and McCann 1989")
def ulcer_performance_index(facts: Facts) -> Floats:
    """Return the yearly growth above the risk-free rate for each unit of the ulcer index.

    Formula: (cagr - risk-free rate) / ulcer_index.
    """
    return ratio(cagr(facts) - facts.risk_free, ulcer_index(facts))


@metric("Recovery factor", Unit.RATIO, higher_is_better=True)
def recovery_factor(facts: Facts) -> Floats:
    """Return how many times the profit covers the largest fall, both in quote currency.

    Formula: (equity[-1] - balance) / max(highest equity so far - equity).
    """
    return ratio(net_profit(facts), facts.falls.depth_value)


def sharpe_of_a_bar(facts: Basics) -> Floats:
    """Return the Sharpe ratio per bar, not annualised."""
    return ratio(facts.moments.mean - facts.moments.target, deviation(facts.moments))
