"""The parts of the kernel that make and fill the orders of one symbol; rows and columns are those of `trading.backtest.account`.

They do what `trading.broker.Broker` does, with the same fill rules in the same order, and have its functions' names.
"""

from math import isnan, nan

from numba.extending import register_jitable as part

from trading import fills
from trading.backtest.account import (
    ACTED,
    BAR,
    BEST,
    BLOCKED,
    BOTH_REACHED,
    CASH,
    DECISION,
    ENTERED,
    ENTRY,
    FEES,
    FILLS,
    FLOW,
    GAINS,
    GIVES_UP,
    GUARDED_UNTIL,
    LATE,
    LEAST,
    LEFT,
    LIMIT,
    LOSSES,
    LOT,
    MARK,
    REFUSED,
    REST,
    SCALE,
    SIZE,
    TICK,
    TRIPS,
    TURNOVER,
    VOLUME,
    WANTED,
    WHY,
    WINS,
    Floats,
    Numbers,
)  # fmt: skip
from trading.backtest.guard import note_stop
from trading.broker import DUST

_DUST = DUST
_ENTRY, _CHANGED, _STOP, _PROFIT, _TRAIL, _TIME, _PROTECTION, _HOLE = (int(each) for each in list(fills.Reason)[:8])
for _rule in (
    fills.whole_lots, fills.on_tick, fills.market_price, fills.limit_price, fills.limit_fill, fills.exit_price,
    fills.exit_inside, fills.most_of, fills.share_of,
):  # fmt: skip
    part(_rule)


@part
def _book(
    totals: Floats, rows: Floats, rules: Numbers, out: Floats, size: float, price: float, rate: float, why: int, symbol: int
) -> None:
    if size == 0.0:
        return
    value = size * price
    fee = abs(value) * rate
    before = rows[symbol, SIZE]
    after = before + size
    if abs(after) < _DUST:
        after = 0.0
    totals[CASH] -= value + fee
    totals[FEES] += fee
    totals[TURNOVER] += abs(value)
    rows[symbol, FLOW] -= value + fee
    if before == 0.0:
        rows[symbol, ENTRY] = rows[symbol, BEST] = price
        rows[symbol, ENTERED] = totals[DECISION] + totals[LATE]
    elif before * size > 0.0:
        rows[symbol, ENTRY] = (rows[symbol, ENTRY] * before + value) / after
    rows[symbol, SIZE] = after
    rows[symbol, LEFT] -= abs(size)
    number = int(totals[FILLS])
    if number < len(out):
        out[number, 0], out[number, 1], out[number, 2] = totals[BAR], symbol, why
        out[number, 3], out[number, 4], out[number, 5] = price, size, fee
    totals[FILLS] += 1.0
    if after == 0.0:
        totals[TRIPS] += 1.0
        totals[WINS] += rows[symbol, FLOW] > 0.0
        totals[GAINS] += max(rows[symbol, FLOW], 0.0)
        totals[LOSSES] += min(rows[symbol, FLOW], 0.0)
        rows[symbol, FLOW] = 0.0
        rows[symbol, BLOCKED] = totals[DECISION] + rules.cooldown


@part
def _forget_order(rows: Floats, symbol: int) -> None:
    rows[symbol, WANTED], rows[symbol, REST], rows[symbol, LIMIT] = nan, 0.0, nan


@part
def _order_to_leave(rows: Floats, symbol: int, why: int) -> None:
    _forget_order(rows, symbol)
    if rows[symbol, SIZE] != 0.0:
        rows[symbol, WANTED], rows[symbol, WHY] = 0.0, why


@part
def _fillable(rows: Floats, symbol: int, size: float) -> float:
    return size if rows[symbol, LEFT] >= size else fills.whole_lots(rows[symbol, LEFT], rows[symbol, LOT])


@part
def _leave(totals: Floats, rows: Floats, rules: Numbers, out: Floats, price: float, why: int, symbol: int) -> None:
    side = -1 if rows[symbol, SIZE] > 0.0 else 1
    size = _fillable(rows, symbol, abs(rows[symbol, SIZE]))
    if size > 0.0:
        share = fills.share_of(size, rows[symbol, VOLUME])
        price = fills.market_price(price, side, rules.slippage, rules.amount, share, rows[symbol, TICK])
        _book(totals, rows, rules, out, side * size, price, rules.taker, why, symbol)


@part
def _size_order(totals: Floats, rows: Floats, rules: Numbers, price: float, rate: float, symbol: int) -> bool:
    equity, exposure = totals[CASH], 0.0
    for other in range(len(rows)):
        equity += rows[other, SIZE] * rows[other, MARK]
        exposure += abs(rows[other, SIZE]) * rows[other, MARK]
    value = abs(rows[symbol, WANTED]) * rules.size
    if not rules.by_value:
        value = value * rows[symbol, SCALE] * equity
    side = 1 if rows[symbol, WANTED] > 0.0 else -1
    held, cost = abs(rows[symbol, SIZE]), price * (1.0 + rate)
    wanted = value / cost
    if wanted <= held:
        less = fills.whole_lots(held - wanted, rows[symbol, LOT])
        rows[symbol, REST] = -side * less
        return less > 0.0
    room = (rules.leverage * equity - exposure) / cost
    more = fills.whole_lots(max(min(wanted - held, room), 0.0), rows[symbol, LOT])
    if more < _DUST or more * price < rows[symbol, LEAST]:
        totals[REFUSED] += 1.0
        return False
    rows[symbol, REST] = side * more
    return True


@part
def _enter(totals: Floats, rows: Floats, rules: Numbers, out: Floats, price: float, symbol: int) -> None:
    at_market = isnan(rows[symbol, LIMIT])
    rate = rules.taker if at_market else rules.maker
    if rows[symbol, REST] == 0.0:
        sizing_price = price
        if at_market:
            side = 1 if rows[symbol, WANTED] > 0.0 else -1
            share = rules.share if rules.share != 0.0 else 1.0
            sizing_price = fills.market_price(price, side, rules.slippage, rules.amount, share, rows[symbol, TICK])
        if not _size_order(totals, rows, rules, sizing_price, rate, symbol):
            _forget_order(rows, symbol)
            return
    side = 1 if rows[symbol, REST] > 0.0 else -1
    size = _fillable(rows, symbol, abs(rows[symbol, REST]))
    if size < _DUST:
        return
    if at_market:
        share = fills.share_of(size, rows[symbol, VOLUME])
        price = fills.market_price(price, side, rules.slippage, rules.amount, share, rows[symbol, TICK])
    rest = rows[symbol, REST] - side * size
    _book(
        totals,
        rows,
        rules,
        out,
        side * size,
        price,
        rate,
        _ENTRY if rows[symbol, REST] * rows[symbol, WANTED] > 0.0 else _CHANGED,
        symbol,
    )
    rows[symbol, REST] = 0.0 if abs(rest) < _DUST else rest
    if rows[symbol, REST] == 0.0:
        _forget_order(rows, symbol)


@part
def at_market(totals: Floats, rows: Floats, rules: Numbers, out: Floats, price: float, symbol: int) -> None:
    """Fill the order of a symbol where the market is."""
    wanted = rows[symbol, WANTED]
    if rows[symbol, SIZE] != 0.0 and (wanted == 0.0 or wanted * rows[symbol, SIZE] < 0.0):
        _leave(totals, rows, rules, out, price, int(rows[symbol, WHY]), symbol)
        if rows[symbol, SIZE] != 0.0:
            return
    if wanted == 0.0:
        _forget_order(rows, symbol)
    elif isnan(rows[symbol, LIMIT]):
        _enter(totals, rows, rules, out, price, symbol)


@part
def inside_bar(  # noqa: C901 - as the broker
    totals: Floats, rows: Floats, rules: Numbers, out: Floats, open_: float, high: float, low: float, close: float, symbol: int,
) -> None:  # fmt: skip
    """Fill what a bar reaches: an entry at its limit, a stop, a target."""
    fresh = False
    if not isnan(rows[symbol, WANTED]) and not isnan(rows[symbol, LIMIT]) and rows[symbol, SIZE] * rows[symbol, WANTED] >= 0.0:
        side = 1 if rows[symbol, WANTED] > 0.0 else -1
        price = fills.limit_fill(side, rows[symbol, LIMIT], open_, low, high)
        if not isnan(price):
            fresh = rows[symbol, SIZE] == 0.0
            _enter(totals, rows, rules, out, price, symbol)
            open_ = price if fresh else open_
    if rows[symbol, SIZE] == 0.0:
        return
    side = 1 if rows[symbol, SIZE] > 0.0 else -1
    stop = fills.exit_price(rows[symbol, ENTRY], side, -rules.stop, rows[symbol, TICK]) if rules.stop > 0.0 else nan
    trail = fills.exit_price(rows[symbol, BEST], side, -rules.trail, rows[symbol, TICK]) if rules.trail > 0.0 else nan
    target = (
        fills.exit_price(rows[symbol, ENTRY], side, rules.profit, rows[symbol, TICK]) if rules.profit > 0.0 and not fresh else nan
    )
    trailing = not isnan(trail) and not side * (trail - stop) <= 0.0
    kind, price = fills.exit_inside(side, open_, high, low, trail if trailing else stop, target)
    if kind == fills.TARGET:
        _book(
            totals, rows, rules, out, -side * _fillable(rows, symbol, abs(rows[symbol, SIZE])), price, rules.maker, _PROFIT, symbol
        )
    elif kind != fills.NO_EXIT:
        totals[BOTH_REACHED] += kind == fills.BOTH
        why = _TRAIL if trailing else _STOP
        _leave(totals, rows, rules, out, price, why, symbol)
        note_stop(totals, rules)
        if rows[symbol, SIZE] != 0.0:
            _order_to_leave(rows, symbol, why)
    if rows[symbol, SIZE] == 0.0:
        if rows[symbol, WANTED] * side > 0.0:
            _forget_order(rows, symbol)
        return
    best = close if fresh else high if side > 0 else low
    rows[symbol, BEST] = max(rows[symbol, BEST], best) if side > 0 else min(rows[symbol, BEST], best)


@part
def _want(totals: Floats, rows: Floats, rules: Numbers, target: float, close: float, symbol: int) -> None:
    if target < 0.0 and not rules.short:
        target = 0.0
    if isnan(target) or target == rows[symbol, ACTED]:
        return
    if target != 0.0 and (totals[DECISION] < rows[symbol, BLOCKED] or totals[DECISION] < totals[GUARDED_UNTIL]):
        if rows[symbol, SIZE] * target < 0.0:
            _order_to_leave(rows, symbol, _CHANGED)
        return
    _forget_order(rows, symbol)
    rows[symbol, ACTED], rows[symbol, WHY] = target, _CHANGED
    if target != 0.0 or rows[symbol, SIZE] != 0.0:
        rows[symbol, WANTED] = target
    if target != 0.0 and rules.offset > 0.0:
        rows[symbol, LIMIT] = fills.limit_price(close, 1 if target > 0.0 else -1, rules.offset, rows[symbol, TICK])
        rows[symbol, GIVES_UP] = totals[DECISION] + rules.limit_bars


@part
def decide(
    totals: Floats, rows: Floats, rules: Numbers, out: Floats, halted: bool, target: float, scale: float, close: float, symbol: int,
) -> None:  # fmt: skip
    """Make an order of what is wanted at a close."""
    if not isnan(rows[symbol, LIMIT]) and totals[DECISION] >= rows[symbol, GIVES_UP]:
        _forget_order(rows, symbol)
    if halted:
        _order_to_leave(rows, symbol, _PROTECTION)
    else:
        held = totals[DECISION] - rows[symbol, ENTERED] + 1.0
        if rules.time and rows[symbol, SIZE] != 0.0 and isnan(rows[symbol, WANTED]) and held >= rules.time:
            _order_to_leave(rows, symbol, _TIME)
        rows[symbol, SCALE] = scale
        _want(totals, rows, rules, target, close, symbol)
    if rules.at_close and rows[symbol, VOLUME] != 0.0 and not isnan(rows[symbol, WANTED]):
        totals[LATE] = 1.0
        at_market(totals, rows, rules, out, close, symbol)
        totals[LATE] = 0.0


@part
def close_out(
    totals: Floats, rows: Floats, rules: Numbers, out: Floats, price: float, volume: float, symbol: int,
) -> float:  # fmt: skip
    """Leave a symbol behind which nothing is known; return the equity."""
    _forget_order(rows, symbol)
    rows[symbol, ACTED], rows[symbol, LEFT], rows[symbol, VOLUME] = 0.0, fills.UNBOUNDED, volume
    if rows[symbol, SIZE] != 0.0:
        _leave(totals, rows, rules, out, price, _HOLE, symbol)
    value = totals[CASH]
    for other in range(len(rows)):
        value += rows[other, SIZE] * rows[other, MARK]
    return float(value)
