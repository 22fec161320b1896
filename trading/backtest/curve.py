"""What is known of an equity curve while it grows, without keeping it: sums of returns and the deepest fall; for compiled loops."""

from typing import NamedTuple

import numpy as np
from numba.extending import register_jitable as part
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Curve(NamedTuple):
    """An equity curve so far; see `trading.backtest.simulate.Sums`.

    Attributes:
        before: Its last value.
        peak: Its highest.
        trough: Its lowest since then; where it was zero or below, and so the account ruined, it stays there.
        deepest: Deepest fall from a peak before this one, a fraction.
        first: Sum of the returns; `second` to `fourth` are those of their powers.
        second: See `first`.
        third: See `first`.
        fourth: See `first`.
        below: Sum of the squares of the negative ones.
    """

    before: float
    peak: float
    trough: float
    deepest: float
    first: float
    second: float
    third: float
    fourth: float
    below: float


@part
def begun(balance: float) -> Curve:
    """Return the curve of an account that has not traded."""
    return Curve(balance, balance, balance, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@part
def grown(curve: Curve, value: float) -> Curve:
    """Return a curve with one value more; what comes after one of zero or below is no return of this account: it is ruined."""
    if value == curve.before:
        return curve  # a return of exactly 0 adds nothing to any sum
    change = 0.0
    if curve.trough > 0.0:
        change = value / curve.before - 1.0
    square = change * change
    below, peak, trough, deepest = curve.below, curve.peak, curve.trough, curve.deepest
    if change < 0.0:
        below += square
    if value > peak:  # only here and at the end is there a division to know how deep it was
        deepest = max(deepest, 1.0 - trough / peak)
        peak = value
        trough = value if trough > 0.0 else trough  # beside a higher peak it is less deep than it was: `deepest` has it
    elif value < trough:
        trough = value
    return Curve(
        value, peak, trough, deepest, curve.first + change, curve.second + square, curve.third + square * change,
        curve.fourth + square * square, below,
    )  # fmt: skip


@part
def put(sums: Floats, curve: Curve, decisions: int, inside: int) -> None:
    """Write what `trading.backtest.simulate.Sums` has of a curve."""
    sums[0], sums[1], sums[2], sums[3], sums[4] = decisions, curve.first, curve.second, curve.third, curve.fourth
    sums[5], sums[6] = curve.below, max(curve.deepest, 1.0 - curve.trough / curve.peak)
    sums[7], sums[8] = inside, curve.before
