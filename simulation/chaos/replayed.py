"""What a bot would have written without any trouble: the same bot in memory, over the stored minutes, one after the other."""

from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import pandas as pd

from db.bot_rows import OrderRow, PerformanceRow, PostingRow, SignalRow, StoredBot, TradeRow
from market.timeframe import MINUTE_US
from trading.bots.account import Account
from trading.bots.answers import completed
from trading.bots.bot import Bot, Plan
from trading.bots.config import from_dict
from trading.bots.hosts import Answer, Question
from trading.bots.loading import plan_of
from trading.bots.minutes import Minute
from trading.bots.windows import Window
from trading.registry import Registry
from trading.rules import Listing
from trading.strategy import BaseStrategy

_COLUMNS = ("open", "high", "low", "close", "volume")


@dataclass(kw_only=True)
class Replayed:
    """Rows by what they have no two of, and the account in the end as JSON keeps it."""

    signals: dict[tuple[int, str], SignalRow] = field(default_factory=dict)
    orders: dict[int, OrderRow] = field(default_factory=dict)
    trades: list[TradeRow] = field(default_factory=list)
    postings: list[PostingRow] = field(default_factory=list)
    values: dict[int, PerformanceRow] = field(default_factory=dict)
    stops: int = 0
    account: dict[str, Any] = field(default_factory=dict)


class Stored:
    """Minutes that are all there, in the place of those that come."""

    def __init__(self, minutes: dict[str, dict[int, Minute]]) -> None:
        self._minutes = minutes

    def next(self, symbol: str, after_us: int) -> Minute | None:
        return self._minutes[symbol].get(after_us + MINUTE_US)

    def newest_us(self, symbol: str) -> int | None:
        return max(self._minutes[symbol])

    def trouble(self, symbol: str) -> str:  # noqa: ARG002 - as those that come have it
        return ""


def replay(stored: StoredBot, minutes: dict[str, dict[int, Minute]]) -> Replayed:
    """Return what a bot writes between the begin of its account and the last minute that it acted on, all at once.

    Args:
        stored: The bot as it is in the end.
        minutes: By symbol and close, without any hole between them.
    """
    assert stored.account is not None
    assert stored.acted_until_us is not None
    config = from_dict(stored.config)
    strategies = {symbol: Registry().create(config.strategy, config.parameters) for symbol in config.symbols}
    plan = plan_of(config, max(next(iter(strategies.values())).lookback, 1))
    begins_us = int(stored.account["begins_us"])
    listings = {symbol: Listing(tick=one[0], lot=one[1], least_value=one[2]) for symbol, one in stored.account["listings"].items()}
    account = Account(plan.rules, listings, config.balance, at_us=begins_us)
    first_us = max(min(minutes[symbol]) for symbol in plan.symbols) - MINUTE_US
    windows = [_window(plan, minutes[symbol], first_us) for symbol in plan.symbols]
    known: Any = Stored(minutes)
    bot = Bot(
        replace(stored, account=None), plan, known, account=account, at_us=first_us, begins_us=begins_us, windows=windows
    )  # fmt: skip
    found = Replayed(values={begins_us: account.value(begins_us)})
    while bot.at_us < stored.acted_until_us:
        _step(bot, strategies, found)
    found.account = msgspec.json.decode(msgspec.json.encode(bot.state()))
    return found


def _window(plan: Plan, minutes: dict[int, Minute], until_us: int) -> Window:
    window = Window(plan.timeframe, plan.kept)
    for stamp in range(min(minutes), until_us + 1, MINUTE_US):
        window.add(minutes.get(stamp, Minute(stamp, None)))
    return window


def _step(bot: Bot, strategies: dict[str, BaseStrategy], found: Replayed) -> None:
    before_us = bot.at_us
    for question in bot.advance(1):
        bot.answered(_answer(question, strategies[question.symbol]), lambda *_: "")
    assert bot.at_us == before_us + MINUTE_US
    rows = bot.account.take_rows()
    found.signals |= {(row.timestamp_us, row.symbol): row for row in rows.signals}
    found.orders |= {row.number: row for row in rows.orders}
    found.trades += rows.trades
    found.postings += rows.postings
    found.stops += sum(event.kind == "stop-hit" for event in rows.events)
    found.values[bot.at_us] = bot.account.value(bot.at_us)


def _answer(question: Question, strategy: BaseStrategy) -> Answer:
    closes_us, symbol = question.timestamps_us, question.symbol
    index = pd.DatetimeIndex(closes_us.astype("datetime64[us]"), tz="UTC", name="timestamp")
    strategy.symbol = symbol
    said = strategy.process_data(pd.DataFrame(question.prices.copy(), index=index, columns=list(_COLUMNS)))
    signal = completed(said, symbol=symbol, timestamp_us=int(closes_us[-1]), close=float(question.prices[-1, 3]))
    return Answer(
        bot=question.bot, symbol=symbol, timestamp_us=int(closes_us[-1]), signal=signal, error=None, kind="signal", seconds=0.0
    )
