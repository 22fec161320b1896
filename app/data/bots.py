"""What is read of bots: what is stored of them is held, what they do now comes from Redis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import streamlit as st

from app.bots.seen import Live, Seen, day_of, seen
from app.charts.house import MAX_POINTS
from app.data.background import Behind, Heard
from app.data.connections import database, database_for_threads, redis, url_of
from app.data.kept import Kept
from app.data.live import feeds
from app.stores import Lost
from app.words import Feed
from db import DatabaseOperations
from db.bot_rows import OrderRow, StoredBot
from db.repositories.bot_pages import BotLine, Curve, Kind
from market.clock import now_us
from market.errors import InputError
from market.timeframe import parse_timeframe
from trading.bots.holdings import Audit, audit

PAGE_ROWS = 50
MOST_PAGES = 2_000

_AGAIN_SECONDS = 15.0
_CURVE_SECONDS = 20.0
_LEDGER_SECONDS, _LEDGER_KEPT_SECONDS = 2.0, 300.0
_MOST_CANDLES, _BEFORE = 240, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """All bots.

    Attributes:
        bots: By id; None where they could not be read yet.
        lost: Stores that are away.
    """

    bots: list[Seen] | None
    lost: Lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Rows of one page of what a bot wrote, newest first; `more` says whether there are older ones."""

    rows: list[Any]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """The curve of an account, and its working orders."""

    curve: Curve
    orders: list[OrderRow]


def board() -> Board:
    """Return all bots as they are; the database is read when Redis says that something changed, and every 15 seconds."""
    lost: Lost = {}
    live, followed = _live(lost), feeds(lost)
    lines = _lines().get(url_of("database"), _version(live), lambda: database().ask(lambda store: store.bots.lines(), None, lost))
    return Board(bots=None if lines is None else [_seen(line, live, followed) for line in lines], lost=lost)


def one(bot: str, lost: Lost) -> Seen | None:
    """Return one bot with its account; None where there is none of that id, or it could not be read yet."""
    live, followed = _live(lost), feeds(lost)
    own = {bot: live[bot]} if bot in live else {}
    line = _line().get(
        (url_of("database"), bot), _version(own), lambda: database().ask(lambda store: _found(store, bot), None, lost)
    )
    return None if not isinstance(line, BotLine) else _seen(line, live, followed)


def worth(shown: Seen, lost: Lost) -> Worth | None:
    """Return what the account of a bot was worth and what it has working, at most 20 seconds old."""
    bot = shown.line.bot
    version = (bot.state, bot.wanted, bot.acted_until_us is None)
    return _worths().get(
        (url_of("database"), bot.id, bot.created_us, bot.run),
        version,
        lambda: database().ask(lambda store: _worth(store, shown), None, lost),
    )


def page_of(kind: Kind, bot: str, number: int, lost: Lost, *, run: int, acted: bool = False) -> Page | None:
    """Return a page of what a bot wrote, from 1, the newest first; None while the database is away."""
    skipped = (min(max(number, 1), MOST_PAGES) - 1) * PAGE_ROWS

    def ask(store: DatabaseOperations) -> list[Any]:
        return list(store.bots.page(kind, bot, run=run, size=PAGE_ROWS + 1, skipped=skipped, acted=acted))

    rows = database().ask(ask, None, lost)
    return None if rows is None else Page(rows=rows[:PAGE_ROWS], more=len(rows) > PAGE_ROWS)


def is_newer(kind: Kind, bot: Seen, shown: Sequence[Any], lost: Lost, *, run: int, acted: bool = False) -> bool:
    """Return whether a bot wrote something newer; the database is asked when it acted again, and every 15 seconds.

    Args:
        kind: What.
        bot: The bot.
        shown: The newest row that is shown, or nothing.
        lost: Gets the stores that are away.
        run: Number of the account.
        acted: Of signals only those that an order came of.
    """
    key = (url_of("database"), bot.id, bot.line.bot.created_us, run, kind, acted, repr(shown))

    def ask() -> bool | None:
        found = database().ask(lambda store: store.bots.page(kind, bot.id, run=run, size=1, acted=acted), None, lost)
        return None if found is None else bool(found) and found != [*shown]

    return bool(_newer().get(key, bot.acted_until_us, ask))


def candles_around(symbol: str, timeframe: str, moments_us: Sequence[int], lost: Lost) -> pd.DataFrame | None:
    """Return the candles of a symbol over some moments, and a few before, 240 at most; None while the database is away."""
    width = parse_timeframe(timeframe)
    until_us = max(moments_us)
    start_us = max(min(moments_us) - _BEFORE * width.width_us, until_us - (_MOST_CANDLES - 1) * width.width_us)
    return database().ask(lambda store: store.market_data.get_candles(symbol, width, start_us, until_us), None, lost)


def changed() -> None:
    """Let what is held of bots be read again, as this page changed something."""
    for kept in (_lines(), _line(), _worths()):
        kept.expire()


def ledger(shown: Seen) -> Heard[Audit]:
    """Return whether the ledger of a bot that has an account adds up, as it was found last, which says how many entries it is of.

    It is looked at again when something was booked since, also where that happens all the time.
    """
    bot = shown.line.bot
    known = _ledger(url_of("database"), (bot.id, bot.created_us, bot.run), bot)
    heard = known.look()
    if heard.failed:
        return known.look(oldest_seconds=_AGAIN_SECONDS)
    if heard.answer is not None and heard.answer.entries < (bot.account or {}).get("entry", 0):
        return known.look(oldest_seconds=_LEDGER_SECONDS)
    return heard


def _live(lost: Lost) -> Mapping[str, Live]:
    return redis().ask(lambda bus: bus.bots(), None, lost) or {}


def _seen(line: BotLine, live: Mapping[str, Live], followed: Mapping[str, Feed]) -> Seen:
    return seen(line, live.get(line.bot.id), followed, at_us=now_us())


def _version(live: Mapping[str, Live]) -> tuple[tuple[str, str, int], ...]:
    """Return what of the words of runners lets the database be read again: other bots, other states, another day."""
    return tuple((bot, str(state["state"]), day_of(int(state["acted_until_us"]))) for bot, state in sorted(live.items()))


def _found(store: DatabaseOperations, bot: str) -> "BotLine | str":
    try:
        return store.bots.line(bot)
    except InputError:
        return "none"


def _worth(store: DatabaseOperations, shown: Seen) -> Worth:
    bot = shown.line.bot
    with store.transaction() as both:
        curve = both.bots.curve(bot.id, run=bot.run, most=MAX_POINTS)
        return Worth(curve=curve, orders=both.bots.working_orders(bot.id))


def _audited(store: DatabaseOperations, bot: StoredBot) -> Audit:
    posted = store.bots.posted(bot.id)
    return audit(replace(bot, account=posted.account, equity=posted.equity), posted.balances, posted.entries, posted.unbalanced)


@st.cache_resource(show_spinner=False)
def _lines() -> Kept[list[BotLine]]:
    return Kept(_AGAIN_SECONDS)


@st.cache_resource(show_spinner=False)
def _line() -> "Kept[BotLine | str]":
    return Kept(_AGAIN_SECONDS)


@st.cache_resource(show_spinner=False)
def _newer() -> Kept[bool]:
    return Kept(_AGAIN_SECONDS)


@st.cache_resource(show_spinner=False)
def _worths() -> Kept[Worth]:
    return Kept(_CURVE_SECONDS)


@st.cache_resource(max_entries=64, show_spinner=False)
def _ledger(url: str | None, account: tuple[str, int, int], _row: StoredBot) -> Behind[Audit]:  # noqa: ARG001 - each has a ledger
    store = database_for_threads(url)
    return Behind("ledger", lambda: _audited(store, _row), fresh_seconds=_LEDGER_KEPT_SECONDS)
