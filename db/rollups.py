"""Keeps the rollups up to date: of exactly the 1m rows that are new or changed."""

import logging
from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from db.engine import reachable
from db.repositories.market_data import MarketDataRepository
from db.repositories.rollups import Change, RollupRepository
from db.storage import storage_of
from market.timeframe import BASE

logger = logging.getLogger(__name__)

# Any number that nobody else uses as an advisory lock of this database.
_LOCK = 7_226_411_902


class Refreshed(msgspec.Struct, frozen=True):
    """What a refresh did.

    Attributes:
        changes: Windows of changed 1m rows.
        rows: Rows added or changed (on TimescaleDB: buckets that were looked at), by relation.
        busy: Symbols that somebody wrote to at every attempt; they are left to the next refresh.
    """

    changes: list[Change]
    rows: dict[str, int]
    busy: list[str]


def refresh(engine: sa.Engine, symbols: Iterable[str] | None = None) -> Refreshed | None:
    """Make the rollups of some symbols, or of all, anew where their 1m rows are new or changed; safe to be killed at any time.

    Returns:
        What was done; None while somebody else does it.

    Raises:
        StoreUnreachable: If the database does not answer.
    """
    with reachable(engine), engine.connect() as connection:
        if not connection.scalar(sa.text("select pg_try_advisory_lock(:lock)"), {"lock": _LOCK}):
            return None
        connection.commit()  # the lock is the session's
        try:
            return _refresh(connection, list(MarketDataRepository(connection).symbols() if symbols is None else symbols))
        finally:
            connection.rollback()
            connection.execute(sa.text("select pg_advisory_unlock(:lock)"), {"lock": _LOCK})
            connection.commit()


def _refresh(connection: sa.Connection, symbols: list[str]) -> Refreshed:
    storage, changes, busy = storage_of(connection), [], []
    untils: dict[str, int] = {}
    connection.commit()
    for symbol in symbols:
        until_us = _advance(connection, symbol)
        if until_us is None:
            busy.append(symbol)
            continue
        untils[symbol] = until_us
        changes += RollupRepository(connection).changes(symbol)
        connection.commit()
    rows = storage.roll_up(connection.engine, changes, untils) if changes else {}
    RollupRepository(connection).done(changes)
    connection.commit()
    logger.info(
        "rollups refreshed symbols=%d changes=%d rows=%d busy=%d", len(symbols), len(changes), sum(rows.values()), len(busy)
    )
    return Refreshed(changes, rows, busy)


def _advance(connection: sa.Connection, symbol: str) -> int | None:
    """Move the mark of a symbol to its newest row; return where it is, 0 for a symbol without rows, None if somebody writes."""
    rollups, candles = RollupRepository(connection), MarketDataRepository(connection)
    with connection.begin():
        mark_us = rollups.until_us(symbol)
        first_us, last_us = candles.span(symbol, BASE, mark_us)
        if first_us is None or last_us is None:
            return mark_us or 0
        if last_us == mark_us:
            return mark_us
        return last_us if rollups.advance(symbol, first_us - BASE.width_us, last_us) else None
