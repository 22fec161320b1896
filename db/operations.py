"""The store for those who do not think in transactions: every call is one of its own."""

import atexit
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from functools import cache
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa

from db import schema
from db.condition import Condition, condition_of
from db.engine import create_engine, reachable, transaction
from db.repositories.alerts import AlertRepository
from db.repositories.backfills import BackfillRepository
from db.repositories.backtests import BacktestRepository
from db.repositories.bots import BotRepository
from db.repositories.feeds import FeedRepository
from db.repositories.gaps import GapRepository
from db.repositories.happenings import HappeningRepository
from db.repositories.market_data import MarketDataRepository
from db.repositories.quality import QualityRepository
from db.repositories.raw_trades import RawTradeRepository
from db.repositories.symbols import SymbolRepository
from db.repositories.watermarks import WatermarkRepository
from db.repositories.wishes import WishRepository
from db.storage import has_timescale, storage_of, unused_timescale
from db.store import Store
from db.tables import metadata
from db.usage import Usage, usage
from db.wider import ROLLUPS, relation_of
from market.clock import now_us
from market.errors import StoreError


class DatabaseOperations:
    """Repositories on one engine; each call commits, or rolls back on an exception.

    Attributes:
        engine: Where connections come from.
        market_data: Candles.
        raw_trades: Trades and points as the venue sent them.
        watermarks: Up to which trade each symbol is stored.
        gaps: Holes in the tape.
        symbols: What the venues list.
        feeds: How the feed of each symbol is doing.
        backfills: What was asked of the venues, and how far each backfill came.
        quality: Runs of checks and what came of them.
        backtests: Backtests and searches, what came of them, and their trades.
        bots: Paper bots: what is wanted of each, what it does, and all that it wrote.
        alerts: What people are told of, and how far the telling is.
        happenings: What happened lately that they may want to be told of.
        wishes: What people asked of the system on the page.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.market_data = cast("MarketDataRepository", _EachCall(engine, "market_data"))
        self.raw_trades = cast("RawTradeRepository", _EachCall(engine, "raw_trades"))
        self.watermarks = cast("WatermarkRepository", _EachCall(engine, "watermarks"))
        self.gaps = cast("GapRepository", _EachCall(engine, "gaps"))
        self.symbols = cast("SymbolRepository", _EachCall(engine, "symbols"))
        self.feeds = cast("FeedRepository", _EachCall(engine, "feeds"))
        self.backfills = cast("BackfillRepository", _EachCall(engine, "backfills"))
        self.quality = cast("QualityRepository", _EachCall(engine, "quality"))
        self.backtests = cast("BacktestRepository", _EachCall(engine, "backtests"))
        self.bots = cast("BotRepository", _EachCall(engine, "bots"))
        self.alerts = cast("AlertRepository", _EachCall(engine, "alerts"))
        self.happenings = cast("HappeningRepository", _EachCall(engine, "happenings"))
        self.wishes = cast("WishRepository", _EachCall(engine, "wishes"))

    def transaction(self) -> AbstractContextManager[Store]:
        """Return a block in which several calls are one transaction."""
        return transaction(self.engine)

    def health_check(self) -> bool:
        """Return whether the database answers and has the schema this program needs."""
        try:
            schema.check(self.engine)
        except StoreError:
            return False
        return True

    def get_stats(self) -> dict[str, Any]:
        """Return what is stored: server version, storage, schema revision, and for each table its bytes and about its rows.

        A table of which some is in the columnstore of TimescaleDB says also how much, and how much smaller that is. Where the
        server has TimescaleDB and the tables do without it, `timescale_unused` says why.
        """
        revision = schema.current(self.engine)
        with reachable(self.engine), self.engine.connect() as connection:
            storage = storage_of(connection)
            sizes = storage.sizes(connection, sorted([*metadata.tables, *map(relation_of, ROLLUPS)]))
            compression = storage.compression(connection)
            return {
                "server_version": connection.scalar(sa.text("show server_version")),
                "storage": storage.name,
                "timescale_available": has_timescale(connection),
                "timescale_unused": unused_timescale(connection),
                "schema_revision": revision,
                "bytes": connection.scalar(sa.text("select pg_database_size(current_database())")),
                "tables": {
                    name: {"bytes": bytes_, "rows": rows} | ({"columnstore": compression[name]} if name in compression else {})
                    for name, (bytes_, rows) in sizes.items()
                },
            }

    def condition(self) -> Condition:
        """Return how the server is, and how large the tables are; cheaper than `get_stats`, without what is compressed."""
        with reachable(self.engine), self.engine.connect() as connection:
            return condition_of(connection)

    def get_usage(self) -> Usage:
        """Return how much is stored, how far back, and how much comes in a day; with four statements at most."""
        with reachable(self.engine), self.engine.connect() as connection:
            return usage(connection, now_us())

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def get_database_operations(url: str | None = None) -> DatabaseOperations:
    """Return the store of this installation.

    Args:
        url: Of the database; None takes the one in the settings, else that of the running system in TCPDASH_HOME, else a
            PostgreSQL is started there and stopped when this process ends.
    """
    return DatabaseOperations(create_engine(url or _configured_url()))


def _configured_url() -> str:
    from settings import load_settings  # noqa: PLC0415 - an entry point only when nobody gave an address

    settings = load_settings()
    configured = settings.database.url
    return configured.get_secret_value() if configured is not None else _url_of(settings.home, settings.database.binaries)


def _url_of(home: Path, bin_folder: Path | None) -> str:
    from db.home import running_state  # noqa: PLC0415 - not needed with a server of one's own

    running = running_state(home)
    return running["postgres"]["url"] if running is not None else _started_url(home, bin_folder)


@cache
def _started_url(home: Path, bin_folder: Path | None) -> str:
    """Return the address of the database of a home, which lives as long as this process where it has to be started."""
    from db.home import connect  # noqa: PLC0415 - see _url_of

    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(connect(home, bin_folder=bin_folder, share=True))


class _EachCall:
    """Stands for a repository: opens a transaction, calls the method, commits."""

    def __init__(self, engine: sa.Engine, topic: str) -> None:
        self._engine = engine
        self._topic = topic

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            with transaction(self._engine) as store:
                return getattr(getattr(store, self._topic), method)(*arguments, **named)

        return call
