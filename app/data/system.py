"""What is read for the system page: how the stores and the flows are."""

from typing import Any

import streamlit as st

from app import scheduled
from app.data.connections import database, database_at, redis, settings, url_of
from app.stores import Lost
from db.home import running_state
from market.clock import monotonic

Stats = dict[str, Any]
"""What `DatabaseOperations.get_stats` returns."""


def redis_answer_ms(lost: Lost) -> float | None:
    """Return how long Redis takes to answer, in milliseconds; None while it is away."""
    begun = monotonic()
    answers = redis().ask(lambda bus: bus.health_check(), False, lost)
    return (monotonic() - begun) * 1_000 if answers else None


def database_stats(lost: Lost) -> Stats | None:
    """Return what the database says about itself, at most five seconds old; None while it is away."""
    return database().ask(lambda _: _stats(url_of("database")), None, lost)


@st.cache_data(ttl=5, show_spinner=False)
def _stats(url: str | None) -> Stats:
    return database_at(url).get_stats()


def scheduler() -> scheduled.Scheduler:
    """Return what there is to see of Prefect, at most five seconds old."""
    flows, running = settings().flows, running_state(settings().home)
    return _scheduler(*scheduled.address(flows.api_url, running), page=flows.page_url)


@st.cache_data(ttl=5, show_spinner=False)
def _scheduler(url: str | None, state: str, *, page: str | None) -> scheduled.Scheduler:
    return scheduled.look(url, state, page=page)
