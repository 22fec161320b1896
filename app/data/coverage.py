"""What is read of coverage: the days of a calendar, and the minutes and holes of one day."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from app.data.connections import database, database_at, url_of
from app.data.live import feeds
from app.stores import Lost
from app.words import is_of_now
from db.repositories.gaps import Gap
from market.clock import now_us
from market.timeframe import BASE, DAY_US, MINUTE_US

SETTLE_US = 3 * MINUTE_US
"""A minute is stored some seconds after it is over; younger ones are not called missing."""

MOST_HOLES = 200
"""So many holes of a day are listed."""

_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One UTC day of one symbol.

    Attributes:
        minutes: As `get_candles` returns them.
        holes: Of the ledger, by number, that touch it; the newest 200.
        total: How many touch it in all.
    """

    minutes: pd.DataFrame
    holes: dict[int, Gap]
    total: int


def stored_symbols(lost: Lost) -> list[str]:
    """Return the symbols with candles or with a feed, at most a minute old; those with a feed alone while the database is away."""
    kept = database().ask(lambda _: _symbols(url_of("database")), [], lost)
    return sorted({*kept, *feeds(lost)})


def days(symbols: tuple[str, ...], start_us: int, end_us: int, lost: Lost) -> pd.DataFrame | None:
    """Return how each day from `start_us` to `end_us` is stored, at most a minute old; None while the database is away.

    Returns:
        As `db.days.select` does.
    """
    until_us = min(end_us, _settled_us())
    followed = tuple(sorted(symbol for symbol, feed in feeds(lost).items() if is_of_now(feed)))
    return database().ask(lambda _: _days(url_of("database"), symbols, start_us, max(start_us, until_us), followed), None, lost)


def day(symbol: str, day_us: int, lost: Lost) -> Day | None:
    """Return the minutes and the holes of a day, at most a minute old; None while the database is away."""
    return database().ask(lambda _: _day(url_of("database"), symbol, day_us), None, lost)


def _settled_us() -> int:
    return BASE.open_of(now_us() - SETTLE_US)


@st.cache_data(ttl=_SECONDS, show_spinner=False)
def _symbols(url: str | None) -> list[str]:
    return database_at(url).market_data.symbols()


@st.cache_data(ttl=_SECONDS, max_entries=32, show_spinner=False)
def _days(url: str | None, symbols: tuple[str, ...], start_us: int, end_us: int, followed: tuple[str, ...]) -> pd.DataFrame:
    return database_at(url).market_data.days(symbols, start_us=start_us, end_us=end_us, followed=followed)


@st.cache_data(ttl=_SECONDS, max_entries=32, show_spinner=False)
def _day(url: str | None, symbol: str, day_us: int) -> Day:
    end_us = day_us + DAY_US
    with database_at(url).transaction() as store:
        series = store.market_data.get_series(symbol, BASE, day_us + MINUTE_US, end_us)
        holes, total = store.gaps.page([symbol], limit=MOST_HOLES, start_us=day_us, end_us=end_us)
    return Day(minutes=series.frame(), holes=holes, total=total)
