"""What the kernel knows of an account: one row of numbers for each symbol, one for all, and the rules as plain numbers."""

from math import nan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.rules import FillAt, Listing, Rules, Sizing

Floats = NDArray[np.float64]

(
    TICK, LOT, LEAST, SIZE, ENTRY, BEST, MARK, WANTED, SCALE, REST, LIMIT, GIVES_UP, WHY, ACTED, ENTERED, BLOCKED, VOLUME,
    LEFT, FLOW,
) = range(19)  # fmt: skip
"""Columns of a symbol's row; see `trading.position.Position`. `FLOW` is what came in and went out since nothing was held."""

(
    BAR, DECISION, LATE, CASH, FEES, TURNOVER, TRIPS, WINS, GAINS, LOSSES, BOTH_REACHED, REFUSED, FILLS, PEAK, BEFORE,
    DAY_BEGAN, DAY, LOST_DAY, HALTED, HALTED_UNTIL, GUARDED_UNTIL, STOPS,
) = range(22)  # fmt: skip
"""Places of the row of all; from `PEAK` on see `trading.protections.Protections`. Behind them stand the last stops."""


class Numbers(NamedTuple):
    """`trading.rules.Rules` as numbers that compiled code takes."""

    at_close: bool
    maker: float
    taker: float
    slippage: int
    amount: float
    share: float
    offset: float
    limit_bars: int
    stop: float
    profit: float
    trail: float
    time: int
    by_value: bool
    size: float
    short: bool
    leverage: float
    cooldown: int
    guard_stops: int
    guard_within: int
    guard_pause: int
    drawdown: float
    drawdown_pause: int
    daily: float


def numbers_of(rules: Rules) -> Numbers:
    """Return rules as plain numbers."""
    return Numbers(
        rules.fill_at is FillAt.CLOSE, rules.maker_fee, rules.taker_fee, int(rules.slippage), rules.slippage_amount,
        rules.volume_share, rules.limit_offset, rules.limit_bars, rules.stop_loss, rules.take_profit, rules.trailing_stop,
        rules.time_exit, rules.sizing is Sizing.VALUE, rules.size, rules.short, rules.leverage, rules.cooldown_bars,
        rules.guard_stops, rules.guard_within_bars, rules.guard_pause_bars, rules.max_drawdown, rules.drawdown_pause_bars,
        rules.daily_loss,
    )  # fmt: skip


def symbols_of(listings: list[Listing]) -> Floats:
    """Return the rows of symbols of which nothing is held, shape (symbols, columns)."""
    rows = np.zeros((len(listings), FLOW + 1))
    for row, listing in zip(rows, listings, strict=True):
        row[[TICK, LOT, LEAST]] = listing.tick, listing.lot, listing.least_value
    rows[:, [WANTED, LIMIT]] = nan
    rows[:, SCALE] = 1.0
    return rows


def totals_of(balance: float, rules: Rules) -> Floats:
    """Return the row of all at the begin."""
    row = np.zeros(STOPS + 1 + max(rules.guard_stops, 1))
    row[[CASH, PEAK, BEFORE, DAY_BEGAN]] = balance
    row[[DAY, LOST_DAY]] = -1.0
    return row
