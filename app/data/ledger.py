"""What is read of the ledger of holes, a page at a time; again when a feed says that something became of one."""

from dataclasses import dataclass

import streamlit as st

from app.data.connections import database, database_at, url_of
from app.data.live import feeds
from app.stores import Lost
from db.repositories.gaps import Gap
from market.clock import monotonic

PAGE = 50
"""So many holes are on a page."""

_MOST_PAGES = 1_000_000
_UNTOLD_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """A page of the ledger.

    Attributes:
        holes: By number, newest first.
        page: Which page that is: the first where there is none of what was asked for any more.
        total: How many there are of those that were asked for.
        counts: How many of all symbols are in each state.
    """

    holes: dict[int, Gap]
    page: int
    total: int
    counts: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which holes are asked for; without any symbol, state or cause all of them."""

    symbols: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    page: int = 0


def ledger(wanted: Wanted, lost: Lost) -> Ledger | None:
    """Return a page of the ledger; None while the database is away.

    A tick costs no statement: it is read when the open holes of a feed became more or fewer, and after half a minute.
    """
    followed = feeds(lost)
    news: object = tuple(sorted((symbol, feed["open_holes"]) for symbol, feed in followed.items()))
    if "redis" in lost:
        news = monotonic() // _UNTOLD_SECONDS
    return database().ask(lambda _: _ledger(url_of("database"), wanted, news), None, lost)


@st.cache_data(ttl=30, max_entries=64, show_spinner=False)
def _ledger(url: str | None, wanted: Wanted, news: object) -> Ledger:
    del news  # other news, another answer
    with database_at(url).transaction() as store:
        named = (wanted.symbols, wanted.states, wanted.causes)
        page = min(wanted.page, _MOST_PAGES)
        holes, total = store.gaps.page(*named, limit=PAGE, offset=page * PAGE)
        if not holes and page:  # there are fewer than there were
            page, (holes, total) = 0, store.gaps.page(*named, limit=PAGE)
        return Ledger(holes=holes, page=page, total=total, counts=dict(store.gaps.counts()))
