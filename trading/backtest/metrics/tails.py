"""The ends of a distribution of returns, found without sorting what lies between them."""

from dataclasses import dataclass

import numpy as np

from trading.backtest.metrics.run import Floats

SHARE = 0.05

_FEW = 20_000  # below this many numbers, narrowing down costs more than it saves
_STEP = 61  # a prime: no rhythm of hours or days is looked at in one phase only


@dataclass(frozen=True, slots=True, kw_only=True)
class Tails:
    """The ends of the distribution of some returns; NaN without any.

    Attributes:
        low: Quantile at 5 %, interpolated; `high` at 95 %.
        mean_low: Mean of the lowest 5 %: the floor(0.05 * (count - 1)) + 1 lowest ones.
    """

    low: float
    high: float
    mean_low: float


def tails_of(returns: Floats) -> Tails:
    """Return the ends of the distribution of returns, shape (bars,)."""
    last = len(returns) - 1
    if last < 0:
        return Tails(low=np.nan, high=np.nan, mean_low=np.nan)
    lowest = _lowest(returns, min(int(SHARE * last) + 2, len(returns)))
    # Mirrored, the upper end is a lower one: place 0.95 * last from below is place 0.05 * last from above.
    highest = _lowest(-returns, min(int(SHARE * last) + 2, len(returns)))
    low, high = _between(lowest, SHARE * last), -_between(highest, SHARE * last)
    return Tails(low=low, high=high, mean_low=float(lowest[: int(SHARE * last) + 1].mean()))


def _lowest(values: Floats, count: int) -> Floats:
    # The lowest `count` values, the last two of them in their places. Of many, only those below a guess are looked at closer:
    # the guess is a bit too high on purpose, and where it is too low nevertheless all are looked at.
    if len(values) > _FEW:
        sample = values[::_STEP]
        place = int(1.3 * SHARE * len(sample))
        below = values[values <= np.partition(sample, place)[place]]
        values = below if len(below) >= count else values
    return np.partition(values, [max(count - 2, 0), count - 1])[:count]


def _between(lowest: Floats, place: float) -> float:
    floor = int(place)
    above = lowest[min(floor + 1, len(lowest) - 1)]
    return float(lowest[floor] + (above - lowest[floor]) * (place - floor))
