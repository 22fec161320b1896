"""How strategies compare numbers and turn them into wanted positions: compiled, one pass, blind to rounding.

What is compiled and calls something compiled is in one file with it: the machine code kept from the last run is renewed when that
file changes, not when another one does.
"""

import numpy as np

from trading.compiled import compiled
from trading.frames import Floats

MARGIN = 1e-9
"""Two numbers that differ by less than this part of their scale are equal: the difference may be rounding.

A running average carries about 1e-16 of the largest price so far, so that decisions are the same with all of the history and with
the last `lookback` bars of it while the price in it has varied by less than a factor of a million.
"""

STILL = 1e-7
"""An average move smaller than this part of the price is a market that stands still, of which no strength could be told."""


@compiled
def exceeds(one: float, other: float, scale: float) -> bool:
    """Return whether a number is above another by more than rounding; False with NaN.

    Args:
        one: The number.
        other: What it has to exceed.
        scale: What the rounding is a part of where it is larger than both numbers: for a difference of prices the price.
    """
    return one - other > MARGIN * max(abs(one), abs(other), abs(scale))


@compiled
def _long_while(fast: Floats, slow: Floats, scale: Floats, short: bool) -> Floats:
    wanted = np.empty(len(fast))
    for row in range(len(fast)):
        if fast[row] != fast[row] or slow[row] != slow[row]:
            wanted[row] = np.nan
        elif exceeds(fast[row], slow[row], scale[row]):
            wanted[row] = 1.0
        elif short and exceeds(slow[row], fast[row], scale[row]):
            wanted[row] = -1.0
        else:
            wanted[row] = 0.0
    return wanted


def long_while(fast: Floats, slow: Floats, *, scale: Floats | None = None, short: bool = False) -> Floats:
    """Return 1 where `fast` is above `slow`, else 0, or -1 below it with `short`; NaN where either is NaN.

    Args:
        fast: Shape (bars,).
        slow: Shape (bars,).
        scale: What rounding is a part of where both are small differences of something large; shape (bars,).
        short: Whether to be short while `fast` is below `slow`.
    """
    return _long_while(fast, slow, slow if scale is None else scale, short)


@compiled
def turns(strength: Floats, moves: Floats, close: Floats, oversold: float, overbought: float, short: bool) -> Floats:
    """Return 1 where an oscillator is oversold, 0 or with `short` -1 where it is overbought, NaN between and where nothing moves.

    Args:
        strength: The oscillator, shape (bars,).
        moves: Average size of the moves that it is made of, in the unit of `close`, shape (bars,).
        close: Shape (bars,).
        oversold: Threshold in the oscillator's unit.
        overbought: The other one.
        short: Whether to be short from overbought.
    """
    wanted = np.full(len(strength), np.nan)
    for row in range(len(strength)):
        if not moves[row] > STILL * close[row]:
            continue
        if exceeds(oversold, strength[row], 0.0):
            wanted[row] = 1.0
        elif exceeds(strength[row], overbought, 0.0):
            wanted[row] = -1.0 if short else 0.0
    return wanted


@compiled
def _side(price: float, middle: float) -> int:
    return 1 if exceeds(price, middle, 0.0) else (-1 if exceeds(middle, price, 0.0) else 0)


@compiled
def reversions(close: Floats, upper: Floats, middle: Floats, lower: Floats, short: bool) -> Floats:
    """Return 1 below the lower band, 0 at the middle or beyond it, NaN between.

    With `short` -1 above the upper band, and 0 only where the close reaches the middle or crosses it. All of shape (bars,).
    """
    wanted = np.full(len(close), np.nan)
    for row in range(len(close)):
        if middle[row] != middle[row]:
            continue
        side = _side(close[row], middle[row])
        if exceeds(lower[row], close[row], 0.0):
            wanted[row] = 1.0
        elif short and exceeds(close[row], upper[row], 0.0):
            wanted[row] = -1.0
        elif not short:
            wanted[row] = 0.0 if side >= 0 else np.nan
        elif row > 0 and middle[row - 1] == middle[row - 1]:
            before = _side(close[row - 1], middle[row - 1])
            wanted[row] = 0.0 if side == 0 or side * before < 0 else np.nan
    return wanted
