"""All reads of the pages: connections are cached, closed candles are held, and a lost store is a value, not an exception."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from app import scheduled
from app.held import HeldCandles
from app.stores import Lost, Store
from app.words import Feed
from db import Bus, DatabaseOperations, schema
from db.engine import create_engine
from db.home import running_state
from db.repositories.gaps import Gap
from market.candle import Candle
from market.clock import monotonic, now_us
from market.errors import StoreUnreachable
from market.timeframe import BASE, Timeframe
from settings import Settings, load_settings

Stats = dict[str, Any]
"""What `DatabaseOperations.get_stats` returns."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Holes:
    """What the ledger of holes says.

    Attributes:
        counts: How many are in each state; states without any are left out.
        newest: The newest ones, newest first.
    """

    counts: Mapping[str, int]
    newest: list[Gap]


@st.cache_resource(show_spinner=False)
def settings() -> Settings:
    """Return the settings; they are read once.

    Raises:
        ValueError: If they cannot be used.
    """
    return load_settings()


def known_symbols() -> KnownSymbols:
    """Return what can be looked at."""
    lost: Lost = {}
    followed = _redis().ask(lambda bus: list(bus.feeds()), (), lost)
    stored = _database().ask(lambda database: database.market_data.symbols(), (), lost)
    return KnownSymbols(symbols=sorted({*followed, *stored}), lost=lost)


def live_view(symbol: str, timeframe: Timeframe, bars: int) -> LiveView:
    """Return what there is to see now; the forming candle, the price and the feed cost no query of the database."""
    lost: Lost = {}

    def look(bus: Bus) -> tuple[Feed | None, Candle | None, Candle | None]:
        edge = bus.latest(symbol, timeframe)
        return bus.feed(symbol), edge, edge or bus.latest(symbol, BASE)

    feed, edge, newest = _redis().ask(look, (None, None, None), lost)
    held = _held(_url("database"), symbol, timeframe)
    held.take(edge, due_us=_due_us(newest, timeframe))
    holes, now = None if feed is None else feed["open_holes"], monotonic()
    _database().ask(lambda database: held.refresh(database.market_data, bars=bars, holes=holes, at_seconds=now), None, lost)
    return LiveView(candles=held.frame(bars), feed=feed, at_us=now_us(), lost=lost)


def feeds(lost: Lost) -> dict[str, Feed]:
    """Return the state of every feed by symbol."""
    return _redis().ask(lambda bus: bus.feeds(), None, lost) or {}


def redis_answer_ms(lost: Lost) -> float | None:
    """Return how long Redis takes to answer, in milliseconds; None while it is away."""
    begun = monotonic()
    answers = _redis().ask(lambda bus: bus.health_check(), False, lost)
    return (monotonic() - begun) * 1_000 if answers else None


def database_stats(lost: Lost) -> Stats | None:
    """Return what the database says about itself, at most five seconds old; None while it is away."""
    return _database().ask(lambda _: _stats(_url("database")), None, lost)


@st.cache_data(ttl=5, show_spinner=False)
def _stats(url: str | None) -> Stats:
    return _database_at(url).get_stats()


def holes(lost: Lost, newest: int = 20) -> Holes | None:
    """Return what the ledger of holes says, at most five seconds old; None while the database is away."""
    return _database().ask(lambda _: _holes(_url("database"), newest), None, lost)


@st.cache_data(ttl=5, show_spinner=False)
def _holes(url: str | None, newest: int) -> Holes:
    gaps = _database_at(url).gaps
    return Holes(counts=gaps.counts(), newest=gaps.list(newest=newest)[::-1])


def scheduler() -> scheduled.Scheduler:
    """Return what there is to see of Prefect, at most five seconds old."""
    flows, running = settings().flows, running_state(settings().home)
    return _scheduler(*scheduled.address(flows.api_url, running), page=flows.page_url)


@st.cache_data(ttl=5, show_spinner=False)
def _scheduler(url: str | None, state: str, *, page: str | None) -> scheduled.Scheduler:
    return scheduled.look(url, state, page=page)


def _database() -> Store[DatabaseOperations]:
    return _database_store(_url("database"))


def _redis() -> Store[Bus]:
    return _redis_store(_url("redis"))


@st.cache_resource(max_entries=4, show_spinner=False)
def _database_store(url: str | None) -> Store[DatabaseOperations]:
    def connect() -> DatabaseOperations:
        database = _database_at(url)
        schema.check(database.engine)
        return database

    return Store("database", connect)


@st.cache_resource(max_entries=4, show_spinner=False)
def _redis_store(url: str | None) -> Store[Bus]:
    return Store("redis", lambda: _bus_at(url))


@st.cache_resource(max_entries=4, show_spinner=False, on_release=Bus.close)
def _bus_at(url: str | None) -> Bus:
    return Bus(_known(url))


@st.cache_resource(max_entries=4, show_spinner=False, on_release=DatabaseOperations.close)
def _database_at(url: str | None) -> DatabaseOperations:
    return DatabaseOperations(create_engine(_known(url), application_name="tcpdash app"))


@st.cache_resource(max_entries=64, show_spinner=False)
def _held(url: str | None, symbol: str, timeframe: Timeframe) -> HeldCandles:
    del url  # another database has other candles
    return HeldCandles(symbol, timeframe)


def _url(store: str) -> str | None:
    """Return the address in the settings, else that of the system that runs in the home."""
    section = settings().database if store == "database" else settings().redis
    if section.url is not None:
        return section.url.get_secret_value()
    state = running_state(settings().home) or {}
    url: str | None = state.get("postgres" if store == "database" else "redis", {}).get("url")
    return url


def _known(url: str | None) -> str:
    if url is None:
        raise StoreUnreachable(
            f"nothing runs on {settings().home}; start `tcpdash up`, or set TCPDASH_DATABASE__URL and TCPDASH_REDIS__URL"
        )
    return url


def _due_us(newest: Candle | None, timeframe: Timeframe) -> int | None:
    """Return the close of the newest candle that must be over, as told by the newest one of this timeframe or of a minute."""
    if newest is None:
        return None
    over_us = newest.timestamp_us if newest.final else newest.open_us
    return timeframe.open_of(over_us)
