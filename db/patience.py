"""Connections to PostgreSQL on which nothing is waited for without end: the server gives up what takes long, else we do."""

import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class

from market.clock import monotonic

_GRACE_SECONDS = 5.0  # by so much a server that answers is first
_LOCK_SHARE = 3  # who waits for a lock waits a third of the limit: whoever has it may be at work for minutes
_LOOK_SECONDS = 0.5


def settings_of(limit_seconds: float) -> Mapping[str, int]:
    """Return what a session has to set for the server to give up what takes longer, in milliseconds."""
    limit = round(limit_seconds * 1_000)
    return {"statement_timeout": limit, "lock_timeout": max(1, limit // _LOCK_SHARE)}


def connect_arguments(limit_seconds: float) -> dict[str, Any]:
    """Return arguments of `psycopg2.connect` for connections that are cut when the server says nothing for longer.

    A server that was stopped, or a network that swallows everything, would hold whoever asks for ever: the system says that the
    connection is fine as long as the other end takes bytes.
    """
    watch = _Watch(limit_seconds + _GRACE_SECONDS)

    class WatchedCursor(Cursor):
        def execute(self, *arguments: Any) -> None:
            with watch.over(self.connection):
                super().execute(*arguments)

        def executemany(self, *arguments: Any) -> None:
            with watch.over(self.connection):
                super().executemany(*arguments)

        def copy_expert(self, *arguments: Any, **named: Any) -> None:
            with watch.over(self.connection):
                super().copy_expert(*arguments, **named)

    class WatchedConnection(Connection):
        def commit(self) -> None:
            with watch.over(self):
                super().commit()

        def rollback(self) -> None:
            with watch.over(self):
                super().rollback()

    return {"connection_factory": WatchedConnection, "cursor_factory": WatchedCursor}


class _Watch:
    """Cuts connections that wait for too long, from a thread that is there while something is waited for."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._due: dict[int, tuple[float, Connection]] = {}
        self._runs = False

    @contextmanager
    def over(self, connection: Connection) -> Iterator[None]:
        """Cut a connection when the block takes too long."""
        key = id(connection)
        try:
            with self._lock:
                self._due[key] = monotonic() + self._seconds, connection
                if not self._runs:
                    threading.Thread(target=self._run, name="patience", daemon=True).start()
                    self._runs = True
            yield
        finally:
            with self._lock:
                self._due.pop(key, None)

    def _run(self) -> None:
        idle = threading.Event()
        while True:
            idle.wait(_LOOK_SECONDS)
            with self._lock:
                now = monotonic()
                for _, connection in [each for each in self._due.values() if each[0] <= now]:
                    _cut(connection)
                if not self._due:
                    self._runs = False
                    return


def _cut(connection: Connection) -> None:
    """Let whoever waits for a connection hear that it is gone; the other end need not answer for that."""
    with suppress(OSError, psycopg2.Error), socket.socket(fileno=os.dup(connection.fileno())) as other:
        other.shutdown(socket.SHUT_RDWR)
