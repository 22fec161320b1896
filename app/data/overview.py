"""What is read for the overview: feeds and bots from Redis, and what has no key there from the database, a few times a minute."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from app.data.connections import bus_at, database, database_at, redis, url_of
from app.stores import Lost
from app.words import Feed
from db.repositories.bot_sums import BotGlance
from db.repositories.happenings import Lately

LIVE_SECONDS, STORED_SECONDS, CURVE_SECONDS = 1.5, 15, 60
_RECENT = 12
_LOOKUPS, _FEWEST, _MOST = 2_000, 12, 240
"""A curve costs a look into an index for each bot and moment: many bots have fewer moments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """What Redis says at this moment.

    Attributes:
        feeds: By symbol.
        bots: By id, those that a runner has.
    """

    feeds: dict[str, Feed]
    bots: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What the database says, at most `STORED_SECONDS` old.

    Attributes:
        bots: By id.
        lately: What happened, and how many holes there are.
    """

    bots: list[BotGlance]
    lately: Lately


def now(lost: Lost) -> Now | None:
    """Return what Redis says; all sessions share an answer for a second and a half. None while it is away."""
    return redis().ask(lambda _: _now(url_of("redis")), None, lost)


def stored(lost: Lost) -> Stored | None:
    """Return what the database says; all sessions share an answer. None while it is away."""
    return database().ask(lambda _: _stored(url_of("database")), None, lost)


def worth(ids: Sequence[str], *, end_us: int, span_us: int, lost: Lost) -> pd.DataFrame | None:
    """Return what accounts of bots were worth, see `BotSums.worth`, at most a minute old; None while the database is away."""
    wanted = (tuple(ids), end_us // 60_000_000 * 60_000_000, span_us)
    return database().ask(lambda _: _worth(url_of("database"), *wanted), None, lost)


@st.cache_data(ttl=LIVE_SECONDS, max_entries=4, show_spinner=False)
def _now(url: str | None) -> Now:
    bus = bus_at(url)
    return Now(feeds=bus.feeds(), bots=bus.bots())


@st.cache_data(ttl=STORED_SECONDS, max_entries=4, show_spinner=False)
def _stored(url: str | None) -> Stored:
    with database_at(url).transaction() as store:
        return Stored(bots=store.bots.glance(), lately=store.happenings.lately(_RECENT))


@st.cache_data(ttl=CURVE_SECONDS, max_entries=32, show_spinner=False)
def _worth(url: str | None, ids: tuple[str, ...], end_us: int, span_us: int) -> pd.DataFrame:
    points = min(_MOST, max(_FEWEST, _LOOKUPS // max(1, len(ids))))
    return database_at(url).bots.worth(ids, end_us=end_us, span_us=span_us, points=points)
