"""A home with a year of minutes of ten symbols and all else that pages show; filled once, and kept in the temporary folder."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import sqlalchemy as sa

from bench.figures import note
from db import DatabaseOperations, child, get_database_operations, schema
from db.embedded import PostgresServer, RedisServer
from market.clock import now_us
from tests.app.full import candles
from tests.app.full.candles import fill_candles
from tests.app.full.fill import fill
from tests.app.full.live import Mover

DAYS = 365
OLDEST_SECONDS = 12 * 3_600  # an older one is made anew: bots would have done nothing for too long
NEEDED_BYTES = 6 << 30
KEPT = Path(tempfile.gettempdir()) / f"tcpdash-bench-app-{os.getuid()}"


class Served:
    """One process that serves a page on a free port.

    Args:
        command: What to run; it gets the port as its last word.
        environment: Of the process.
    """

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.port = child.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        words = [word.format(port=self.port) for word in command]
        self._popen = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.process = psutil.Process(self._popen.pid)
        deadline = time.monotonic() + 60
        while not self._answers():
            if time.monotonic() > deadline or self._popen.poll() is not None:
                raise RuntimeError(f"no page came of {' '.join(words)}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/_stcore/health", timeout=1, trust_env=False).status_code == 200
        return False

    def stop(self) -> None:
        self._popen.terminate()
        self._popen.wait(30)


class BenchHome:
    """The filled stores, and what runs on them.

    Attributes:
        database: The store.
        environment: Of processes that use it.
        log: Where the server writes its statements, each with its time.
    """

    def __init__(self, postgres: PostgresServer, redis: RedisServer, folder: Path) -> None:
        self.database = get_database_operations(postgres.url)
        self.log, self.redis_url = postgres.log, redis.url
        inherited = {name: text for name, text in os.environ.items() if not name.startswith("TCPDASH_")}
        self.environment = {
            **inherited,
            "TCPDASH_HOME": str(folder),
            "TCPDASH_DATABASE__URL": postgres.url,
            "TCPDASH_REDIS__URL": redis.url,
        }

    def app(self) -> Served:
        """Start the page as `tcpdash app` does, with empty caches."""
        return Served([sys.executable, "-m", "cli", "app", "--port", "{port}"], self.environment)

    def tell_statements(self) -> None:
        """Let the server write each statement into its log, with its time and who sent it."""
        with self.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for setting, value in (("log_min_duration_statement", "0"), ("log_line_prefix", "'%m [%p] <%a> '")):
                connection.exec_driver_sql(f"alter system set {setting} = {value}".replace("%", "%%"))
            connection.execute(sa.text("select pg_reload_conf()"))


@contextmanager
def bench_home() -> Iterator[BenchHome]:
    """Yield the filled home, with Redis moving; its database is made where there is none of this program, or only an old one."""
    postgres = _kept()
    with tempfile.TemporaryDirectory() as folder:
        redis = RedisServer(Path(folder) / "redis", durable=False)
        try:
            postgres.start()
            redis.start()
            home = BenchHome(postgres, redis, Path(folder))
            fill_candles(home.database, 0, now_us() // 60_000_000 * 60_000_000)  # what passed since
            home.tell_statements()
            with Mover(home.database, redis.url) as mover:
                mover.tell(now_us())
                mover.start()
                yield home
            home.database.close()
        finally:
            redis.stop()
            postgres.stop()


def _kept() -> PostgresServer:
    """Return the server of the kept database, stopped; what is filled is what this program would fill."""
    mark, made_of = KEPT / "filled.json", _made_of()
    server = PostgresServer(KEPT / "postgres")
    with suppress(OSError, ValueError):
        known: dict[str, Any] = json.loads(mark.read_text())
        if known["made_of"] == made_of and time.time() - known["at"] < OLDEST_SECONDS:
            return server
    shutil.rmtree(KEPT, ignore_errors=True)
    KEPT.mkdir(mode=0o700)
    free = shutil.disk_usage(KEPT).free
    if free < NEEDED_BYTES:
        raise RuntimeError(f"{KEPT} needs {NEEDED_BYTES >> 30} GB for the time of filling, and has {free / (1 << 30):.1f}")
    _fill(PostgresServer(KEPT / "postgres", durable=False))
    mark.write_text(json.dumps({"made_of": made_of, "at": time.time()}))
    return server


def _fill(server: PostgresServer) -> None:
    begun = time.monotonic()
    try:
        server.start()
        schema.upgrade(server.url)
        db = get_database_operations(server.url)
        fill(db, days=DAYS)
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("vacuum analyze")
        _tell(db)
        db.close()
    finally:
        server.stop()
    note("seconds to fill it", time.monotonic() - begun, "s")


def _tell(db: DatabaseOperations) -> None:
    with db.engine.connect() as connection:
        rows = connection.scalar(sa.text("select count(*) from market_data"))
        size = connection.scalar(sa.text("select pg_database_size(current_database())"))
    note("minutes stored", rows, "")
    note(f"its database, kept in {KEPT}", size / 1e6, "MB")


def _made_of() -> str:
    digest = hashlib.sha256(f"{schema.head()} {DAYS}".encode())
    for path in sorted(Path(candles.__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
