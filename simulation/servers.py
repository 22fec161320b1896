"""Real servers for simulations: one PostgreSQL with a database for each run, and one Redis-compatible server."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from threading import Lock

import sqlalchemy as sa

from db import schema
from db.embedded import PostgresServer, RedisServer
from db.engine import create_engine
from db.operations import DatabaseOperations
from market.timeframe import BASE
from simulation.memory import MemoryDatabase

_TEMPLATE = "simulated"
_LATEST_US = 1 << 52  # far behind every market


class Servers:
    """Both servers, and what only an administrator does.

    Args:
        postgres: A running PostgreSQL.
        redis_url: Address of a running Redis-compatible server.
    """

    def __init__(self, postgres: PostgresServer, redis_url: str) -> None:
        self.redis_url = redis_url
        self._base = postgres.url.rpartition("/")[0]
        self._admin = create_engine(f"{self._base}/postgres").execution_options(isolation_level="AUTOCOMMIT")
        self._numbers, self._making, self._has_template = count(1), Lock(), False

    def new_database(self) -> str:
        """Make a database with the newest schema and no rows; return its name."""
        with self._making:
            if not self._has_template:
                self._say(f'drop database if exists "{_TEMPLATE}"')
                self._say(f'create database "{_TEMPLATE}"')
                schema.upgrade(self.url(_TEMPLATE))
                self._has_template = True
            name = f"run_{next(self._numbers)}"
            self._say(f'drop database if exists "{name}" with (force)')
            self._say(f'create database "{name}" template "{_TEMPLATE}"')
            return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever uses it."""
        self._say(f'drop database "{name}" with (force)')

    def url(self, name: str) -> str:
        """Return the address of a database."""
        return f"{self._base}/{name}"

    def close_door(self, name: str) -> None:
        """Let nobody into a database, and throw out who is in it: what is under way there is lost."""
        self._say(f'alter database "{name}" with allow_connections false')
        self._say(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'")  # noqa: S608 - our own name

    def open_door(self, name: str) -> None:
        """Let everybody in again."""
        self._say(f'alter database "{name}" with allow_connections true')

    def close(self) -> None:
        """Close the connections; the servers run on."""
        self._admin.dispose()

    def _say(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(sa.text(statement))


@contextmanager
def servers() -> Iterator[Servers]:
    """Start both servers in a folder of their own, and remove all of it in the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tcpdash-simulation-")))
        postgres, redis = PostgresServer(folder / "postgres", durable=False), RedisServer(folder / "redis", durable=False)
        for server in (postgres, redis):
            stack.callback(server.stop)
            server.start()
        running = Servers(postgres, redis.url)
        stack.callback(running.close)
        yield running


def rows_of(database: DatabaseOperations, symbols: tuple[str, ...]) -> MemoryDatabase:
    """Return what is stored of some symbols, as the checker wants it; read in one transaction.

    Raises:
        StoreUnreachable: If PostgreSQL does not answer.
    """
    memory = MemoryDatabase()
    rows = memory.rows
    with database.transaction() as store:
        for symbol in symbols:
            for trade in store.raw_trades.get_trades(symbol, 0, _LATEST_US):
                rows["trades"][symbol, trade.timestamp_us, trade.trade_id] = trade
            for candle in store.market_data.get_series(symbol, BASE).candles():
                rows["candles"][symbol, BASE, candle.timestamp_us] = candle
            for gap in store.gaps.list(symbol):
                rows["gaps"][gap.key] = gap
            mark = store.watermarks.get(symbol)
            if mark is not None:
                rows["watermarks"][(symbol,)] = mark
    return memory
