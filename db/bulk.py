"""Bulk rows in and out of PostgreSQL: COPY on the connection of a transaction."""

import io
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any

import psycopg2.errors
import sqlalchemy as sa

from market.errors import StoreError

_CHUNK = 1 << 20


class RowsExist(StoreError):
    """Raised when rows that were said to be new are stored already; none of them was written."""


class _Pieces:
    """An iterable of bytes as the file that psycopg2 reads from; it takes pieces of any size.

    Attributes:
        broken: What the iterable raised, for psycopg2 says of it only that something was.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self.broken: BaseException | None = None

    def read(self, _size: int = -1) -> bytes:
        try:
            return next(self._pieces, b"")
        except BaseException as error:
            self.broken = error
            raise


def copy_in(connection: sa.Connection, table: str, columns: Sequence[str], *, data: Iterable[bytes]) -> None:
    """Write a COPY BINARY file, given in pieces, into a table.

    Raises:
        RowsExist: If a key is taken. The transaction can go on only if the caller set a savepoint.
        BaseException: What making the data raises, Ctrl-C among it; then nothing is written.
    """
    pieces = _Pieces(data)
    with _cursor(connection) as cursor:
        try:
            cursor.copy_expert(f"copy {table} ({_list(columns)}) from stdin (format binary)", pieces)
        except psycopg2.errors.UniqueViolation as error:
            raise RowsExist(f"{table} has some of these rows already: {error.diag.message_detail}") from error
        except psycopg2.errors.QueryCanceled:
            if pieces.broken is not None:
                raise pieces.broken from None
            raise


def copy_out(connection: sa.Connection, query: str, parameters: Mapping[str, object]) -> bytes:
    """Return the rows of a query as a COPY BINARY file.

    Args:
        connection: Of a transaction.
        query: With `%(name)s` where a parameter goes.
        parameters: Their values.
    """
    sink = io.BytesIO()
    with _cursor(connection) as cursor:
        filled = cursor.mogrify(query, parameters).decode()
        cursor.copy_expert(f"copy ({filled}) to stdout (format binary)", sink, _CHUNK)
    return sink.getvalue()


def stage(connection: sa.Connection, table: str, columns: Sequence[str], *, data: Iterable[bytes]) -> str:
    """Write a COPY BINARY file, given in pieces, into a temporary twin of a table, emptied at the commit; return its name."""
    twin = f"staged_{table}"
    with _cursor(connection) as cursor:
        cursor.execute(f"create temporary table if not exists {twin} (like {table} including defaults) on commit delete rows")
        cursor.execute(f"delete from {twin}")  # noqa: S608 - a name of ours
    copy_in(connection, twin, columns, data=data)
    return twin


def _cursor(connection: sa.Connection) -> closing[Any]:
    return closing(connection.connection.cursor())


def _list(columns: Sequence[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)
