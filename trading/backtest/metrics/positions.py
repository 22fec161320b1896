"""Metrics of how much was held and traded, and of what trading cost."""

import numpy as np

from trading.backtest.metrics.arithmetic import ratio, years
from trading.backtest.metrics.facts import Basics, Facts
from trading.backtest.metrics.registry import Unit, metric
from trading.backtest.metrics.run import DAY_SECONDS, Floats

_NAN = np.asarray(np.nan)


@metric("Time in the market", Unit.FRACTION)
def exposure_time(facts: Facts) -> Floats:
    """Return the share of bars that closed with a position.

    Formula: bars with exposure != 0 / bars.
    """
    return _NAN if facts.position is None else ratio(facts.position.held, facts.position.bars)


@metric("Average exposure", Unit.FRACTION)
def average_exposure(facts: Facts) -> Floats:
    """Return the mean size of the position as a fraction of equity, short as large as long.

    Formula: mean(|exposure|).
    """
    return _NAN if facts.position is None else ratio(facts.position.absolute, facts.position.bars)


@metric("Net exposure", Unit.FRACTION)
def net_exposure(facts: Facts) -> Floats:
    """Return the mean position as a fraction of equity, short below 0.

    Formula: mean(exposure).
    """
    return _NAN if facts.position is None else ratio(facts.position.signed, facts.position.bars)


@metric("Highest exposure", Unit.FRACTION, higher_is_better=False)
def highest_exposure(facts: Facts) -> float:
    """Return the largest position at a close as a fraction of equity; above 1 is borrowed.

    Formula: max(|exposure|).
    """
    return float("nan") if facts.position is None else facts.position.highest


@metric("Turnover", Unit.RATIO, higher_is_better=False)
def turnover(facts: Facts) -> Floats:
    """Return how many times the account was bought and sold; NaN where mean equity is not above 0.

    Formula: sum(|value of a fill|) / mean(equity); where fills are not known, of round trips: sum(value + size * exit_price).
    """
    return ratio(facts.traded, max(facts.walk.level, 0.0))


@metric("Turnover a year", Unit.RATIO, higher_is_better=False)
def turnover_a_year(facts: Facts) -> Floats:
    """Return how many times the account would be traded in a year.

    Formula: turnover / years, those of cagr.
    """
    return ratio(turnover(facts), years(facts.seconds))


@metric("Fees", Unit.QUOTE, higher_is_better=False)
def fees(facts: Basics) -> Floats:
    """Return all fees that were paid, those of a position that is still open among them.

    Formula: sum(fees of fills); where fills are not known, sum(fees) of round trips.
    """
    return facts.totals.fees


@metric("Fees as a share of gross profit", Unit.FRACTION, higher_is_better=False)
def fees_share(facts: Facts) -> Floats:
    """Return which part of what won before fees went into fees, of round trips; NaN where nothing won.

    Formula: sum(fees) / sum(max(profit + fees, 0)).
    """
    trips = facts.trips
    return ratio(trips.fees.sum(), np.maximum(trips.profit + trips.fees, 0.0).sum())


@metric("Trades a day", Unit.RATIO)
def trades_a_day(facts: Basics) -> Floats:
    """Return how many round trips ended a day.

    Formula: round trips / (seconds / 86,400), from the open of the first bar to the last close.
    """
    return ratio(facts.totals.count, facts.seconds / DAY_SECONDS)
