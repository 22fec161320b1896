"""Bots without a database: minutes by chance are delivered in portions, and the bot is restarted behind what it wrote."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import pairwise
from math import nan
from random import Random
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from db.bot_rows import OrderRow, StoredBot, TradeRow, Written
from market.candle import Candle
from market.rollup import roll_up
from market.timeframe import MINUTE_US, Timeframe
from tests.trading.markets import frame_of, random_market
from trading.backtest.backtest import Backtest, Engine, Result
from trading.bots.account import Account
from trading.bots.bot import Bot, Plan
from trading.bots.hosts import Answer, Question
from trading.bots.ledger import added
from trading.bots.minutes import Minute
from trading.bots.windows import Window
from trading.frames import PRICES, timestamps_us
from trading.position import Bar
from trading.rules import Listing, Rules
from trading.signal import Action, Signal
from trading.strategy import BaseStrategy

BALANCE = Decimal("10000.5")
_WISHES = (nan, nan, nan, 1.0, 0.5, 0.0, -1.0, 0.25, -0.5, nan)


class Dice(BaseStrategy):
    """Wants what the digits of the candles that it is handed throw; a window that differs in anything wants something else."""

    @property
    def lookback(self) -> int:
        return 4

    def process_data(self, data: pd.DataFrame) -> Signal:
        return self.signal(data, Action.HOLD, target=thrown(timestamps_us(data), data.to_numpy()))


def thrown(stamps_us: np.ndarray, prices: np.ndarray) -> float:
    """Return what is wanted after some candles, NaN for nothing."""
    digits = [
        len(prices),
        int(stamps_us[0] // MINUTE_US),
        *(round(float(price) * 1e4) for price in (*prices[0, :4], *prices[-1, :4])),
    ]
    total = 0
    for digit in digits:
        total = (total * 31 + digit) % 1_000_003
    return _WISHES[total % len(_WISHES)]


class Delivered:
    """Stands for `Minutes`: those of some symbols, so many of which are there."""

    def __init__(self, minutes: dict[str, list[Minute]]) -> None:
        self.all, self.there = minutes, dict.fromkeys(minutes, 0)
        self._begins = {symbol: each[0].timestamp_us - MINUTE_US for symbol, each in minutes.items()}

    def deliver(self, symbol: str, most: int) -> None:
        self.there[symbol] = min(self.there[symbol] + most, len(self.all[symbol]))

    def next(self, symbol: str, after_us: int) -> Minute | None:
        place = (after_us - self._begins[symbol]) // MINUTE_US
        return self.all[symbol][place] if place < self.there[symbol] else None

    def newest_us(self, symbol: str) -> int | None:
        return self._begins[symbol] + self.there[symbol] * MINUTE_US

    def trouble(self, symbol: str) -> str:
        return ""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A bot, and the minutes of its symbols; `begin` of their candles are there before it begins."""

    minutes: dict[str, list[Minute]] = field(repr=False)
    timeframe: Timeframe
    rules: Rules
    listings: dict[str, Listing]
    begin: int = 0

    @property
    def plan(self) -> Plan:
        return Plan(
            strategy="dice", parameters={}, symbols=tuple(self.minutes), timeframe=self.timeframe, lookback=4, rules=self.rules
        )  # fmt: skip

    @property
    def first_us(self) -> int:
        return next(iter(self.minutes.values()))[0].timestamp_us - MINUTE_US

    @property
    def begins_us(self) -> int:
        return self.first_us + self.begin * self.timeframe.width_us

    @property
    def count(self) -> int:
        return len(next(iter(self.minutes.values())))

    def backtest(self) -> Result:
        """Return what a backtest inside minutes makes of it."""
        fine = {symbol: frame_from(each) for symbol, each in self.minutes.items()}
        wide = (
            fine if self.timeframe is Timeframe.M1 else {symbol: wider(symbol, each, self) for symbol, each in self.minutes.items()}
        )
        warm_up = min(self.begin, self.plan.kept)
        test = Backtest(
            Dice({}), self.timeframe, rules=self.rules, balance=float(BALANCE), listings=self.listings, start_us=self.begins_us,
            inside=None if wide is fine else Timeframe.M1, warm_up=warm_up, engine=Engine.EVENTS, allow_holes=True,
        )  # fmt: skip
        return test.run(wide, None if wide is fine else fine)


def minutes_by_chance(seed: int, count: int, symbols: int) -> dict[str, list[Minute]]:
    """Return minutes with jumps and without trades here and there; the first one opens a candle of five."""
    market = random_market(seed, count + 1, symbols, quiet=0.15)
    found = {}
    for number, symbol in enumerate(market.symbols):
        frame = frame_of(market, number).iloc[1:]
        bars = map(Bar._make, frame[list(PRICES)].to_numpy().tolist())
        found[symbol] = [Minute(stamp, bar) for stamp, bar in zip(timestamps_us(frame).tolist(), bars, strict=True)]
    return found


def frame_from(minutes: Sequence[Minute]) -> pd.DataFrame:
    there = [minute for minute in minutes if minute.bar is not None]
    frame = pd.DataFrame([minute.bar for minute in there], columns=list(PRICES), dtype=np.float64)
    frame.insert(0, "timestamp", pd.to_datetime([minute.timestamp_us for minute in there], unit="us", utc=True))
    return frame


def wider(symbol: str, minutes: Sequence[Minute], case: Case) -> pd.DataFrame:
    """Return the wider candles of which all minutes are there."""
    there = [(minute.timestamp_us, minute.bar) for minute in minutes if minute.bar is not None]
    bars = [Candle(symbol, Timeframe.M1, stamp_us, *bar, complete=True) for stamp_us, bar in there]
    rolled = [each for each in roll_up(bars, case.timeframe) if each.final and each.complete]
    rows = [Minute(each.timestamp_us, Bar(each.open, each.high, each.low, each.close, each.volume)) for each in rolled]
    return frame_from(rows)


@dataclass(kw_only=True)
class Played:
    """What a bot wrote, step by step, and the bot at the end."""

    bot: Bot
    written: list[Written]

    def rows(self, name: str) -> list[Any]:
        return [row for step in self.written for row in getattr(step, name)]

    @property
    def trades(self) -> list[TradeRow]:
        return self.rows("trades")

    @property
    def orders(self) -> dict[int, OrderRow]:
        """Orders as they were written last, by number."""
        return {order.number: order for order in self.rows("orders")}


def allowed(_bot: Bot, _number: int, _target: float) -> str:
    """Stand for limits of a portfolio without any."""
    return ""


def played(case: Case, chance: Random, *, restarts: float = 0.1, most: int = 40, gate: Any = allowed) -> Played:
    """Let a bot act on all minutes, delivered by chance; at any moment it may be restarted behind what it wrote last."""
    minutes, written = Delivered(case.minutes), []
    bot = begun(case, minutes, None)
    while bot.at_us < case.first_us + case.count * MINUTE_US or bot.is_asking:
        for symbol in case.minutes:
            minutes.deliver(symbol, chance.randint(0, most))
        written += map(through_json, _turn(bot, chance, gate))
        if chance.random() < restarts:
            bot = begun(case, minutes, written[-1] if written else None)
    last = bot.take_written("running", "", always=True)
    return Played(bot=bot, written=written if last is None else [*written, last])


def _turn(bot: Bot, chance: Random, gate: Any) -> Iterator[Written]:
    for question in bot.advance(chance.randint(1, 30)):
        if chance.random() < 0.9:  # else it is restarted, or asked again
            bot.answered(answer_to(question), gate)
    step = bot.take_written("running", "", always=chance.random() < 0.2) if chance.random() < 0.7 else None
    if step is not None:
        yield step


def answer_to(question: Question) -> Answer:
    """Return what the strategy says, as a host would."""
    stamp_us, close = int(question.timestamps_us[-1]), float(question.prices[-1, 3])
    target = thrown(question.timestamps_us, question.prices)
    signal = Signal(action=Action.HOLD, price=close, timestamp_us=stamp_us, symbol=question.symbol, target=target)
    return Answer(
        bot=question.bot, symbol=question.symbol, timestamp_us=stamp_us, signal=signal, error=None, kind="signal", seconds=0.0
    )  # fmt: skip


def through_json(step: Written) -> Written:
    """Return a step with its account as the database gives it back."""
    return replace(step, account=msgspec.json.decode(msgspec.json.encode(step.account)))


def begun(case: Case, minutes: Delivered, last: Written | None) -> Bot:
    """Return a bot behind what it wrote last, as a loader would make it."""
    plan = case.plan
    at_us = max(case.first_us, case.begins_us - 3 * MINUTE_US) if last is None else last.acted_until_us
    if last is None:
        account = Account(case.rules, case.listings, BALANCE, at_us=case.begins_us)
    else:
        account = Account.restored(last.account, case.rules)
    windows = [Window(case.timeframe, plan.kept) for _ in plan.symbols]
    for window, symbol in zip(windows, plan.symbols, strict=True):
        for minute in case.minutes[symbol][: (at_us - case.first_us) // MINUTE_US]:
            window.add(minute)
    stored = StoredBot(id="bot", config={}, config_digest="", config_file="", account=None if last is None else last.account)
    return Bot(stored, plan, minutes, windows=windows, account=account, at_us=at_us, begins_us=case.begins_us)  # type: ignore[arg-type]


def inconsistencies(told: Played) -> list[str]:
    """Return what contradicts itself in the rows of a bot; nothing, where all is well."""
    orders, found = told.orders, []
    if list(orders) and sorted(orders) != list(range(1, len(orders) + 1)):
        found.append(f"orders are numbered {sorted(orders)}")
    filled = dict.fromkeys(orders, (Decimal(0), Decimal(0)))
    for trade in told.trades:
        order = orders.get(trade.order)
        if order is None or (order.symbol, order.side) != (trade.symbol, trade.side):
            found.append(f"{trade} is of {order}")
            continue
        size, value = filled[trade.order]
        filled[trade.order] = added(size, trade.size), added(value, trade.value)
    for number, order in orders.items():
        found += [f"{order} {what}" for what in _wrong(order, *filled[number])]
    for symbol in {order.symbol for order in orders.values()}:
        own = [order for number, order in sorted(orders.items()) if order.symbol == symbol]
        found += [f"{one} still worked when {other} was made" for one, other in pairwise(own) if not _before(one, other)]
    return found + list(_changed_after_the_end(told))


def _wrong(order: OrderRow, size: Decimal, value: Decimal) -> Iterator[str]:
    if (order.filled, order.value) != (size, value):
        yield f"was filled with {size} worth {value}"
    if (order.state == "working") != (order.ended_us is None):
        yield "has an end and works, or neither"
    if order.state == "filled" and not order.filled:
        yield "was filled with nothing"
    if order.ended_us is not None and order.ended_us < order.made_us:
        yield "ended before it was made"


def _before(one: OrderRow, other: OrderRow) -> bool:
    return one.ended_us is not None and one.ended_us <= other.made_us


def _changed_after_the_end(told: Played) -> Iterator[str]:
    known: dict[int, OrderRow] = {}
    for order in told.rows("orders"):
        before = known.get(order.number)
        if before is not None and before.state != "working":
            yield f"{before} became {order}"
        known[order.number] = order
