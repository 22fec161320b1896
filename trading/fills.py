"""Fill rules: at which price, how much and at what cost an order is filled inside a bar; the same for backtests and paper bots.

Every function takes and returns plain numbers, so that the kernel can compile them as they are. `side` is +1 for what buys and
-1 for what sells; of a position +1 is long and -1 short. Prices are in the quote currency, sizes in the base currency.
"""

from enum import IntEnum
from math import ceil, floor, isnan, nan

TINY = 1e-9
"""So much of a lot or a tick is rounding, not meant."""
MOST_STEPS = 2.0**53
"""So many lots or ticks a number cannot tell apart."""


UNBOUNDED = 1e300
"""More than any size."""


class Slippage(IntEnum):
    """How much worse than the price in the bar a market order is filled.

    `BASIS_POINTS` of the price; half of a `SPREAD` in the quote currency; `IMPACT` times the square of the share of the bar's
    volume, a fraction of the price (the volume share model of Zipline).
    """

    NONE = 0
    BASIS_POINTS = 1
    SPREAD = 2
    IMPACT = 3


class Reason(IntEnum):
    """Why something was filled."""

    ENTRY = 0
    TARGET_CHANGED = 1
    STOP_LOSS = 2
    TAKE_PROFIT = 3
    TRAILING_STOP = 4
    TIME = 5
    PROTECTION = 6
    HOLE = 7
    END = 8


NO_EXIT, STOP, TARGET, BOTH = 0, 1, 2, 3
"""What `exit_inside` says: nothing is filled, the stop, the target, or the stop though the bar reached the target too."""


def steps_of(number: float, step: float) -> float:
    """Return how many steps a number has; of steps such as 0.01 by their whole number in 1, so that decimals stay what is meant."""
    per_unit = round(1.0 / step) if step < 1.0 else 0
    return number * per_unit if abs(per_unit * step - 1.0) < TINY else number / step


def by_steps(whole: float, step: float) -> float:
    """Return a number of so many whole steps."""
    per_unit = round(1.0 / step) if step < 1.0 else 0
    return whole / per_unit if abs(per_unit * step - 1.0) < TINY else whole * step


def whole_lots(size: float, lot: float) -> float:
    """Return a size (not negative) rounded down to whole lots; a lot of 0 rounds nothing."""
    if lot <= 0.0:
        return size
    lots = steps_of(size, lot)
    return size if lots >= MOST_STEPS else by_steps(floor(lots + TINY), lot)


def on_tick(price: float, tick: float, side: int) -> float:
    """Return a price on the tick grid that is not better for who trades on `side`; a tick of 0 rounds nothing."""
    if tick <= 0.0:
        return price
    ticks = steps_of(price, tick)
    if ticks >= MOST_STEPS:
        return price
    return by_steps(ceil(ticks - TINY) if side > 0 else floor(ticks + TINY), tick)


def market_price(price: float, side: int, slippage: int, amount: float, share: float, tick: float) -> float:
    """Return what a market order pays or gets, 0 at least, where the bar says `price`.

    `share` is its part of the bar's volume, 0 to 1.
    """
    if slippage == Slippage.BASIS_POINTS:
        price *= 1.0 + side * amount / 10_000.0
    elif slippage == Slippage.SPREAD:
        price += side * amount / 2.0
    elif slippage == Slippage.IMPACT:
        price *= 1.0 + side * amount * share * share
    return on_tick(max(price, 0.0), tick, side)


def limit_price(close: float, side: int, offset: float, tick: float) -> float:
    """Return the limit of an entry: so far (a fraction) from the close that the market has to come towards it."""
    return on_tick(close * (1.0 - side * offset), tick, -side)


def limit_fill(side: int, limit: float, open_: float, low: float, high: float) -> float:
    """Return the price at which a limit order is filled inside a bar, NaN where it is not; a better open is taken."""
    if side > 0:
        return nan if low > limit else min(open_, limit)
    return nan if high < limit else max(open_, limit)


def exit_price(entry: float, side: int, fraction: float, tick: float) -> float:
    """Return the price that lies a fraction from the entry: against the position for a negative one, with it for a positive one."""
    return on_tick(entry * (1.0 + side * fraction), tick, -side)


def exit_inside(side: int, open_: float, high: float, low: float, stop: float, target: float) -> tuple[int, float]:
    """Return which order of a position is filled inside a bar, `STOP`, `TARGET` or `BOTH`, and at which price.

    A gap through either is filled at the open. Where a bar reaches both, nobody knows which came first: it was the stop.
    `stop` and `target` may be NaN; (NO_EXIT, NaN) says that nothing is filled.
    """
    if side * (open_ - stop) <= 0.0:
        return STOP, open_
    if side * (open_ - target) >= 0.0:
        return TARGET, open_
    worst, best = (low, high) if side > 0 else (high, low)
    reached = side * (best - target) >= 0.0
    if side * (worst - stop) <= 0.0:
        return (BOTH if reached else STOP), stop
    return (TARGET, target) if reached else (NO_EXIT, nan)


def most_of(volume: float, share: float) -> float:
    """Return how much may be filled in a bar: a share of what was traded, without bound for a share of 0 or an unknown volume."""
    return UNBOUNDED if share <= 0.0 or isnan(volume) else share * volume


def share_of(size: float, volume: float) -> float:
    """Return which part of a bar's volume a size is, 0 where the volume is not known, 1 at most."""
    return min(size / volume, 1.0) if volume > 0.0 else 0.0
