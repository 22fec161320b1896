"""Division and growth that answer NaN where a figure is not defined, never an infinity by accident."""

from typing import Any

import numpy as np

from trading.backtest.metrics.run import YEAR_SECONDS, Floats

STEADY = 1e-12  # a variance below this share of the mean square is rounding: the values are held to be all the same


def ratio(upper: Any, lower: Any) -> Floats:
    """Return upper / lower, elementwise; NaN where the denominator is 0 or the result is not finite."""
    with np.errstate(all="ignore"):
        return defined(np.divide(upper, lower))


def defined(values: Any) -> Floats:
    """Return the values with NaN in the place of all that is not finite."""
    return np.where(np.isfinite(values), values, np.nan)


def varied(variance: Any, square: Any) -> Floats:
    """Return the variance, and 0 where it is no more than the rounding of values that are all the same.

    Args:
        variance: Mean squared distance from the mean.
        square: Mean of the squared values.
    """
    return np.where(np.asarray(variance) <= STEADY * np.asarray(square), 0.0, variance)


def compound(growth: Any, periods: Any) -> Floats:
    """Return growth ** periods - 1; -1 where growth is 0 or less (nothing is left), NaN beyond the range of floats."""
    with np.errstate(all="ignore"):
        return np.where(np.asarray(growth) <= 0, -1.0, defined(np.expm1(np.log(growth) * periods)))


def years(seconds: Any) -> Any:
    """Return how many years so many seconds are."""
    return seconds / YEAR_SECONDS
