"""Which kind of PostgreSQL a server is; the rest of the program cannot tell."""

from weakref import WeakKeyDictionary

import sqlalchemy as sa

from db import timescale
from db.plain import PlainStorage
from db.timescale import TimescaleStorage

Storage = PlainStorage | TimescaleStorage

_known: WeakKeyDictionary[sa.Engine, Storage] = WeakKeyDictionary()

# What a migration made of the tables says what they are: a server may have been given TimescaleDB afterwards.
_IS_PARTITIONED = "select relkind = 'p' from pg_class where oid = to_regclass('market_data')"


def storage_of(connection: sa.Connection) -> Storage:
    """Return how the database of a connection splits and rolls up its tables; asked once for each engine that has tables."""
    storage = _known.get(connection.engine)
    if storage is not None:
        return storage
    partitioned = connection.scalar(sa.text(_IS_PARTITIONED))
    storage = TimescaleStorage() if partitioned is False else PlainStorage()
    return storage if partitioned is None else _known.setdefault(connection.engine, storage)


def unused_timescale(connection: sa.Connection) -> str | None:
    """Return why the tables do without a TimescaleDB that the server has; None where they use it, or there is none."""
    return None if isinstance(storage_of(connection), TimescaleStorage) else timescale.unused(connection)


def has_timescale(connection: sa.Connection) -> bool:
    """Return whether the server offers TimescaleDB."""
    return connection.scalar(sa.text("select 1 from pg_available_extensions where name = 'timescaledb'")) is not None
