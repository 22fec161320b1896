"""The kernel's short way for what sweeps mostly ask: one symbol, market orders at the next open, and no other way out.

It does what `trading.backtest.kernel` does for such rules, on local numbers; the same tests hold both to the broker.
"""

# ruff: noqa: PLR0913, PLR0917 - compiled code takes arrays and numbers, not objects
from math import isnan, nan

import numpy as np
from numba.extending import register_jitable as part
from numpy.typing import NDArray

from trading import fills
from trading.backtest.account import (
    ACTED,
    CASH,
    FEES,
    FILLS,
    FLOW,
    GAINS,
    LEAST,
    LOSSES,
    LOT,
    REFUSED,
    SIZE,
    TICK,
    TRIPS,
    TURNOVER,
    WINS,
    Floats,
    Numbers,
)  # fmt: skip
from trading.backtest.cache import AHEAD, prefetch
from trading.backtest.curve import begun, grown, put
from trading.broker import DUST

_DUST = DUST
_ENTRY, _CHANGED = int(fills.Reason.ENTRY), int(fills.Reason.TARGET_CHANGED)


@part
def is_plain(rules: Numbers, symbols: int) -> bool:
    """Return whether rules are so simple."""
    exits = rules.stop > 0.0 or rules.profit > 0.0 or rules.trail > 0.0 or rules.time > 0
    guarded = rules.drawdown > 0.0 or rules.daily > 0.0 or rules.cooldown > 0
    return symbols == 1 and not (exits or guarded or rules.at_close or rules.offset > 0.0 or rules.share > 0.0)


@part
def run_plain(  # noqa: C901, PLR0912, PLR0915 - a loop
    open_: Floats, close: Floats, volume: Floats, there: NDArray[np.bool_], targets: Floats, rows: Floats, totals: Floats,
    rules: Numbers, equity: Floats, out: Floats, sums: Floats,
) -> bool:  # fmt: skip
    """Fill, value and sum all bars of one symbol; arguments and results are those of the kernel.

    Of an account that lost everything nothing is written but equity and fills, and False returned: how that ends is not plain.
    """
    tick, lot, least, rate = rows[0, TICK], rows[0, LOT], rows[0, LEAST], rules.taker
    slippage, amount, kept = rules.slippage, rules.amount, len(equity) > 0
    cash, curve = totals[CASH], begun(totals[CASH])
    size = acted = flow = fees = turnover = gains = losses = 0.0
    wanted = nan
    trips = wins = refused = filled = inside = 0
    bar, bars = 0, len(targets)
    while bar < bars:
        if not isnan(wanted) and there[bar, 0] and volume[bar, 0] != 0.0:
            price = open_[bar, 0]
            leaving = size != 0.0 and (wanted == 0.0 or wanted * size < 0.0)
            step = 0
            while step < 2:
                order, why = 0.0, _CHANGED
                if step == 0:
                    order = -size if leaving else 0.0
                elif wanted != 0.0:
                    side = 1 if wanted > 0.0 else -1
                    reckoned = fills.market_price(price, side, slippage, amount, 1.0, tick)
                    value = abs(wanted) * rules.size
                    worth = cash + size * price
                    if not rules.by_value:
                        value = value * 1.0 * max(worth, 0.0)
                    held, cost = abs(size), reckoned * (1.0 + rate)
                    aim = value / cost
                    if reckoned <= 0.0:
                        refused += 1
                    elif aim <= held:
                        less = fills.whole_lots(held - aim, lot)
                        order = -side * less if less >= _DUST else 0.0
                    else:
                        room = max(rules.leverage * worth - held * price, 0.0) / cost
                        more = fills.whole_lots(min(aim - held, room), lot)
                        if more < _DUST or more * reckoned < least:
                            refused += 1
                        else:
                            order, why = side * more, _ENTRY
                step += 1
                if order == 0.0:
                    continue
                side = 1 if order > 0.0 else -1
                paid = fills.market_price(price, side, slippage, amount, fills.share_of(abs(order), volume[bar, 0]), tick)
                value = order * paid
                fee = abs(value) * rate
                cash -= value + fee
                fees += fee
                turnover += abs(value)
                flow -= value + fee
                size += order
                if abs(size) < _DUST:
                    size = 0.0
                if filled < len(out):
                    out[filled, 0], out[filled, 1], out[filled, 2] = bar, 0.0, why
                    out[filled, 3], out[filled, 4], out[filled, 5] = paid, order, fee
                filled += 1
                if size == 0.0:
                    trips += 1
                    wins += flow > 0.0
                    gains += max(flow, 0.0)
                    losses += min(flow, 0.0)
                    flow = 0.0
            wanted = nan
        begin, waits = bar, not isnan(wanted)
        while True:  # nothing happens until another position is wanted
            prefetch(open_, bar + AHEAD)
            prefetch(volume, bar + AHEAD)
            value = cash
            if size != 0.0:
                value += size * close[bar, 0]
            curve = grown(curve, value)
            if kept:
                equity[bar] = value
            target = targets[bar, 0]
            bar += 1
            if bar == bars or waits or (target != acted and not isnan(target)):
                break
        if size != 0.0:
            inside += bar - begin
        if target < 0.0 and not rules.short:
            target = 0.0
        if not isnan(target) and target != acted and there[bar - 1, 0]:
            acted = target
            wanted = target if target != 0.0 or size != 0.0 else nan
    if curve.trough <= 0.0:
        return False
    rows[0, SIZE], rows[0, ACTED], rows[0, FLOW] = size, acted, flow
    totals[CASH], totals[FEES], totals[TURNOVER], totals[TRIPS], totals[WINS] = cash, fees, turnover, trips, wins
    totals[GAINS], totals[LOSSES], totals[REFUSED], totals[FILLS] = gains, losses, refused, filled
    put(sums, curve, len(targets), inside)
    return True
