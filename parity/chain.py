"""The live path as processes of their own on a home of its own: servers, local exchange, worker and runners of bots."""

import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from db import child
from db.embedded import PostgresServer, RedisServer
from db.operations import DatabaseOperations, get_database_operations
from db.schema import upgrade
from market.errors import PlatformError
from parity.tapes import Played

_TCPDASH = (sys.executable, "-m", "cli")
_OVER = "the tape is over"
_OPEN_SECONDS, _STOP_SECONDS = 60.0, 20.0


class ChainBroken(PlatformError):
    """Raised when a process of the live path ended, or did not come to where it should have in time."""


class Chain:
    """The processes of one tape; those that are started here end with it.

    Args:
        home: An empty folder.
        played: The tape.
        postgres: A running server.
        redis: Likewise.

    Attributes:
        db: The store.
        folder: Of the bots' files.
    """

    def __init__(self, home: Path, played: Played, postgres: PostgresServer, redis: RedisServer) -> None:
        self._home, self._played = home, played
        self.db: DatabaseOperations = get_database_operations(postgres.url)
        self.folder = home / "bots"
        self._port, venue = child.free_port(), f"TCPDASH_VENUES__{played.source.venue}"
        self._environment: Mapping[str, str] = {
            "TCPDASH_HOME": str(home), "TCPDASH_CONFIG": "", "TCPDASH_DATABASE__URL": postgres.url, "TCPDASH_REDIS__URL": redis.url,
            "TCPDASH_STREAM__EXCHANGE": played.source.venue.lower(), "TCPDASH_STREAM__SYMBOLS": ",".join(played.symbols),
            "TCPDASH_BOTS__FOLDER": str(self.folder), f"{venue}__STREAM_URL": f"ws://127.0.0.1:{self._port}",
            f"{venue}__REST_URL": f"http://127.0.0.1:{self._port}", f"{venue}__CHANNEL": played.source.channel,
        }  # fmt: skip
        self._processes: dict[str, child.Process] = {}

    def start_feed(self) -> None:
        """Start the local exchange and the worker; with its first subscription the tape begins."""
        played = self._played
        faults = [word for fault in played.faults for word in ("--fault", fault)]
        words = [",".join(map(str, played.files)), "--exchange", played.source.venue.lower(), "--port", str(self._port)]
        self._start("exchange", "replay", *words, "--speed", f"{played.speed:g}", *faults, "--seed", str(played.seed))
        if not child.wait_until(self._is_open, _OPEN_SECONDS):
            raise ChainBroken(f"the local exchange did not open:\n{self.log('exchange')}")
        self._start("worker", "stream")

    def start_runner(self, name: str) -> None:
        """Start a runner of bots."""
        self._start(name, "bots", "run", "--name", name)

    def kill(self, name: str) -> None:
        """End a process without a word."""
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def stop(self, name: str) -> None:
        """End a process in good order, if it runs."""
        if name in self._processes:
            child.stop(self._processes.pop(name), (signal.SIGTERM,), patience_seconds=_STOP_SECONDS)

    def is_over(self) -> bool:
        """Return whether the tape is over.

        Raises:
            ChainBroken: If a process ended.
        """
        self.check()
        return _OVER in self._file("exchange").read_text(encoding="utf-8", errors="replace")

    def check(self) -> None:
        """Refuse to go on without one of the processes.

        Raises:
            ChainBroken: If one ended.
        """
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise ChainBroken(f"the process {name} ended with {process.poll()}:\n{self.log(name)}")

    def log(self, name: str) -> str:
        """Return the last lines that a process said."""
        return child.tail(self._file(name), 0, lines=30)

    def close(self) -> None:
        """End all processes."""
        for name in reversed(list(self._processes)):
            self.stop(name)
        self.db.close()

    def _start(self, name: str, *words: str) -> None:
        self._processes[name] = child.spawn([*_TCPDASH, *words], self._file(name), environment=self._environment)

    def _file(self, name: str) -> Path:
        return self._home / "logs" / f"{name}.out.log"

    def _is_open(self) -> bool:
        self.check()
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self._port)) == 0


@contextmanager
def chain(home: Path, played: Played) -> Iterator[Chain]:
    """Start the servers of a chain; all of it ends with the block.

    Raises:
        PlatformError: If a server does not start, or the tape cannot be read.
    """
    postgres, redis = PostgresServer(home / "postgres", durable=False), RedisServer(home / "redis", durable=False)
    try:
        postgres.start()
        redis.start()
        upgrade(postgres.url)
        found = Chain(home, played, postgres, redis)
        try:
            yield found
        finally:
            found.close()
    finally:
        redis.stop()
        postgres.stop()
