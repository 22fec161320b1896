"""Metrics of UTC days and months, the table of months, and the Sharpe ratio of the last days over time."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from market.errors import InputError
from trading.backtest.metrics.arithmetic import ratio, varied
from trading.backtest.metrics.facts import Facts
from trading.backtest.metrics.registry import Unit, metric
from trading.backtest.metrics.run import DAY_SECONDS, YEAR_SECONDS, Floats, Integers, risk_free_a_bar
from trading.backtest.metrics.tails import tails_of

_ANNUAL = math.sqrt(YEAR_SECONDS / DAY_SECONDS)


@metric("Best day", Unit.FRACTION, higher_is_better=True)
def best_day(facts: Facts) -> float:
    """Return the highest return of a UTC day.

    Formula: max(e), e = equity at the last close of a day / that of the day before - 1; a close at midnight ends its day; the
    first and the last day may be partial, days without a bar do not count.
    """
    return _extreme(facts.periods.days, np.max)


@metric("Worst day", Unit.FRACTION, higher_is_better=True)
def worst_day(facts: Facts) -> float:
    """Return the lowest return of a UTC day.

    Formula: min(e), e as in best_day.
    """
    return _extreme(facts.periods.days, np.min)


@metric("Share of positive days", Unit.FRACTION, higher_is_better=True)
def positive_days(facts: Facts) -> Floats:
    """Return the share of UTC days that earned something.

    Formula: days with e > 0 / days.
    """
    return ratio((facts.periods.days > 0).sum(), len(facts.periods.days))


@metric("Value at risk of a day, 5 %", Unit.FRACTION, higher_is_better=True)
def value_at_risk_day(facts: Facts) -> float:
    """Return the return that 5 % of the UTC days fell below, from history; a loss is negative.

    Formula: quantile(e, 0.05), interpolated linearly.
    """
    return tails_of(facts.periods.days).low


@metric("Sharpe ratio of days", Unit.RATIO, higher_is_better=True, source="Sharpe 1994, The Sharpe Ratio")
def sharpe_ratio_days(facts: Facts) -> float:
    """Return the Sharpe ratio of daily returns, annualised: comparable between runs on bars of different widths.

    Formula: mean(e - f) / std(e, ddof 1) * sqrt(365), f = (1 + risk-free rate) ** (1 / 365) - 1.
    """
    days = facts.periods.days
    return float(_sharpe(days[None, :], facts.risk_free)[0]) if len(days) > 1 else float("nan")


@metric("Best month", Unit.FRACTION, higher_is_better=True)
def best_month(facts: Facts) -> float:
    """Return the highest return of a UTC month.

    Formula: max(m), m = equity at the last close of a month / that of the month before - 1; the first and the last may be partial.
    """
    return _extreme(facts.periods.months, np.max)


@metric("Worst month", Unit.FRACTION, higher_is_better=True)
def worst_month(facts: Facts) -> float:
    """Return the lowest return of a UTC month.

    Formula: min(m), m as in best_month.
    """
    return _extreme(facts.periods.months, np.min)


@metric("Share of positive months", Unit.FRACTION, higher_is_better=True)
def positive_months(facts: Facts) -> Floats:
    """Return the share of UTC months that earned something.

    Formula: months with m > 0 / months.
    """
    return ratio((facts.periods.months > 0).sum(), len(facts.periods.months))


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlyTable:
    """Returns by year and month, UTC.

    Attributes:
        years: Rising and without a gap, shape (years,).
        months: Fractions, shape (years, 12), January first; NaN where the run has no bar.
        totals: Return of each year, its months compounded, shape (years,); NaN for a year without a bar.
    """

    years: Integers
    months: Floats
    totals: Floats


def monthly_table(facts: Facts) -> MonthlyTable:
    """Return the returns of a run by year and month; no rows where the run has no timestamps."""
    counted = facts.periods.of_months.astype(np.int64)  # months since January 1970
    if not len(counted):
        return MonthlyTable(years=np.empty(0, np.int64), months=np.empty((0, 12)), totals=np.empty(0))
    years = np.arange(counted[0] // 12, counted[-1] // 12 + 1)
    months = np.full((len(years), 12), np.nan)
    months[counted // 12 - years[0], counted % 12] = facts.periods.months
    totals = np.where(np.isnan(months).all(axis=1), np.nan, np.nanprod(1 + months, axis=1) - 1)
    return MonthlyTable(years=years + 1970, months=months, totals=totals)


def rolling_sharpe(facts: Facts, *, days: int = 30) -> Floats:
    """Return the Sharpe ratio of the last `days` daily returns at the end of each UTC day, annualised.

    Args:
        facts: Of a run with timestamps; the bars the values stand at are `facts.periods.ends`.
        days: Daily returns in each value, 2 or more.

    Returns:
        Shape (days of the run,); NaN while there are fewer days than asked for, and where returns do not vary.

    Raises:
        InputError: If `days` is below 2.
    """
    if days < 2:
        raise InputError(f"a rolling Sharpe ratio over {days} days has no deviation; give 2 or more")
    values = np.full(len(facts.periods.days), np.nan)
    if len(values) >= days:
        values[days - 1 :] = _sharpe(np.lib.stride_tricks.sliding_window_view(facts.periods.days, days), facts.risk_free)
    return values


def _sharpe(windows: Floats, risk_free: float) -> Floats:
    variance = varied(windows.var(axis=1, ddof=1), np.square(windows).mean(axis=1))
    over = windows.mean(axis=1) - risk_free_a_bar(risk_free, DAY_SECONDS)
    return ratio(over, np.sqrt(variance)) * _ANNUAL


def _extreme(values: Floats, pick: Callable[[Floats], np.float64]) -> float:
    return float(pick(values)) if len(values) else float("nan")
