"""Round trips: which positions the fills of a backtest opened and closed again, and what is still open at its end."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from trading.backtest.finer import Finer
from trading.backtest.market import Flags, Floats, Integers, Market
from trading.backtest.metrics import RoundTrips
from trading.broker import DUST
from trading.compiled import compiled
from trading.fills import Reason
from trading.rules import FillAt, Rules

(
    SYMBOL, SIDE, FIRST, LAST, LARGEST, BOUGHT, COST, LEFT, GOT, FEES, WHY_FIRST, WHY_LAST, HELD, BEST, WORST,
) = range(15)  # fmt: skip
"""Columns of a trip: `BOUGHT` for `COST` is what was entered, `LEFT` for `GOT` what was left, `HELD` what is still held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPosition:
    """What is still held at the end, valued at the last known close.

    Attributes:
        symbol: Its number, from 0.
        entered_us: UTC epoch microseconds.
        size: In the base currency, negative when short.
        entry_price: Average of all entries, in the quote currency.
        price: The last known close.
        profit: What leaving at that price would have won, without the fee of leaving; fees paid are taken off.
    """

    symbol: int
    entered_us: int
    size: float
    entry_price: float
    price: float
    profit: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trips:
    """The round trips of all symbols, in the order of their exits.

    Attributes:
        closed: What metrics are computed from; a trip's price is the average of its fills.
        symbol: Number of the symbol of each, shape (trips,).
        touches_hole: Whether it was left because a hole began, or entered in the first bar behind one, shape (trips,).
        open: What is still held at the end.
    """

    closed: RoundTrips
    symbol: Integers
    touches_hole: Flags
    open: tuple[OpenPosition, ...]


def trips_of(market: Market, table: Floats, rules: Rules, *, finer: Finer | None = None) -> Trips:
    """Return the round trips that fills make.

    A market order at the next open was filled when the bar opened, one at the close when it closed; of all others, which a bar
    reaches somewhere inside, the close of the bar is taken as the time. `best` and `worst` look at the highs and lows of the bars
    held in full, and at the price of the exit; of the bar of an entry inside it, at its close.

    Args:
        market: The candles.
        table: What was filled, as `Outcome.table`.
        rules: Those of the backtest.
        finer: The finer candles inside which orders were filled: then the bars of fills are its rows.
    """
    filled = market if finer is None else finer.market
    inside = rules.limit_offset > 0.0 or rules.fill_at is FillAt.CLOSE
    rows = np.zeros((len(table) + len(market.symbols), HELD + 3))
    closed, held = _trips(table, filled.high, filled.low, filled.close, filled.there, inside, DUST, rows)
    open_, rows = rows[closed : closed + held], rows[:closed]
    # What is left of a stop is filled with the orders of a later open, and counts as an exit inside that bar.
    left_us = _moments(market, rules, rows[:, LAST].astype(np.int64), rows[:, WHY_LAST], finer=finer)
    order = np.argsort(left_us, kind="stable")
    rows, left_us = rows[order], left_us[order]
    first, last = rows[:, FIRST].astype(np.int64), rows[:, LAST].astype(np.int64)
    symbol, bars = rows[:, SYMBOL].astype(np.int64), np.arange(len(market)) if finer is None else finer.bars
    trips = RoundTrips(
        side=rows[:, SIDE].astype(np.int64), entered_us=_moments(market, rules, first, rows[:, WHY_FIRST], finer=finer),
        left_us=left_us, bars=bars[last] - bars[first],
        size=rows[:, LARGEST],
        entry_price=rows[:, COST] / rows[:, BOUGHT], exit_price=rows[:, GOT] / rows[:, LEFT],
        profit=rows[:, SIDE] * (rows[:, GOT] - rows[:, COST]) - rows[:, FEES], fees=rows[:, FEES], value=rows[:, COST],
        reason=rows[:, WHY_LAST].astype(np.int64), best=rows[:, BEST], worst=rows[:, WORST],
    )  # fmt: skip
    touches = (rows[:, WHY_LAST] == Reason.HOLE) | _behind_holes(market)[bars[first], symbol]
    return Trips(closed=trips, symbol=symbol, touches_hole=touches, open=tuple(_open(market, rules, row, finer) for row in open_))


def exposure_of(market: Market, table: Floats, equity: Floats, *, finer: Finer | None = None) -> Floats:
    """Return the value of all that is held at each close as a fraction of equity, below 0 where it is short, shape (bars,)."""
    exposure = np.zeros(len(market))
    for number in range(len(market.symbols)):
        own = table[table[:, 1] == number]
        rows = own[:, 0].astype(np.int64)
        change = np.bincount(rows if finer is None else finer.bars[rows], weights=own[:, 4], minlength=len(market))
        size = np.cumsum(change)
        size[np.abs(size) < 1e-9 * np.abs(change).max(initial=0.0)] = 0.0
        exposure += size * last_known(market.close[:, number])
    return np.divide(exposure, equity, out=np.zeros(len(market)), where=equity > 0.0)


def last_known(closes: Floats) -> Floats:
    """Return closes with what is not known replaced by the one before, and by the first where there is none, shape (bars,)."""
    known = ~np.isnan(closes)
    if known.all():
        return closes
    places = np.maximum.accumulate(np.where(known, np.arange(len(closes)), -1))
    return closes[np.maximum(places, int(np.argmax(known)))]


def _open(market: Market, rules: Rules, row: Floats, finer: Finer | None) -> OpenPosition:
    number = int(row[SYMBOL])
    price, paid = float(last_known(market.close[:, number])[-1]), float(row[COST] / row[BOUGHT])
    profit = row[SIDE] * (row[GOT] + abs(row[HELD]) * price - row[COST]) - row[FEES]
    entered = _moments(market, rules, row[FIRST : FIRST + 1].astype(np.int64), row[WHY_FIRST : WHY_FIRST + 1], finer=finer)
    return OpenPosition(
        symbol=number, entered_us=int(entered[0]), size=float(row[HELD]), entry_price=paid, price=price, profit=float(profit)
    )


def _moments(market: Market, rules: Rules, rows: Integers, reasons: Floats, *, finer: Finer | None) -> Integers:
    at_open = np.isin(reasons, [Reason.TARGET_CHANGED, Reason.TIME, Reason.PROTECTION])
    if rules.limit_offset == 0.0:
        at_open |= reasons == Reason.ENTRY
    if rules.fill_at is FillAt.CLOSE:
        at_open[:] = False
    if finer is None:
        return market.closes_us[rows] - np.where(at_open, market.timeframe.width_us, 0)
    return np.where(at_open, finer.opens_us[rows], finer.market.closes_us[rows])


def _behind_holes(market: Market) -> Flags:
    """Return which candles are the first behind a hole, shape (bars, symbols)."""
    behind = np.zeros_like(market.ends)
    for number in range(len(market.symbols)):
        there = np.flatnonzero(market.there[:, number])
        behind[there[1:][market.ends[there[:-1], number]], number] = True
    return behind


@partial(compiled, error_model="numpy")
def _trips(table: Any, high: Any, low: Any, close: Any, there: Any, inside: bool, dust: float, out: Any) -> tuple[int, int]:
    """Write closed trips into `out` in the order of their exits, then the open ones; return how many of each."""
    symbols = close.shape[1]
    now = np.zeros((symbols, WORST + 1))
    closed = 0
    for number in range(len(table)):
        s, why, size, value = int(table[number, 1]), table[number, 2], table[number, 4], abs(table[number, 4]) * table[number, 3]
        held = now[s, HELD]
        if held == 0.0:
            now[s] = 0.0
            now[s, SYMBOL], now[s, SIDE], now[s, FIRST], now[s, WHY_FIRST] = s, 1.0 if size > 0.0 else -1.0, table[number, 0], why
        entering = held * size >= 0.0
        now[s, BOUGHT if entering else LEFT] += abs(size)
        now[s, COST if entering else GOT] += value
        now[s, FEES] += table[number, 5]
        now[s, HELD] = 0.0 if abs(held + size) < dust else held + size
        now[s, LARGEST] = max(now[s, LARGEST], abs(now[s, HELD]))
        now[s, LAST], now[s, WHY_LAST] = table[number, 0], why
        if now[s, HELD] == 0.0:
            _look_between(now[s], table[number, 3], high[:, s], low[:, s], close[:, s], there[:, s], inside)
            out[closed] = now[s]
            closed += 1
    still = 0
    for s in range(symbols):
        if now[s, HELD] != 0.0:
            out[closed + still] = now[s]
            still += 1
    return closed, still


@partial(compiled, error_model="numpy")
def _look_between(trip: Any, exit_price: float, high: Any, low: Any, close: Any, there: Any, inside: bool) -> None:
    """Note the best and the worst unrealised return of a trip."""
    side, entry, first = trip[SIDE], trip[COST] / trip[BOUGHT], int(trip[FIRST])
    last = side * (exit_price / entry - 1.0)
    best, worst = max(0.0, last), min(0.0, last)
    for bar in range(first, int(trip[LAST])):
        if there[bar]:
            part = inside and bar == first
            one = side * ((close[bar] if part else high[bar]) / entry - 1.0)
            other = side * ((close[bar] if part else low[bar]) / entry - 1.0)
            best, worst = max(best, one, other), min(worst, one, other)
    trip[BEST], trip[WORST] = best, worst
