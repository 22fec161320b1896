"""Who follows a symbol: one worker at a time, for two memories of one minute would overwrite each other."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from db.engine import reachable

# Any number that nobody else uses as the first half of an advisory lock of this database.
_LOCK = 72_265

_CLAIM = "select symbol from unnest(cast(:symbols as text[])) as symbol where not pg_try_advisory_lock(:lock, hashtext(symbol))"


class SymbolOwner:
    """Holds symbols of one database for this process: locks of a session, which end with the process however it ends.

    Args:
        engine: Of the database; one connection of it is kept open.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._connection: sa.Connection | None = None
        self._symbols: list[str] = []

    def claim(self, symbols: Iterable[str]) -> list[str]:
        """Claim symbols; return those that somebody else holds.

        Raises:
            StoreUnreachable: If the database does not answer.
        """
        wanted = [symbol for symbol in symbols if symbol not in self._symbols]
        with self._session() as connection:
            refused = list(connection.scalars(sa.text(_CLAIM), {"symbols": wanted, "lock": _LOCK}))
        self._symbols += [symbol for symbol in wanted if symbol not in refused]
        return refused

    def renew(self) -> list[str]:
        """Make sure that the symbols are still held, after the server was away too; return those that somebody else took.

        Raises:
            StoreUnreachable: If the database does not answer.
        """
        if self._connection is not None:
            with self._session() as connection:
                connection.execute(sa.text("select 1"))
            return []
        symbols, self._symbols = self._symbols, []
        return self.claim(symbols)

    def close(self) -> None:
        """Let go of all symbols."""
        self._symbols = []
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
