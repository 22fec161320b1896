"""What is read of the ledger of holes."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from app.data.connections import database, database_at, url_of
from app.stores import Lost
from db.repositories.gaps import Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Holes:
    """What the ledger of holes says.

    Attributes:
        counts: How many are in each state; states without any are left out.
        newest: The newest ones, newest first.
    """

    counts: Mapping[str, int]
    newest: list[Gap]


def holes(lost: Lost, newest: int = 20) -> Holes | None:
    """Return what the ledger of holes says, at most five seconds old; None while the database is away."""
    return database().ask(lambda _: _holes(url_of("database"), newest), None, lost)


@st.cache_data(ttl=5, show_spinner=False)
def _holes(url: str | None, newest: int) -> Holes:
    gaps = database_at(url).gaps
    return Holes(counts=gaps.counts(), newest=gaps.list(newest=newest)[::-1])
