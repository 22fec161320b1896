"""What takes too long is given up, by the server or, where that says nothing, by cutting the connection."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from db import patience
from db.engine import create_engine, reachable, transaction
from market.clock import monotonic
from market.errors import StoreUnreachable

pytestmark = pytest.mark.postgres


@pytest.fixture
def hasty(database_url: str) -> Iterator[sa.Engine]:
    engine = create_engine(database_url, limit_seconds=0.6)
    yield engine
    engine.dispose()


class Swallowing:
    """Hands on connections to a server until it is told to be silent, and takes bytes without a word from then on."""

    def __init__(self, url: str) -> None:
        self._to, self.silent = urlsplit(url), threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._opened: list[socket.socket] = [self._listening]
        self.url = url.replace(f":{self._to.port}/", f":{self._listening.getsockname()[1]}/")
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                client, server = self._listening.accept()[0], socket.create_connection((self._to.hostname, self._to.port))
                self._opened += client, server
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._hand_on, args=pair, daemon=True).start()

    def _hand_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while part := one.recv(65_536):
                if not self.silent.is_set():
                    other.sendall(part)

    def close(self) -> None:
        for each in self._opened:
            each.close()


def test_a_statement_that_takes_too_long_is_given_up(hasty: sa.Engine) -> None:
    begun = monotonic()

    with pytest.raises(StoreUnreachable, match="statement timeout"), reachable(hasty), hasty.connect() as connection:
        connection.execute(sa.text("select pg_sleep(60)"))

    assert monotonic() - begun < 30


def test_a_lock_is_not_waited_for_without_end(hasty: sa.Engine, engine: sa.Engine) -> None:
    with engine.begin() as other:
        other.execute(sa.text("lock table bots in access exclusive mode"))

        with pytest.raises(StoreUnreachable, match="lock timeout"), transaction(hasty) as store:
            store.bots.lines()


def test_a_server_that_says_nothing_any_more_is_given_up(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_GRACE_SECONDS", 0.5)
    with closing(Swallowing(database_url)) as between:
        engine = create_engine(between.url, limit_seconds=0.5)
        with transaction(engine) as store:
            assert store.bots.lines() == []
        between.silent.set()
        begun = monotonic()

        with pytest.raises(StoreUnreachable, match="does not answer"), transaction(engine) as store:
            store.bots.lines()

        assert monotonic() - begun < 60
        engine.dispose()


def test_what_is_answered_in_time_goes_on_for_as_long_as_it_likes(hasty: sa.Engine) -> None:
    with hasty.connect() as connection, closing(connection.connection.cursor()) as cursor:
        for _ in range(12):
            cursor.execute("select pg_sleep(0.1)")

        assert connection.scalar(sa.text("select 1")) == 1


def test_a_thread_that_could_not_be_started_is_tried_again_and_nothing_is_left_to_be_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    watch, real = patience._Watch(60.0), threading.Thread.start
    started: list[threading.Thread] = []

    def note(thread: threading.Thread) -> None:
        started.append(thread)

    def fail(_: threading.Thread) -> None:
        monkeypatch.setattr(threading.Thread, "start", note)
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fail)
    with pytest.raises(RuntimeError), watch.over(cast("Any", object())):
        pass

    assert not watch._due
    with watch.over(cast("Any", object())):
        assert len(watch._due) == 1
    monkeypatch.setattr(threading.Thread, "start", real)
    assert [each.name for each in started] == ["patience"]
