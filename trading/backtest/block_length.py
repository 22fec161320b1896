"""How long blocks of a series have to be for a bootstrap to keep what depends on what: by Politis and White.

The library `arch` has the same, and needs statsmodels: 70 MB for thirty lines. A test holds one of its numbers equal.
"""

from math import ceil, log10, sqrt

import numpy as np

from trading.frames import Floats

_FEWEST = 9  # of fewer no dependence could be told
_BAND = 2.0  # autocorrelations inside of it, in units of sqrt(log10(n) / n), do not count


def block_length(values: Floats) -> float:
    """Return the mean length of blocks with which the stationary bootstrap errs least about the mean of a series; 1 or more.

    Formula: (2 G^2 / D * n)^(1/3), D = 2 g(0)^2; g(0) is the sum of the autocovariances, G that of |lag| times these, both up to
    a lag of 2 m with the flat-top window. From lag m on max(5, log10 n) autocorrelations in a row are inside of
    2 sqrt(log10(n) / n): as in the authors' own program, where the text has the lag before. At most 3 sqrt(n) and n / 3.

    Source: Politis and White, "Automatic Block-Length Selection for the Dependent Bootstrap", Econometric Reviews 23 (2004), with
    the correction of Patton, Politis and White, Econometric Reviews 28 (2009).

    Args:
        values: A series of finite numbers, oldest first, shape (n,); fewer than 9, and such that do not vary, give 1.
    """
    bars = len(values)
    if bars < _FEWEST or values.max() == values.min():
        return 1.0
    quiet = max(5, int(log10(bars)))
    most = min(ceil(sqrt(bars)) + quiet, bars - 1)
    covariance = _autocovariances(values, most)
    if covariance[0] <= 0.0:  # so small that their squares are 0
        return 1.0
    last = min(2 * _first_quiet_lag(covariance / covariance[0], bars, quiet), most)
    lags = np.arange(1, last + 1)
    weighted = np.minimum(1.0, 2.0 * (1.0 - lags / last)) * covariance[1 : last + 1]
    level, slope = covariance[0] + 2.0 * weighted.sum(), 2.0 * (lags * weighted).sum()
    if level == 0.0:
        return 1.0
    length = (slope**2 / level**2 * bars) ** (1 / 3)
    return float(min(max(length, 1.0), ceil(min(3 * sqrt(bars), bars / 3))))


def _autocovariances(values: Floats, most: int) -> Floats:
    """Return the autocovariances of lags 0 to `most`, divisor n."""
    centred = values - values.mean()
    return np.array([centred[lag:] @ centred[: len(centred) - lag] for lag in range(most + 1)]) / len(centred)


def _first_quiet_lag(correlation: Floats, bars: int, quiet: int) -> int:
    """Return the first lag, from 1, from which so many autocorrelations in a row lie inside the band; without one all lags."""
    inside = np.abs(correlation) < _BAND * sqrt(log10(bars) / bars)
    for lag in range(1, len(inside) - quiet + 1):
        if inside[lag : lag + quiet].all():
            return lag
    return len(correlation)
