"""All reads of the pages: connections are cached, closed candles are held, and a lost store is a value, not an exception."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import streamlit as st

from app.held import HeldCandles
from app.words import Feed
from db import Bus, DatabaseOperations, schema
from db.engine import create_engine
from db.home import running_state
from market.candle import Candle
from market.clock import monotonic, now_us
from market.errors import StoreError, StoreUnreachable
from market.timeframe import BASE, Timeframe
from settings import Settings, load_settings

_PAUSE = 5  # times as long as a vain attempt took, nobody tries again: a page that ticks must not hang

Lost = dict[str, str]
"""Stores that are away, `database` and `redis`, and why."""


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
    """

    candles: pd.DataFrame
    feed: Feed | None
    at_us: int
    lost: Lost

    @property
    def price(self) -> float | None:
        """The newest price there is."""
        if self.feed is not None and self.feed["price"] is not None:
            return float(self.feed["price"])
        return None if self.candles.empty else float(self.candles["close"].iloc[-1])


@dataclass(slots=True, kw_only=True)
class _Store:
    url: str | None
    client: Any = None
    error: StoreError | None = None
    silent_until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


@st.cache_resource(show_spinner=False)
def settings() -> Settings:
    """Return the settings; read once."""
    return load_settings()


def known_symbols() -> KnownSymbols:
    """Return what can be looked at."""
    lost: Lost = {}
    found: set[str] = set()
    with _asking("redis", lost) as bus:
        found.update(bus.feeds())
    with _asking("database", lost) as database:
        found.update(database.market_data.symbols())
    return KnownSymbols(symbols=sorted(found), lost=lost)


def live_view(symbol: str, timeframe: Timeframe, bars: int) -> LiveView:
    """Return what there is to see now; the forming candle, the price and the feed cost no query of the database."""
    lost: Lost = {}
    feed: Feed | None = None
    edge = minute = None
    with _asking("redis", lost) as bus:
        feed, edge = bus.feed(symbol), bus.latest(symbol, timeframe)
        minute = edge or bus.latest(symbol, BASE)
    held = _held(_url("database"), symbol, timeframe)
    held.take(edge, due_us=_due_us(minute, timeframe))
    with _asking("database", lost) as database:
        holes = None if feed is None else feed["open_holes"]
        held.refresh(database.market_data, bars=bars, holes=holes, at_seconds=monotonic())
    return LiveView(candles=held.frame(bars), feed=feed, at_us=now_us(), lost=lost)


def feeds() -> tuple[dict[str, Feed], Lost]:
    """Return the state of every feed by symbol."""
    lost: Lost = {}
    found: dict[str, Feed] = {}
    with _asking("redis", lost) as bus:
        found = bus.feeds()
    return found, lost


@st.cache_data(ttl=5, show_spinner=False)
def database_stats() -> tuple[dict[str, Any] | None, Lost]:
    """Return what the database says about itself; None while it is away."""
    lost: Lost = {}
    stats: dict[str, Any] | None = None
    with _asking("database", lost) as database:
        stats = database.get_stats()
    return stats, lost


def redis_answer_ms() -> float | None:
    """Return how long Redis took to answer, in milliseconds; None while it is away."""
    with _asking("redis", {}) as bus:
        begun = monotonic()
        if bus.health_check():
            return (monotonic() - begun) * 1_000
    return None


@contextmanager
def _asking(name: str, lost: Lost) -> Iterator[Any]:
    """Yield the client of a store; when it is away, or goes away inside, note that and leave the block."""
    store = _store(name, _url(name))
    begun = monotonic()
    try:
        yield _client(name, store, begun)
    except StoreError as error:
        if error is not store.error:
            store.error, store.silent_until = error, monotonic() + _PAUSE * (monotonic() - begun)
        lost[name] = str(error)
    else:
        store.error = None
