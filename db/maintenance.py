"""Keeps the database small and fast: columnstore, retention of raw trades and signals, partitions ahead of time, vacuum."""

import logging
from datetime import timedelta

import msgspec
import sqlalchemy as sa

from db.engine import reachable, transaction
from db.retention import Dropped, drop_old_trades
from db.storage import storage_of
from market.clock import now_us, to_datetime
from market.errors import InputError
from market.timeframe import DAY_US

logger = logging.getLogger(__name__)

# Any number that nobody else uses as an advisory lock of this database.
_LOCK = 7_226_411_904

# Where a tenth of the rows changed; the server's own autovacuum waits for a fifth of them.
_CHANGED = """
select case when schemaname = current_schema() then quote_ident(relname) else format('%I.%I', schemaname, relname) end as name
from pg_stat_user_tables
where schemaname in (current_schema(), '_timescaledb_internal')
    and (n_dead_tup >= greatest(1000, n_live_tup / 10) or n_mod_since_analyze >= greatest(1000, n_live_tup / 10))
order by 1
"""


class Maintained(msgspec.Struct, frozen=True):
    """What a maintenance did.

    Attributes:
        compressed: Chunks put into the columnstore; always 0 without TimescaleDB.
        bytes_before: Their bytes before, indexes included.
        bytes_after: Their bytes after.
        dropped: Partitions or chunks of raw trades that were dropped.
        rows_deleted: Raw trades that are gone.
        rows_kept: Old raw trades that stay, because starting again or an open hole needs them.
        signals: Signals of bots that are gone.
        made_ahead: Partitions made for this month and the next one.
        vacuumed: Tables (partitions, chunks) whose dead rows were removed and statistics made.
        busy: Partitions or chunks that somebody held; they are left to the next time.
    """

    compressed: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    dropped: int = 0
    rows_deleted: int = 0
    rows_kept: int = 0
    signals: int = 0
    made_ahead: int = 0
    vacuumed: list[str] = msgspec.field(default_factory=list)
    busy: list[str] = msgspec.field(default_factory=list)


def maintain(
    engine: sa.Engine, *, raw_trades_days: int | None, compress_after_days: int = 7, signals_days: int | None = None
) -> Maintained:
    """Compress, drop, make ahead and vacuum what is due; of several processes one does it and the others wait.

    Candles are never dropped. Safe to be killed at any time, and to repeat.

    Args:
        engine: Of the database.
        raw_trades_days: For how many days raw trades are kept at least; a month (on TimescaleDB 30 days) goes as a whole, once
            all of it is older. None keeps them for ever.
        compress_after_days: How long after the end of its 30 days a chunk goes into the columnstore of TimescaleDB.
        signals_days: For how many days signals of bots are kept that were not acted on. None keeps them for ever.

    Raises:
        InputError: If a number of days is not positive.
        StoreUnreachable: If the database does not answer.
    """
    wanted = {"raw_trades_days": raw_trades_days, "compress_after_days": compress_after_days, "signals_days": signals_days}
    for name, days in wanted.items():
        if days is not None and days < 1:
            raise InputError(f"{name} has to be at least 1 day, and is {days}")
    with reachable(engine), engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("select pg_advisory_lock(:lock)"), {"lock": _LOCK})
        try:
            storage = storage_of(connection)
            before = None if raw_trades_days is None else to_datetime(now_us()) - timedelta(days=raw_trades_days)
            dropped = Dropped() if before is None else drop_old_trades(engine, storage, before)
            signals = _forget_signals(engine, signals_days)
            made_ahead = storage.make_ahead(engine)
            compressed = storage.compress(engine, compress_after_days)
            vacuumed = _vacuum(connection)
        finally:
            connection.execute(sa.text("select pg_advisory_unlock(:lock)"), {"lock": _LOCK})
    done = Maintained(
        compressed.chunks, compressed.bytes_before, compressed.bytes_after,
        dropped.parts, dropped.rows, dropped.kept, signals, made_ahead, vacuumed, dropped.busy,
    )  # fmt: skip
    logger.info("maintained %s", " ".join(f"{name}={value}" for name, value in msgspec.structs.asdict(done).items()))
    return done


def _forget_signals(engine: sa.Engine, days: int | None) -> int:
    if days is None:
        return 0
    with transaction(engine) as store:
        return store.bots.forget_signals(now_us() - days * DAY_US)


def _vacuum(connection: sa.Connection) -> list[str]:
    changed = list(connection.scalars(sa.text(_CHANGED)))
    for name in changed:
        connection.exec_driver_sql(f"vacuum (analyze) {name}")
    return changed
