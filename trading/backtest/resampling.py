"""How one resample is drawn and walked over: steps in an order by chance, and what becomes of the equity in it."""

from math import isfinite

import numpy as np
from numpy.typing import ArrayLike

from market.errors import InputError
from trading.compiled import compiled
from trading.frames import Floats, Integers


def fractions(profits: ArrayLike, balance: float, compounded: bool) -> Floats:
    """Return profits as fractions of the equity before each where they compound, else of the balance; shape (trips,).

    Raises:
        InputError: If one is not a number, or there is none, or there is no equity of which they could be a fraction.
    """
    money = finite(profits, "profit")
    if not (isfinite(balance) and balance > 0):
        raise InputError(f"the balance is {balance:g}; expected was more than 0")
    if not compounded:
        return money / balance
    before = balance + np.concatenate([[0.0], np.cumsum(money)[:-1]]) if len(money) else money
    if (before <= 0).any():
        raise InputError(
            f"equity before round trip {int(np.argmax(before <= 0))} is {before[before <= 0][0]:g}, of which no profit is a "
            "fraction; add the money instead (compounded=False)"
        )
    return money / before


def finite(values: ArrayLike, what: str) -> Floats:
    """Return a row of numbers, shape (n,), from 1 on.

    Raises:
        InputError: If it is none; `what` names one of them in the message.
    """
    array = np.array(values, dtype=np.float64)
    if array.ndim != 1 or not len(array):
        raise InputError(f"Monte Carlo needs one {what} or more in a row, found an array of shape {array.shape}")
    if not np.isfinite(array).all():
        raise InputError(f"{what} {int(np.argmin(np.isfinite(array)))} is {array[~np.isfinite(array)][0]}; expected was a number")
    return array


def shuffled(chance: np.random.Generator, steps: int) -> Integers:
    """Return each place once, in an order by chance."""
    return chance.permutation(steps)


def redrawn(chance: np.random.Generator, steps: int) -> Integers:
    """Return as many places as there are, each drawn from all of them."""
    return chance.integers(0, steps, steps)


def in_blocks(chance: np.random.Generator, steps: int, mean: float) -> Integers:
    """Return as many places as there are, in blocks of a mean length that begin anywhere and go on around the end."""
    order, filled = np.empty(steps, np.int64), 0
    while filled < steps:
        blocks = int(1.1 * (steps - filled) / mean) + 16
        filled = _lay(order, filled, chance.integers(0, steps, blocks), chance.geometric(1.0 / mean, blocks))
    return order


@compiled
def _lay(order: Integers, filled: int, starts: Integers, lengths: Integers) -> int:
    """Write blocks behind what is filled, around the end of the run; return how far it is filled now."""
    steps = len(order)
    for block in range(len(starts)):
        place = starts[block]
        for _ in range(min(lengths[block], steps - filled)):
            order[filled] = place
            filled += 1
            place = place + 1 if place + 1 < steps else 0
    return filled


@compiled
def walk(
    steps: Floats, order: Integers, compounded: bool, centre: float, marks: Integers, figures: Floats, curves: Floats, number: int
) -> None:
    """Walk over steps in an order, from an equity of 1, and write what came of it into the row of the resample.

    Args:
        steps: What each adds, as a fraction: of the equity before it where `compounded`, else of the equity at the start.
        order: Places in `steps`.
        compounded: See `steps`.
        centre: The mean of `steps`, near which squares are small.
        marks: After how many steps the curve has a point; the first is 0.
        figures: Written to: last equity, deepest fall, Sharpe ratio of a step (NaN where steps do not vary), longest losing streak,
            lowest equity; shape (resamples, 5).
        curves: Written to, shape (resamples, marks).
        number: The row.
    """
    equity, peak, least, fall = 1.0, 1.0, 1.0, 0.0
    total, squares, streak, longest, mark = 0.0, 0.0, 0, 0, 1
    curves[number, 0] = 1.0
    for place in range(len(order)):
        step = steps[order[place]]
        # Who has lost everything has nothing left that could grow again.
        equity = max(equity * (1.0 + step), 0.0) if compounded else equity + step
        peak, least = max(peak, equity), min(least, equity)
        fall = max(fall, 1.0 - equity / peak)
        total += step - centre
        squares += (step - centre) * (step - centre)
        streak = streak + 1 if step < 0.0 else 0
        longest = max(longest, streak)
        if place + 1 == marks[mark]:
            curves[number, mark] = equity
            mark += 1
    count = len(order)
    mean = total / count
    variance = (squares - total * mean) / (count - 1) if count > 1 else 0.0
    varies = variance > 1e-24 * max(squares / count, centre * centre)
    figures[number, 0], figures[number, 1] = equity, fall
    figures[number, 2] = (centre + mean) / np.sqrt(variance) if varies else np.nan
    figures[number, 3], figures[number, 4] = longest, least
