"""Markets of which all is history already, a local exchange that counts what it is asked, and what a backfill of it stores."""

import asyncio
from collections.abc import Mapping

from exchanges import DataProvider
from history.backfill import NativeVenue, Order, Outcome, run_backfill
from market.candle import Candle
from market.clock import monotonic
from market.timeframe import BASE, MINUTE_US
from market.trade import Trade
from replay import LocalExchange, SmallMarket
from replay.answer import Answer, Question
from replay.bars import Bar, Interval
from replay.faults import Faults
from replay.source import Market
from replay.views import View

START_US = 1_719_792_000_000_000  # 2024-07-01


class Past(View):
    """A market that has been there always, for the clock of the exchange to stand anywhere: nobody has to subscribe first."""

    def __init__(self, inner: SmallMarket) -> None:
        super().__init__(inner)
        self.first_us = self.last_us = None


class Counting(Faults):
    """Notes each question with the moment in which it came."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[tuple[float, Question]] = []
        self._awaited: list[tuple[int, asyncio.Event]] = []

    def reply(self, question: Question) -> None:
        self.noted.append((monotonic(), question))
        for count, event in self._awaited:
            if len(self.noted) >= count:
                event.set()

    def after(self, count: int) -> asyncio.Event:
        """Return what is set once so many more questions came."""
        event = asyncio.Event()
        self._awaited.append((len(self.noted) + count, event))
        return event

    def of(self, word: str) -> list[Mapping[str, str]]:
        """Return the parameters of the questions whose path holds a word, in their order."""
        return [question.params for _, question in self.noted if word in question.path]


class Refusing(Counting):
    """Answers with a refusal as long as there is one left."""

    def __init__(self, *refusals: Answer, path: str) -> None:
        super().__init__()
        self.refusals, self._path = list(refusals), path

    def answer(self, question: Question, market: Market, answer: Answer) -> Answer:
        return self.refusals.pop(0) if self.refusals and self._path in question.path else answer


def past(venue: str, *, minutes: int, rate: float = 0.2, symbols: tuple[str, ...] = ("BTC-USDT",), seed: int = 1) -> Past:
    """Return a market of some minutes, from START_US on; a seventh of its minutes is silent."""
    return Past(SmallMarket(venue, symbols, seed=seed, start_us=START_US, seconds=60.0 * minutes, rate=rate))


def exchange_of(market: Past, now_minute: int, faults: Faults | None = None) -> LocalExchange:
    """Return a local exchange whose clock stands so many minutes behind the begin of its market."""
    exchange = LocalExchange(market, start_us=at(now_minute), faults=faults)
    exchange.pause()
    return exchange


def at(minute: int) -> int:
    """Return the begin of a minute of the market."""
    return START_US + minute * MINUTE_US


def bars_of(market: Past, symbol: str, first: int, last: int) -> list[Bar]:
    """Return what the market says of its minutes from `first` up to, but not including, `last`."""
    return market.bars(symbol, Interval(MINUTE_US), at(first), at(last), at(last))


def trades_of(market: Past, symbol: str) -> list[Trade]:
    """Return all its trades."""
    assert isinstance(market.inner, SmallMarket)
    return list(market.inner.trades(symbol))


async def fill(database, provider: DataProvider, **order) -> Outcome:
    """Fill the one symbol of a provider from the begin of the market on, or as the order says."""
    wanted = {"symbols": provider.symbols, "start_us": at(0), **order}
    [outcome] = await run_backfill(database, NativeVenue(provider), Order(**wanted))
    return outcome


def numbers(candle: Candle) -> tuple[float, ...]:
    """Return the prices and the volume of a candle."""
    return candle.open, candle.high, candle.low, candle.close, candle.volume


def stored(database, symbol: str) -> list[Candle]:
    """Return the minutes that are stored."""
    return list(database.market_data.get_series(symbol, BASE).candles())


def expected(market: Past, symbol: str, first: int, last: int) -> list[tuple[int, tuple[float, ...]]]:
    """Return close and numbers of the minutes of a market from `first` up to, but not including, `last`."""
    return [
        (bar.open_us + MINUTE_US, (bar.open, bar.high, bar.low, bar.close, bar.volume))
        for bar in bars_of(market, symbol, first, last)
    ]
