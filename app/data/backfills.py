"""What is read of backfills: how far each is, and how much one would have to fetch."""

from dataclasses import dataclass

import streamlit as st

from app.backfills import Asked, lacking, not_in
from app.data.connections import database, database_at, url_of
from app.stores import Lost
from db.repositories.backfills import Backfill
from market.clock import now_us
from market.timeframe import BASE, DAY_US
from market.window import Window

NEWEST = 20
"""So many backfills are shown."""

MOST_CANDLES = 50_000
"""Of more candles than this it is not counted one by one what is missing: that would take half a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a backfill would have to fetch.

    Attributes:
        candles: How many are missing; None where that cannot be counted quickly.
        exact: Whether what the venue said already that it does not have is left out.
        whole: How many the time has.
    """

    candles: int | None
    exact: bool
    whole: int


def backfills(lost: Lost, *, busy: bool) -> list[Backfill] | None:
    """Return the newest backfills, oldest first, with one statement; None while the database is away.

    Args:
        lost: Where it is noted that it is.
        busy: Whether one is under way: then they are at most a second old, else ten.
    """
    read = _busy_backfills if busy else _idle_backfills
    return database().ask(lambda _: read(url_of("database")), None, lost)


def estimate(wanted: Asked, lost: Lost) -> Estimate | None:
    """Return what is missing of what is asked for, at most 15 seconds old; None while the database is away."""
    window = wanted.window(now_us())
    return database().ask(lambda _: _estimate(url_of("database"), wanted, window), None, lost)


@st.cache_data(ttl=1, max_entries=4, show_spinner=False)
def _busy_backfills(url: str | None) -> list[Backfill]:
    return list(database_at(url).backfills.list(newest=NEWEST))


@st.cache_data(ttl=10, max_entries=4, show_spinner=False)
def _idle_backfills(url: str | None) -> list[Backfill]:
    return list(database_at(url).backfills.list(newest=NEWEST))


@st.cache_data(ttl=15, max_entries=32, show_spinner=False)
def _estimate(url: str | None, wanted: Asked, window: Window) -> Estimate:
    """Return what is missing with three statements at most."""
    symbol, width, store = wanted.symbol, wanted.timeframe, database_at(url)
    whole = window.width_us // width.width_us
    if whole <= MOST_CANDLES:
        missing = store.backfills.missing(symbol, width, window, again=wanted.again) if whole else []
        return Estimate(candles=sum(each.width_us for each in missing) // width.width_us, exact=True, whole=whole)
    answered = [] if wanted.again else store.backfills.spans(symbol, width)
    left = not_in(window, answered)
    if width is not BASE and left:
        return Estimate(candles=None, exact=False, whole=whole)
    days = store.market_data.days([symbol], start_us=window.start_us - window.start_us % DAY_US, end_us=window.end_us)
    if not days["counted"].all():
        return Estimate(candles=None, exact=False, whole=whole)
    return Estimate(candles=lacking(days, left), exact=not left, whole=whole)
