"""Metrics of falls from a peak: how deep, how long, and how long back."""

from trading.backtest.metrics.arithmetic import ratio
from trading.backtest.metrics.facts import Basics, Facts
from trading.backtest.metrics.registry import Unit, metric
from trading.backtest.metrics.run import Floats


@metric("Maximum drawdown", Unit.FRACTION, higher_is_better=False)
def max_drawdown(facts: Basics) -> Floats:
    """Return the depth of the deepest fall from a peak, positive: 0.2 is a fall by 20 %; above 1 where equity fell below zero.

    Formula: max(d), d[i] = 1 - equity[i] / highest equity so far, the balance at the start among it.
    """
    return facts.depth


@metric("Maximum drawdown in money", Unit.QUOTE, higher_is_better=False)
def max_drawdown_value(facts: Facts) -> float:
    """Return the largest fall from a peak in quote currency; it need not be the deepest one.

    Formula: max(highest equity so far - equity).
    """
    return facts.falls.depth_value


@metric("Average drawdown", Unit.FRACTION, higher_is_better=False)
def average_drawdown(facts: Facts) -> Floats:
    """Return the mean depth of the drawdowns, each from a peak until equity is back at it, or to the end; NaN without any.

    Formula: mean over drawdowns of max(d).
    """
    return ratio(facts.falls.depths, facts.falls.number)


@metric("Drawdowns", Unit.COUNT, higher_is_better=False)
def drawdowns(facts: Facts) -> int:
    """Return how many times equity fell below a peak, the last one that may still last among them.

    Formula: number of spans of bars with d > 0.
    """
    return facts.falls.number


@metric("Longest drawdown", Unit.BARS, higher_is_better=False)
def longest_drawdown(facts: Facts) -> int:
    """Return the bars from a peak until equity was back at it, or to the end, of the longest drawdown; 0 without any.

    Formula: max over drawdowns of (bar of the recovery - bar of the peak); the balance counts as the peak before bar 0.
    """
    return facts.falls.longest


@metric("Average length of drawdowns", Unit.BARS, higher_is_better=False)
def average_drawdown_length(facts: Facts) -> Floats:
    """Return the mean of the bars from a peak until equity was back at it, or to the end; NaN without a drawdown.

    Formula: mean over drawdowns of (bar of the recovery - bar of the peak).
    """
    return ratio(facts.falls.lengths, facts.falls.number)


@metric("Recovery from the deepest drawdown", Unit.BARS, higher_is_better=False)
def recovery_time(facts: Facts) -> float:
    """Return the bars from the bottom of the deepest drawdown back to its peak; NaN while it lasts or without any.

    Formula: bar of the recovery - bar of max(d).
    """
    return facts.falls.recovery if facts.falls.recovery >= 0 else float("nan")


@metric("Time under water", Unit.FRACTION, higher_is_better=False)
def time_under_water(facts: Facts) -> Floats:
    """Return the share of bars that closed below an earlier peak.

    Formula: bars with d > 0 / bars.
    """
    return ratio(facts.falls.under, facts.bars)


@metric("Drawdown at the end", Unit.FRACTION, higher_is_better=False)
def current_drawdown(facts: Facts) -> float:
    """Return the depth of the drawdown the run ended in; 0 at a peak.

    Formula: d[-1].
    """
    return facts.falls.now
