"""What is read of storage: sizes, rows, how far back, and what comes in a day."""

import shutil
from dataclasses import dataclass

import streamlit as st

from app.data.connections import database, database_at, settings, url_of
from app.stores import Lost
from db.home import running_state
from db.usage import Usage


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk that the home is on, in bytes."""

    free: int
    whole: int


def stored(lost: Lost) -> Usage | None:
    """Return what is stored, at most half a minute old; None while the database is away."""
    return database().ask(lambda _: _usage(url_of("database")), None, lost)


def disk() -> Disk | None:
    """Return the disk of the database; None where that is not this computer's own."""
    home = settings().home
    if url_of("database") != (running_state(home) or {}).get("postgres", {}).get("url"):
        return None
    try:
        found = shutil.disk_usage(home)
    except OSError:
        return None
    return Disk(found.free, found.total)


@st.cache_data(ttl=30, show_spinner=False)
def _usage(url: str | None) -> Usage:
    return database_at(url).get_usage()
