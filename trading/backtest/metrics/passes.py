"""The compiled passes over the bars of a run: each looks at every bar once and keeps no array it does not have to."""

from typing import NamedTuple

import numpy as np

from trading.backtest.metrics.run import Floats, Integers
from trading.compiled import compiled


class Walk(NamedTuple):
    """What one walk along an equity curve sees of its returns.

    Attributes:
        total: Sum of the returns; `squares` of their squares; `best` and `worst` are the highest and lowest.
        ruined: First bar that closes at zero or below; the number of bars if none does.
        level: Mean of the equity.
    """

    total: float
    squares: float
    best: float
    worst: float
    ruined: int
    level: float


class Falls(NamedTuple):
    """What one walk along an equity curve sees of its falls from a peak.

    Attributes:
        depth: Largest drawdown, a fraction of the peak; `depth_value` the largest in quote currency.
        depths: Sum of the largest depth of each drawdown; `lengths` of their lengths in bars, peak to recovery or to the end.
        number: Drawdowns; `longest` is the length of the longest, `under` the number of bars below a peak.
        squares: Sum of the squared depths of all bars; `now` is the depth at the last bar.
        recovery: Bars from the bottom of the deepest drawdown back to its peak, -1 while it lasts or without any.
    """

    depth: float
    depth_value: float
    depths: float
    lengths: int
    number: int
    longest: int
    under: int
    squares: float
    now: float
    recovery: int


@compiled
def returns_of(equity: Floats, balance: float, out: Floats) -> tuple[float, float, float, float, int, float]:
    """Write the return of each bar into `out` and return the fields of `Walk`; 0 after a close at zero or below: all is lost."""
    total, squares, best, worst, level = 0.0, 0.0, -np.inf, np.inf, 0.0
    ruined, before = len(equity), balance
    for i in range(len(equity)):
        now = equity[i]
        level += now
        value = now / before - 1.0 if ruined > i else 0.0
        if now <= 0.0 and ruined > i:
            ruined = i
        out[i] = value
        total += value
        squares += value * value
        best, worst = max(best, value), min(worst, value)
        before = now
    return total, squares, best, worst, ruined, level / max(len(equity), 1)


@compiled
def drawdowns_of(equity: Floats, balance: float) -> tuple[float, float, float, int, int, int, int, float, float, int]:
    """Return the fields of `Falls` for an account that begins at `balance`."""
    peak, peak_bar, bottom, bottom_bar = balance, -1, 0.0, -1
    depth, depth_value, depths, squares, now = 0.0, 0.0, 0.0, 0.0, 0.0
    lengths, number, longest, under, recovery = 0, 0, 0, 0, -1
    for i in range(len(equity)):
        value = equity[i]
        if value < peak:
            now = (peak - value) / peak
            depth_value = max(depth_value, peak - value)
            under += 1
            squares += now * now
            if now > bottom:
                bottom, bottom_bar = now, i
            if i + 1 < len(equity):
                continue
        else:
            now = 0.0
        if bottom > 0.0:  # a drawdown ends: by recovery, or because the run does
            number += 1
            lengths += i - peak_bar
            longest = max(longest, i - peak_bar)
            depths += bottom
            if bottom > depth:
                depth, recovery = bottom, (i - bottom_bar if now == 0.0 else -1)
        peak, peak_bar, bottom = value, i, 0.0
    return depth, depth_value, depths, lengths, number, longest, under, squares, now, recovery


class Spread(NamedTuple):
    """Central moments (means of the powers of the distance from the mean), and sums beside the risk-free rate.

    Attributes:
        second: Mean squared distance from the mean; `third` and `fourth` likewise.
        below: Sum of the squares of what returns are short of the risk-free rate.
        gained: Sum of what returns are above the risk-free rate; `missed` of what they are short of it.
    """

    second: float
    third: float
    fourth: float
    below: float
    gained: float
    missed: float


@compiled
def spread_of(returns: Floats, mean: float, target: float) -> tuple[float, float, float, float, float, float]:
    """Return the fields of `Spread`: moments about the mean, sums about the target."""
    second, third, fourth, below, gained, missed = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(len(returns)):
        distance = returns[i] - mean
        square = distance * distance
        second += square
        third += square * distance
        fourth += square * square
        over = returns[i] - target
        if over > 0.0:
            gained += over
        else:
            missed -= over
            below += over * over
    count = max(len(returns), 1)
    return second / count, third / count, fourth / count, below, gained, missed


@compiled
def together(first: Floats, second: Floats, first_mean: float, second_mean: float) -> tuple[float, float, float, float]:
    """Return covariance, both variances and the variance of the difference (all mean squares) of two series."""
    both, ones, others, apart = 0.0, 0.0, 0.0, 0.0
    for i in range(len(first)):
        one, other = first[i] - first_mean, second[i] - second_mean
        both += one * other
        ones += one * one
        others += other * other
        apart += (one - other) * (one - other)
    count = max(len(first), 1)
    return both / count, ones / count, others / count, apart / count


@compiled
def position_of(exposure: Floats) -> tuple[int, float, float, float]:
    """Return the number of bars with a position, the sums of its absolute and signed value, and the highest absolute one."""
    held, absolute, signed, highest = 0, 0.0, 0.0, 0.0
    for i in range(len(exposure)):
        value = exposure[i]
        size = abs(value)
        held += size > 0.0
        absolute += size
        signed += value
        highest = max(highest, size)
    return held, absolute, signed, highest


@compiled
def ends_of_days(timestamps_us: Integers, day_us: int, out: Integers) -> int:
    """Write the last bar of each day into `out` and return how many days have bars; a close at midnight ends its day."""
    count, end = 0, np.int64(0)
    for i in range(len(timestamps_us)):
        moment = timestamps_us[i]
        if i == 0 or moment > end:
            end = ((moment - 1) // day_us + 1) * day_us
            count += 1
        out[count - 1] = i
    return count
