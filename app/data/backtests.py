"""What is read of backtests: lists, what is shown of a run, its trades, and the candles around one of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pandas as pd
import streamlit as st

from app.data.connections import database, database_at, url_of
from app.stores import Lost
from db import DatabaseOperations
from db.backtest_reads import Looked
from db.backtest_runs import StoredBacktest
from db.stored_spans import Span
from market.clock import isoformat
from market.timeframe import Timeframe

HEAD = (
    "counts", "signals", "lookback", "open", "metric", "sampler", "sets", "space", "anchored", "train_us", "test_us", "step_us",
    "least_trades", "efficiency", "trials", "deflated_sharpe_ratio", "left_out", "failed", "undefined",
)  # fmt: skip
"""Parts of a document that every view of a run needs; they are short."""

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of a list.

    Attributes:
        runs: The newest first.
        count: How many there are in all.
    """

    runs: Sequence[StoredBacktest]
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is shown of a run.

    Attributes:
        kept: Its row.
        document: As `tcpdash backtest --json` prints it, without trades, and with those parts only that were asked for.
    """

    kept: StoredBacktest
    document: dict[str, Any]


def page(looked: Looked, *, newest: int, offset: int, lost: Lost) -> Page | None:
    """Return a part of the list, at most two seconds old; None while the database is away."""
    return _asked(lambda url: _page(url, looked, newest, offset), lost)


def facets(lost: Lost) -> tuple[Sequence[str], Sequence[str]] | None:
    """Return all strategies and symbols that were tried, at most ten seconds old; None while the database is away."""
    return _asked(_facets, lost)


def runs(prefixes: Sequence[str], parts: Sequence[str], lost: Lost) -> list[Run] | None:
    """Return some runs by the begins of their ids, with some parts of their documents; None while the database is away.

    Raises:
        InputError: If one is no begin of an id, or the begin of several.
    """
    return _asked(lambda url: _runs(url, tuple(prefixes), (*HEAD, *parts)), lost)


def begun_by(flow_run: str, lost: Lost) -> StoredBacktest | None:
    """Return the backtest that a run of Prefect began, at most two seconds old; None while it began none."""
    return _asked(lambda url: _begun_by(url, flow_run), lost)


def spans(lost: Lost) -> list[Span] | None:
    """Return from when to when candles are stored, at most half a minute old; None while the database is away."""
    return _asked(_spans, lost)


def largest_trades(backtest: str, *, most: int, lost: Lost) -> pd.DataFrame | None:
    """Return the trades that weigh most; see `db.backtest_reads.largest_trades`. None while the database is away."""
    return _asked(lambda url: _largest_trades(url, backtest, most), lost)


def trade_page(backtest: str, *, offset: int, limit: int, lost: Lost) -> pd.DataFrame | None:
    """Return some trades of a run in the order of their numbers; None while the database is away."""
    return _asked(lambda url: _trade_page(url, backtest, offset, limit), lost)


def candles(symbol: str, timeframe: Timeframe, *, start_us: int, end_us: int, lost: Lost) -> pd.DataFrame | None:
    """Return stored candles; None while the database is away."""
    return _asked(lambda url: _candles(url, symbol, timeframe, start_us, end_us), lost)


def store(lost: Lost) -> DatabaseOperations | None:
    """Return the database for work in a thread; None while it is away."""
    return database().ask(lambda found: found, None, lost)


def _asked(question: Callable[[str | None], _Answer], lost: Lost) -> _Answer | None:
    return database().ask(lambda _: question(url_of("database")), None, lost)


@st.cache_data(ttl=2, max_entries=64, show_spinner=False)
def _page(url: str | None, looked: Looked, newest: int, offset: int) -> Page:
    found, count = database_at(url).backtests.page(looked, newest=newest, offset=offset)
    return Page(runs=found, count=count)


@st.cache_data(ttl=10, max_entries=4, show_spinner=False)
def _facets(url: str | None) -> tuple[Sequence[str], Sequence[str]]:
    return database_at(url).backtests.facets()


@st.cache_data(ttl=5, max_entries=32, show_spinner=False)
def _runs(url: str | None, prefixes: tuple[str, ...], parts: tuple[str, ...]) -> list[Run]:
    found = database_at(url).backtests.several(prefixes, parts=parts)
    return [Run(kept=each, document=_document(each)) for each in found]


@st.cache_data(ttl=2, max_entries=64, show_spinner=False)
def _begun_by(url: str | None, flow_run: str) -> StoredBacktest | None:
    return database_at(url).backtests.of_flow_run(flow_run)


@st.cache_data(ttl=30, max_entries=4, show_spinner=False)
def _spans(url: str | None) -> list[Span]:
    return database_at(url).market_data.spans()


@st.cache_data(ttl=30, max_entries=16, show_spinner=False)
def _largest_trades(url: str | None, backtest: str, most: int) -> pd.DataFrame:
    return database_at(url).backtests.largest_trades(backtest, most=most)


@st.cache_data(ttl=30, max_entries=32, show_spinner=False)
def _trade_page(url: str | None, backtest: str, offset: int, limit: int) -> pd.DataFrame:
    return database_at(url).backtests.trade_page(backtest, offset=offset, limit=limit)


@st.cache_data(ttl=30, max_entries=16, show_spinner=False)
def _candles(url: str | None, symbol: str, timeframe: Timeframe, start_us: int, end_us: int) -> pd.DataFrame:
    return database_at(url).market_data.get_candles(symbol, timeframe, start_us, end_us)


def _document(kept: StoredBacktest) -> dict[str, Any]:
    """Return what is there of the document of a run; `research.backtests.document_of` has all of it."""
    return {
        "id": kept.id, "kind": kept.kind, "strategy": kept.strategy, "parameters": kept.parameters, "symbols": list(kept.symbols),
        "timeframe": kept.timeframe, **kept.settings, "seed": kept.seed, "code_version": kept.code_version,
        "fingerprint": kept.fingerprint, "start": isoformat(kept.start_us), "end": isoformat(kept.end_us),
        "coverage": kept.coverage or [], "final_value": kept.final_value, "total_return": kept.total_return,
        "metrics": kept.metrics or {}, **(kept.report or {}),
    }  # fmt: skip
