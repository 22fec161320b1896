"""Which kind of PostgreSQL a server is; the rest of the program cannot tell."""

import logging
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from db.plain import PlainStorage

logger = logging.getLogger(__name__)

_known: WeakKeyDictionary[sa.Engine, PlainStorage] = WeakKeyDictionary()


def storage_of(connection: sa.Connection) -> PlainStorage:
    """Return how the server of a connection splits and rolls up its tables; asked once for each engine."""
    storage = _known.get(connection.engine)
    if storage is None:
        if has_timescale(connection):
            logger.warning("storage=plain: the server offers TimescaleDB, which this version does not use yet")
        storage = _known.setdefault(connection.engine, PlainStorage())
    return storage


def has_timescale(connection: sa.Connection) -> bool:
    """Return whether the server offers TimescaleDB."""
    return connection.scalar(sa.text("select 1 from pg_available_extensions where name = 'timescaledb'")) is not None
