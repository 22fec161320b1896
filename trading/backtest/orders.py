"""The parts of the kernel that make orders of one symbol, and say when they are filled; see `trading.backtest.booking`."""

from math import isnan, nan

from numba.extending import register_jitable as part

from trading import fills
from trading.backtest.account import (
    ACTED,
    BEST,
    BLOCKED,
    BOTH_REACHED,
    DECISION,
    ENTERED,
    ENTRY,
    GIVES_UP,
    GUARDED_UNTIL,
    LEFT,
    LIMIT,
    REST,
    SCALE,
    SIZE,
    TICK,
    VOLUME,
    WANTED,
    WHY,
    Floats,
    Numbers,
)  # fmt: skip
from trading.backtest.booking import aim_of, book, enter, fillable, forget_order, leave, order_to_leave, value_of, worst_price
from trading.backtest.guard import note_stop

_CHANGED, _STOP, _PROFIT, _TRAIL, _TIME, _PROTECTION, _HOLE = (int(each) for each in list(fills.Reason)[1:8])


@part
def _is_turning(rows: Floats, symbol: int) -> bool:
    wanted, size = rows[symbol, WANTED], rows[symbol, SIZE]
    return bool(size != 0.0 and (wanted == 0.0 or wanted * size < 0.0))


@part
def make_smaller(totals: Floats, rows: Floats, rules: Numbers, out: Floats, price: float, symbol: int) -> None:
    """Fill a market order of a symbol as far as it makes the position smaller."""
    if _is_turning(rows, symbol):
        leave(totals, rows, rules, out, price, int(rows[symbol, WHY]), symbol)
    elif rows[symbol, SIZE] != 0.0 and isnan(rows[symbol, LIMIT]) and rows[symbol, REST] * rows[symbol, WANTED] <= 0.0:
        held = abs(rows[symbol, SIZE])
        if (
            rows[symbol, REST] != 0.0
            or aim_of(totals, rows, rules, worst_price(rows, rules, price, symbol), rules.taker, symbol) <= held
        ):
            enter(totals, rows, rules, out, price, symbol)
    if rows[symbol, WANTED] == 0.0 and rows[symbol, SIZE] == 0.0:
        forget_order(rows, symbol)


@part
def make_larger(totals: Floats, rows: Floats, rules: Numbers, out: Floats, price: float, symbol: int) -> None:
    """Fill the market order of a symbol that is left when all symbols have made smaller what they hold."""
    if not isnan(rows[symbol, WANTED]) and isnan(rows[symbol, LIMIT]) and not _is_turning(rows, symbol):
        enter(totals, rows, rules, out, price, symbol)


@part
def _exits(rows: Floats, rules: Numbers, symbol: int) -> tuple[float, float, bool]:
    side, entry, tick = 1 if rows[symbol, SIZE] > 0.0 else -1, rows[symbol, ENTRY], rows[symbol, TICK]
    stop = fills.exit_price(entry, side, -rules.stop, tick) if rules.stop > 0.0 else nan
    trail = fills.exit_price(rows[symbol, BEST], side, -rules.trail, tick) if rules.trail > 0.0 else nan
    target = fills.exit_price(entry, side, rules.profit, tick) if rules.profit > 0.0 else nan
    trailing = not isnan(trail) and not side * (trail - stop) <= 0.0
    return trail if trailing else stop, target, trailing


@part
def _ends_at(rows: Floats, rules: Numbers, price: float, symbol: int) -> bool:
    if rows[symbol, SIZE] == 0.0:
        return False
    stop, target, _ = _exits(rows, rules, symbol)
    return fills.exit_inside(1 if rows[symbol, SIZE] > 0.0 else -1, price, price, price, stop, target)[0] != fills.NO_EXIT


@part
def inside_bar(  # noqa: C901 - as the broker
    totals: Floats, rows: Floats, rules: Numbers, out: Floats, open_: float, high: float, low: float, close: float, symbol: int,
) -> None:  # fmt: skip
    """Fill what a bar reaches: an entry at its limit, a stop, a target."""
    before = rows[symbol, SIZE]
    if not isnan(rows[symbol, LIMIT]) and before * rows[symbol, WANTED] >= 0.0 and not _ends_at(rows, rules, open_, symbol):
        price = fills.limit_fill(1 if rows[symbol, WANTED] > 0.0 else -1, rows[symbol, LIMIT], open_, low, high)
        if not isnan(price):
            enter(totals, rows, rules, out, price, symbol)
    if rows[symbol, SIZE] == 0.0:
        return
    side, entered = 1 if rows[symbol, SIZE] > 0.0 else -1, rows[symbol, SIZE] != before
    stop, target, trailing = _exits(rows, rules, symbol)
    kind, price = fills.exit_inside(side, open_, high, low, stop, nan if entered else target)
    if kind == fills.TARGET:
        book(totals, rows, rules, out, -side * fillable(rows, symbol, abs(rows[symbol, SIZE])), price, rules.maker, _PROFIT, symbol)
    elif kind != fills.NO_EXIT:
        why = _TRAIL if trailing else _STOP
        if not (rows[symbol, WANTED] == 0.0 and (rows[symbol, WHY] == _STOP or rows[symbol, WHY] == _TRAIL)):
            totals[BOTH_REACHED] += kind == fills.BOTH
            note_stop(totals, rules)
        leave(totals, rows, rules, out, price, why, symbol)
        if rows[symbol, SIZE] != 0.0:
            order_to_leave(rows, symbol, why)
    if rows[symbol, SIZE] == 0.0:
        if rows[symbol, WANTED] * side > 0.0:
            forget_order(rows, symbol)
        return
    best = close if before == 0.0 else high if side > 0 else low
    rows[symbol, BEST] = max(rows[symbol, BEST], best) if side > 0 else min(rows[symbol, BEST], best)


@part
def _want(totals: Floats, rows: Floats, rules: Numbers, target: float, scale: float, close: float, symbol: int) -> None:
    if isnan(target) or target == rows[symbol, ACTED]:
        return
    held, decision = rows[symbol, SIZE] * target, totals[DECISION]
    waits = decision < rows[symbol, BLOCKED] or decision < totals[GUARDED_UNTIL] or (held < 0.0 and rules.cooldown > 0)
    if target != 0.0 and held <= 0.0 and waits:
        if held < 0.0:
            order_to_leave(rows, symbol, _CHANGED)
        return
    smaller = held > 0.0 and abs(target) < abs(rows[symbol, ACTED])
    forget_order(rows, symbol)
    rows[symbol, ACTED], rows[symbol, SCALE], rows[symbol, WHY] = target, scale, _CHANGED
    if target != 0.0 or rows[symbol, SIZE] != 0.0:
        rows[symbol, WANTED] = target
    if target != 0.0 and rules.offset > 0.0 and not smaller:
        rows[symbol, LIMIT] = fills.limit_price(close, 1 if target > 0.0 else -1, rules.offset, rows[symbol, TICK])
        rows[symbol, GIVES_UP] = decision + rules.limit_bars


@part
def decide(
    totals: Floats, rows: Floats, rules: Numbers, halted: bool, target: float, scale: float, close: float, symbol: int,
) -> None:  # fmt: skip
    """Make an order of what is wanted at a close."""
    if not isnan(rows[symbol, LIMIT]) and totals[DECISION] >= rows[symbol, GIVES_UP]:
        forget_order(rows, symbol)
    if target < 0.0 and not rules.short:
        target = 0.0
    if halted:
        order_to_leave(rows, symbol, _PROTECTION)
        if target == 0.0:
            rows[symbol, ACTED] = 0.0
        return
    held = totals[DECISION] - rows[symbol, ENTERED] + 1.0
    if rules.time and rows[symbol, SIZE] != 0.0 and not _is_turning(rows, symbol) and held >= rules.time:
        order_to_leave(rows, symbol, _TIME)
    _want(totals, rows, rules, target, scale, close, symbol)


@part
def close_out(
    totals: Floats, rows: Floats, rules: Numbers, out: Floats, price: float, volume: float, symbol: int,
) -> float:  # fmt: skip
    """Leave a symbol behind which nothing is known; return the equity."""
    forget_order(rows, symbol)
    rows[symbol, ACTED], rows[symbol, LEFT], rows[symbol, VOLUME] = 0.0, fills.UNBOUNDED, volume
    if rows[symbol, SIZE] != 0.0:
        leave(totals, rows, rules, out, price, _HOLE, symbol)
    return value_of(totals, rows)
