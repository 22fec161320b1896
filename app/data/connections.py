"""Where the pages' data comes from: the settings and the two stores, held once by all sessions."""

import streamlit as st

from app.stores import Store
from db import Bus, DatabaseOperations, schema
from db.engine import create_engine
from db.home import running_state
from market.errors import StoreUnreachable
from settings import Settings, load_settings

LIMIT_SECONDS = 15.0
"""A statement that takes longer is given up, so that a page says what is wrong instead of waiting."""


@st.cache_resource(show_spinner=False)
def settings() -> Settings:
    """Return the settings; they are read once.

    Raises:
        ValueError: If they cannot be used.
    """
    return load_settings()


def database() -> Store[DatabaseOperations]:
    """Return the database that the settings name, else that of the system that runs in the home."""
    return _database_store(url_of("database"))


def redis() -> Store[Bus]:
    """Return the Redis that the settings name, else that of the system that runs in the home."""
    return _redis_store(url_of("redis"))


def url_of(store: str) -> str | None:
    """Return the address of `database` or `redis`: that in the settings, else that of the system that runs in the home."""
    section = settings().database if store == "database" else settings().redis
    if section.url is not None:
        return section.url.get_secret_value()
    state = running_state(settings().home) or {}
    url: str | None = state.get("postgres" if store == "database" else "redis", {}).get("url")
    return url


def database_at(url: str | None) -> DatabaseOperations:
    """Return the database at an address, for reads that are cached by it.

    Who waited for another session's read that was in vain does not try it again.

    Raises:
        StoreUnreachable: If there is no address, or it is left alone for a while.
    """
    _database_store(url).check()
    return database_for_threads(url)


@st.cache_resource(max_entries=4, show_spinner=False, on_release=DatabaseOperations.close)
def database_for_threads(url: str | None) -> DatabaseOperations:
    """Return the database at an address, for reads that no session waits for.

    Raises:
        StoreUnreachable: If there is no address.
    """
    return DatabaseOperations(create_engine(known(url), application_name="tcpdash app", limit_seconds=LIMIT_SECONDS))


@st.cache_resource(max_entries=4, show_spinner=False)
def _database_store(url: str | None) -> Store[DatabaseOperations]:
    def connect() -> DatabaseOperations:
        found = database_for_threads(url)
        schema.check(found.engine)
        return found

    return Store("database", connect)


@st.cache_resource(max_entries=4, show_spinner=False)
def _redis_store(url: str | None) -> Store[Bus]:
    return Store("redis", lambda: _bus(url))


def bus_at(url: str | None) -> Bus:
    """Return the Redis at an address, for reads that are cached by it; see `database_at`.

    Raises:
        StoreUnreachable: If there is no address, or it is left alone for a while.
    """
    _redis_store(url).check()
    return _bus(url)


@st.cache_resource(max_entries=4, show_spinner=False, on_release=Bus.close)
def _bus(url: str | None) -> Bus:
    return Bus(known(url))


def known(url: str | None) -> str:
    """Return an address.

    Raises:
        StoreUnreachable: If there is none.
    """
    if url is None:
        raise StoreUnreachable(
            f"nothing runs on {settings().home}; start `tcpdash up`, or set TCPDASH_DATABASE__URL and TCPDASH_REDIS__URL"
        )
    return url
