"""What one process may do at a time, for as long as it lives: follow a symbol, backfill it, run a backtest."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from db.engine import reachable
from db.purposes import Purpose

__all__ = ["Claims", "Purpose"]

_CLAIM = "select name from unnest(cast(:names as text[])) as name where not pg_try_advisory_lock(:lock, hashtext(name))"


class Claims:
    """Names of one database that this process holds: locks of a session, which end with the process however it ends.

    Args:
        engine: Of the database; one connection of it is kept open.
        purpose: What they are claimed for.
    """

    def __init__(self, engine: sa.Engine, purpose: Purpose) -> None:
        self._engine, self._purpose = engine, purpose
        self._connection: sa.Connection | None = None
        self._names: list[str] = []

    def claim(self, names: Iterable[str]) -> list[str]:
        """Claim names; return those that somebody else holds.

        Raises:
            StoreUnreachable: If the database does not answer.
        """
        wanted = [name for name in names if name not in self._names]
        with self._session() as connection:
            refused = list(connection.scalars(sa.text(_CLAIM), {"names": wanted, "lock": int(self._purpose)}))
        self._names += [name for name in wanted if name not in refused]
        return refused

    def renew(self) -> list[str]:
        """Make sure that the names are still held, after the server was away too; return those that somebody else took.

        Raises:
            StoreUnreachable: If the database does not answer.
        """
        if self._connection is not None:
            with self._session() as connection:
                connection.execute(sa.text("select 1"))
            return []
        names, self._names = self._names, []
        return self.claim(names)

    def close(self) -> None:
        """Let go of all names."""
        self._names = []
        self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()  # closed and not pooled, where it would hold the locks
            connection.close()

    @contextmanager
    def _session(self) -> Iterator[sa.Connection]:
        with reachable(self._engine):
            if self._connection is None:
                self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            try:
                yield self._connection
            except BaseException:
                self._drop()
                raise
