"""The parts of the kernel that size and book orders of one symbol; rows and columns are those of `trading.backtest.account`.

They do what `trading.broker.Broker` does, with the same fill rules in the same order, and have its functions' names.
"""

from math import isnan, nan

from numba.extending import register_jitable as part

from trading import fills
from trading.backtest.account import (
    BAR,
    BEST,
    BLOCKED,
    CASH,
    DECISION,
    ENTERED,
    ENTRY,
    FEES,
    FILLS,
    FLOW,
    GAINS,
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
from trading.broker import DUST

_DUST = DUST
_ENTRY, _CHANGED = int(fills.Reason.ENTRY), int(fills.Reason.TARGET_CHANGED)
for _rule in (
    fills.whole_lots, fills.on_tick, fills.market_price, fills.limit_price, fills.limit_fill, fills.exit_price,
    fills.exit_inside, fills.most_of, fills.share_of, fills.steps_of, fills.by_steps,
):  # fmt: skip
    part(_rule)


@part
def book(
    totals: Floats, rows: Floats, rules: Numbers, out: Floats, size: float, price: float, rate: float, why: int, symbol: int
) -> None:
    """Book a fill of a size, negative for what is sold."""
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
def forget_order(rows: Floats, symbol: int) -> None:
    """Take back the order that works."""
    rows[symbol, WANTED], rows[symbol, REST], rows[symbol, LIMIT] = nan, 0.0, nan


@part
def order_to_leave(rows: Floats, symbol: int, why: int) -> None:
    """Make an order that sells all that is held, or buys it back."""
    forget_order(rows, symbol)
    if rows[symbol, SIZE] != 0.0:
        rows[symbol, WANTED], rows[symbol, WHY] = 0.0, why


@part
def fillable(rows: Floats, symbol: int, size: float) -> float:
    """Return how much of a size the volume of the bar leaves to be filled."""
    return size if rows[symbol, LEFT] >= size else fills.whole_lots(rows[symbol, LEFT], rows[symbol, LOT])


@part
def leave(totals: Floats, rows: Floats, rules: Numbers, out: Floats, price: float, why: int, symbol: int) -> None:
    """Fill what the volume leaves of all that is held, at market."""
    side = -1 if rows[symbol, SIZE] > 0.0 else 1
    size = fillable(rows, symbol, abs(rows[symbol, SIZE]))
    if size > 0.0:
        share = fills.share_of(size, rows[symbol, VOLUME])
        price = fills.market_price(price, side, rules.slippage, rules.amount, share, rows[symbol, TICK])
        book(totals, rows, rules, out, side * size, price, rules.taker, why, symbol)


@part
def value_of(totals: Floats, rows: Floats) -> float:
    """Return the equity by the last known prices."""
    value = totals[CASH]
    for symbol in range(len(rows)):
        value += rows[symbol, SIZE] * rows[symbol, MARK]
    return float(value)


@part
def _exposure_of(rows: Floats) -> float:
    exposure = 0.0
    for symbol in range(len(rows)):
        exposure += abs(rows[symbol, SIZE]) * rows[symbol, MARK]
    return exposure


@part
def aim_of(totals: Floats, rows: Floats, rules: Numbers, price: float, rate: float, symbol: int) -> float:
    """Return how large the position is that an order works towards, in the base currency."""
    value = abs(rows[symbol, WANTED]) * rules.size
    if not rules.by_value:
        value = value * rows[symbol, SCALE] * max(value_of(totals, rows), 0.0)
    return float(value / (price * (1.0 + rate)))


@part
def _room(totals: Floats, rows: Floats, rules: Numbers, price: float, rate: float) -> float:
    room = rules.leverage * value_of(totals, rows) - _exposure_of(rows)
    return float(max(room, 0.0) / (price * (1.0 + rate))) if price > 0.0 else 0.0


@part
def _keep_to_room(totals: Floats, rows: Floats, rules: Numbers, price: float, rate: float, symbol: int) -> bool:
    if rows[symbol, REST] * rows[symbol, WANTED] > 0.0:
        room = fills.whole_lots(_room(totals, rows, rules, price, rate), rows[symbol, LOT])
        rows[symbol, REST] = max(min(rows[symbol, REST], room), -room)
    return bool(abs(rows[symbol, REST]) >= _DUST)


@part
def _size_order(totals: Floats, rows: Floats, rules: Numbers, price: float, rate: float, symbol: int) -> bool:
    if price <= 0.0:
        totals[REFUSED] += 1.0
        return False
    side, held = 1 if rows[symbol, WANTED] > 0.0 else -1, abs(rows[symbol, SIZE])
    wanted = aim_of(totals, rows, rules, price, rate, symbol)
    if wanted <= held:
        less = fills.whole_lots(held - wanted, rows[symbol, LOT]) if isnan(rows[symbol, LIMIT]) else 0.0
        rows[symbol, REST] = -side * less
        return less >= _DUST
    more = fills.whole_lots(min(wanted - held, _room(totals, rows, rules, price, rate)), rows[symbol, LOT])
    if more < _DUST or more * price < rows[symbol, LEAST]:
        totals[REFUSED] += 1.0
        return False
    rows[symbol, REST] = side * more
    return True


@part
def worst_price(rows: Floats, rules: Numbers, price: float, symbol: int) -> float:
    """Return what is reckoned with for a market order of which the size is not known yet."""
    side, share = 1 if rows[symbol, WANTED] > 0.0 else -1, rules.share if rules.share != 0.0 else 1.0
    return fills.market_price(price, side, rules.slippage, rules.amount, share, rows[symbol, TICK])


@part
def enter(totals: Floats, rows: Floats, rules: Numbers, out: Floats, price: float, symbol: int) -> None:
    """Fill what there is room for of an order that makes a position larger, or smaller, to what is wanted."""
    at_market = isnan(rows[symbol, LIMIT])
    rate = rules.taker if at_market else rules.maker
    sizing_price = worst_price(rows, rules, price, symbol) if at_market else price
    if rows[symbol, REST] != 0.0:
        ready = _keep_to_room(totals, rows, rules, sizing_price, rate, symbol)
    else:
        ready = _size_order(totals, rows, rules, sizing_price, rate, symbol)
    if not ready:
        forget_order(rows, symbol)
        return
    side = 1 if rows[symbol, REST] > 0.0 else -1
    size = fillable(rows, symbol, abs(rows[symbol, REST]))
    if size < _DUST:
        return
    if at_market:
        share = fills.share_of(size, rows[symbol, VOLUME])
        price = fills.market_price(price, side, rules.slippage, rules.amount, share, rows[symbol, TICK])
    rest = rows[symbol, REST] - side * size
    book(
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
        forget_order(rows, symbol)
