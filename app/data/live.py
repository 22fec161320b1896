"""What is read for live pages: closed candles are held, the forming one, the price and the feeds come from Redis."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from app.data.connections import database, redis, url_of
from app.held import HeldCandles
from app.stores import Lost
from app.words import Feed
from db import Bus
from market.candle import Candle
from market.clock import monotonic, now_us
from market.timeframe import BASE, Timeframe


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSymbols:
    """Symbols with a feed or with stored candles, in the order of the alphabet."""

    symbols: list[str]
    lost: Lost


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveView:
    """One symbol and timeframe at one moment.

    Attributes:
        candles: As `get_candles` returns them, and `final`; the last may be forming.
        feed: What the worker says; None when there is none.
        at_us: When it was looked at, UTC epoch microseconds.
        lost: Stores that are away.
        version: Changes when closed candles were read anew.
        expected_us: From when to when there should be candles, UTC epoch microseconds; None for between the first and the last.
    """

    candles: pd.DataFrame
    feed: Feed | None
    at_us: int
    lost: Lost
    version: int = 0
    expected_us: tuple[int, int] | None = None

    @property
    def price(self) -> float | None:
        """The newest price there is."""
        if self.feed is not None and self.feed["price"] is not None:
            return float(self.feed["price"])
        return None if self.candles.empty else float(self.candles["close"].iloc[-1])


def known_symbols() -> KnownSymbols:
    """Return what can be looked at."""
    lost: Lost = {}
    followed = redis().ask(lambda bus: list(bus.feeds()), (), lost)
    stored = database().ask(lambda store: store.market_data.symbols(), (), lost)
    return KnownSymbols(symbols=sorted({*followed, *stored}), lost=lost)


def live_view(symbol: str, timeframe: Timeframe, bars: int) -> LiveView:
    """Return what there is to see now; the forming candle, the price and the feed cost no query of the database."""
    lost: Lost = {}

    def look(bus: Bus) -> tuple[Feed | None, Candle | None, Candle | None]:
        edge = bus.latest(symbol, timeframe)
        return bus.feed(symbol), edge, edge or bus.latest(symbol, BASE)

    feed, edge, newest = redis().ask(look, (None, None, None), lost)
    held = _held(url_of("database"), symbol, timeframe)
    held.take(edge, due_us=_due_us(newest, timeframe))
    holes, now = None if feed is None else feed["open_holes"], monotonic()
    database().ask(lambda store: held.refresh(store.market_data, bars=bars, holes=holes, at_seconds=now), None, lost)
    return LiveView(candles=held.frame(bars), feed=feed, at_us=now_us(), lost=lost, version=held.version)


def feed_of(symbol: str, lost: Lost) -> Feed | None:
    """Return the state of the feed of a symbol; None without one."""
    return redis().ask(lambda bus: bus.feed(symbol), None, lost)


def feeds(lost: Lost) -> dict[str, Feed]:
    """Return the state of every feed by symbol."""
    return redis().ask(lambda bus: bus.feeds(), None, lost) or {}


@st.cache_resource(max_entries=64, show_spinner=False)
def _held(url: str | None, symbol: str, timeframe: Timeframe) -> HeldCandles:
    del url  # another database has other candles
    return HeldCandles(symbol, timeframe)


def _due_us(newest: Candle | None, timeframe: Timeframe) -> int | None:
    """Return the close of the newest candle that must be over, as told by the newest one of this timeframe or of a minute."""
    if newest is None:
        return None
    over_us = newest.timestamp_us if newest.final else newest.open_us
    return timeframe.open_of(over_us)
