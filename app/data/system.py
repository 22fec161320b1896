"""What is read for the system page: processes, workers and runners, the stores, the flows, wishes and settings."""

import os
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import streamlit as st

from app import components
from app.data.background import Behind
from app.data.connections import bus_at, database, database_at, redis, settings, url_of
from app.masking import Mask
from app.scheduler import standings as scheduled
from app.stores import Lost
from app.words import NOTHING
from db.condition import Condition
from db.home import running_state
from db.repositories.bot_sums import BotRunner
from db.repositories.wishes import Wish
from market.clock import monotonic, now_us
from settings.explain import Setting, explain, secrets_of
from settings.load import BadSettings

FLOWS_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisCondition:
    """What Redis says about itself.

    Attributes:
        info: By the names of its command INFO.
        answer_ms: How long that took, in milliseconds.
    """

    info: dict[str, Any]
    answer_ms: float


def redis_condition(lost: Lost) -> RedisCondition | None:
    """Return what Redis says about itself, at most two seconds old; None while it is away."""
    return redis().ask(lambda _: _redis_condition(url_of("redis")), None, lost)


def database_condition(lost: Lost) -> Condition | None:
    """Return what the database says about itself, at most ten seconds old; None while it is away."""
    return database().ask(lambda _: _database_condition(url_of("database")), None, lost)


def runners(lost: Lost) -> list[BotRunner] | None:
    """Return who runs bots, at most ten seconds old; None while the database is away."""
    return database().ask(lambda _: _runners(url_of("database")), None, lost)


def wishes(lost: Lost, *, before: int | None, size: int) -> list[Wish] | None:
    """Return a page of the record of wishes, newest first, at most two seconds old; None while the database is away.

    Args:
        lost: Takes the reason.
        before: The number above the page; None for the newest.
        size: So many at most.
    """
    return database().ask(lambda _: _wishes(url_of("database"), before, size), None, lost)


@st.cache_data(ttl=3, max_entries=4, show_spinner=False)
def component_table(home: str, pids: tuple[tuple[str, int], ...], restarts: tuple[tuple[str, int], ...]) -> pd.DataFrame:
    """Return one row for each process of this home, at most three seconds old; see `components.component_table`."""
    del home  # the numbers of processes are those of one home
    return components.component_table(dict(pids), now_us(), restarts=dict(restarts))


def scheduler(*, wait_seconds: float = 0.2) -> scheduled.Scheduler:
    """Return what there is to see of Prefect, about five seconds old; who asks first waits no longer than they say."""
    flows, running = settings().flows, running_state(settings().home)
    heard = _scheduler(*scheduled.address(flows.api_url, running), flows.page_url).look(wait_seconds=wait_seconds)
    if heard.answer is None:
        return scheduled.Scheduler(None, f"{heard.failed}." if heard.failed else "Prefect is being asked …")
    return heard.answer


def explained() -> tuple[list[Setting], str]:
    """Return the settings of this process one by one, and why nothing is known of the file by now; empty where it can be read."""
    try:
        return explain(settings()), ""
    except BadSettings as error:
        known = explain(settings(), environment={"TCPDASH_CONFIG": os.devnull})
        return [replace(each, source=NOTHING, pending=None) for each in known], str(error)


@st.cache_resource(show_spinner=False)
def mask() -> Mask:
    """Return what takes the secrets of the settings out of texts."""
    return Mask(secrets_of(settings()))


@st.cache_data(ttl=2, max_entries=4, show_spinner=False)
def _redis_condition(url: str | None) -> RedisCondition:
    bus, begun = bus_at(url), monotonic()
    info = bus.info()
    return RedisCondition(info=info, answer_ms=(monotonic() - begun) * 1_000)


@st.cache_data(ttl=10, max_entries=4, show_spinner=False)
def _database_condition(url: str | None) -> Condition:
    return database_at(url).condition()


@st.cache_data(ttl=10, max_entries=4, show_spinner=False)
def _runners(url: str | None) -> list[BotRunner]:
    return database_at(url).bots.runners()


@st.cache_data(ttl=2, max_entries=64, show_spinner=False)
def _wishes(url: str | None, before: int | None, size: int) -> list[Wish]:
    return database_at(url).wishes.list(newest=size, before=before)[::-1]


@st.cache_resource(max_entries=4, show_spinner=False)
def _scheduler(url: str | None, state: str, page: str | None) -> Behind[scheduled.Scheduler]:
    return Behind("scheduler", lambda: scheduled.look(url, state, page=page), fresh_seconds=FLOWS_SECONDS)
