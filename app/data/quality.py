"""What is read of quality: runs of checks, what came of one, and how candles compare with the venues' own."""

from dataclasses import dataclass, replace
from typing import Any

import msgspec
import streamlit as st

from app.data.connections import database, database_at, url_of
from app.data.flows import tables_left
from app.stores import Lost
from db.repositories.backfills import Conflict
from db.repositories.quality import Match, QualityResult, QualityRun

_RUNS, _CONFLICTS, _COMPARISONS = 300, 50, 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What checks found.

    Attributes:
        runs: The newest 300, oldest first, without their results.
        matches: How samples of candles compared with the venue's own, oldest first.
        conflicts: The newest 50 candles that are proven whole and differ from the venue's own, oldest first.
    """

    runs: list[QualityRun]
    matches: list[Match]
    conflicts: list[Conflict]


def quality(symbol: str | None, lost: Lost) -> Quality | None:
    """Return what checks found of a symbol, or of all, at most fifteen seconds old; None while the database is away."""
    return database().ask(lambda _: _quality(url_of("database"), symbol), None, lost)


def with_results(run: QualityRun, lost: Lost) -> QualityRun | None:
    """Return a run with what came of its rules; None while the database is away."""
    return database().ask(lambda _: replace(run, results=_results(url_of("database"), run.id, run.state)), None, lost)


def comparisons(symbol: str | None) -> list[dict[str, Any]]:
    """Return what the flow `reconcile` found of a symbol, or of all, newest first; none while Prefect is away.

    Returns:
        As `history.reconcile.Reconciled.row` has it, and `at`: when it was found, ISO 8601.
    """
    rows = [{**row, "at": at} for at, text in tables_left("reconcile", _COMPARISONS) for row in _rows(text)]
    return [row for row in rows if symbol in {None, row["symbol"]}]


def _rows(text: Any) -> list[dict[str, Any]]:
    try:
        found = msgspec.json.decode(text) if isinstance(text, str) else text
    except msgspec.DecodeError:
        return []
    needed = {"symbol", "from", "to", "compared", "differing", "match_rate", "unproven", "missing"}
    return [row for row in found if isinstance(row, dict) and needed <= row.keys()] if isinstance(found, list) else []


@st.cache_data(ttl=15, max_entries=16, show_spinner=False)
def _quality(url: str | None, symbol: str | None) -> Quality:
    with database_at(url).transaction() as store:
        return Quality(
            runs=list(store.quality.list(symbol, newest=_RUNS)), matches=list(store.quality.matches(symbol, newest=_RUNS)),
            conflicts=list(store.backfills.conflicts(symbol, newest=_CONFLICTS)),
        )  # fmt: skip


@st.cache_data(ttl=60, max_entries=32, show_spinner=False)
def _results(url: str | None, number: int, state: str) -> tuple[QualityResult, ...]:
    del state  # there are some as soon as it is done
    return database_at(url).quality.results(number)
