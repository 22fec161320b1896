"""All that is special to PostgreSQL without TimescaleDB: monthly partitions, and rollups as tables."""

import logging
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby

import sqlalchemy as sa

from db import wider
from db.repositories.rollups import Change
from db.retention import DROPPED, LOCK_TIMEOUT, Compressed, Part
from db.tables import MONTHLY
from market.clock import from_datetime, now_us, to_datetime
from market.timeframe import BASE, Timeframe
from market.window import Window, united

logger = logging.getLogger(__name__)

# Any number that nobody else uses as an advisory lock of this database.
_LOCK = 7_226_411_901
# Held by who writes to a month that is over, so that its partition cannot be dropped meanwhile.
_OLD_MONTHS_LOCK = 7_226_411_903

_ROLLUP = """
create table {relation} (
    symbol text not null, bucket timestamptz not null, timestamp timestamptz not null,
    open double precision not null, high double precision not null, low double precision not null, close double precision not null,
    volume double precision not null, quote_volume double precision, trades bigint, taker_buy_volume double precision,
    first_trade_id bigint, last_trade_id bigint, members bigint not null, complete boolean, origin text not null,
    revision integer not null,
    primary key (symbol, bucket)
)
"""

_ROLL_UP = """
insert into {relation} as stored (symbol, bucket, timestamp, {columns})
select %(symbol)s, timestamp - (%(width)s - 1) * interval '1 microsecond', timestamp, {columns} from ({made}) as made
on conflict (symbol, bucket) do update set {assignments} where ({new}) is distinct from ({old})
"""


# A partitioned table is as large as its partitions; the number of rows is what the last statistics say.
_SIZES = """
select name, coalesce(sum(pg_total_relation_size(part.relid)), 0)::bigint as bytes,
       coalesce(sum(greatest(class.reltuples, stat.n_live_tup)), 0)::bigint as rows
from unnest(cast(:names as text[])) as name
left join lateral (
    select relid from pg_partition_tree(to_regclass(name)) where isleaf
    union select oid from pg_class where oid = to_regclass(name) and relkind = 'r'
) as part on true
left join pg_class as class on class.oid = part.relid
left join pg_stat_user_tables as stat on stat.relid = part.relid
group by name order by name
"""


_GONE = "select name from unnest(cast(:names as text[])) as name where to_regclass(name) is null"

# Their borders are printed in the session's zone, and with it.
_OLD_PARTITIONS = r"""
select name, start, "end" from (
    select format('%I', class.relname) as name,
        substring(pg_get_expr(relpartbound, class.oid) from $$FROM \('([^']+)'\)$$)::timestamptz as start,
        substring(pg_get_expr(relpartbound, class.oid) from $$TO \('([^']+)'\)$$)::timestamptz as "end"
    from pg_inherits join pg_class as class on class.oid = inhrelid where inhparent = to_regclass(:table)
) as parts where "end" <= :before order by "end"
"""


class PlainStorage:
    """The storage of a plain PostgreSQL server; one for each engine."""

    name = "plain"

    def __init__(self) -> None:
        self._ready: set[tuple[str, int]] = set()
        self._lock = threading.Lock()

    def ensure_partitions(self, connection: sa.Connection, table: str, *, start_us: int, end_us: int) -> None:
        """Make the monthly partitions that rows from `start_us` to `end_us` (both included) need; cheap when they are there.

        They are made beside the caller's transaction, so that its rollback does not take them away. One of trades whose month is
        over may have been dropped since it was made, by another process: it is looked for, and stays until the transaction ends.
        """
        months = range(_month(start_us), _month(end_us) + 1)
        missing = [month for month in months if (table, month) not in self._ready]
        over = [month for month in months if month < _month(now_us())] if table == DROPPED else []
        if over:
            connection.execute(sa.text("select pg_advisory_xact_lock_shared(:lock)"), {"lock": _OLD_MONTHS_LOCK})
            names = [_name(table, month) for month in over]
            gone = connection.scalars(sa.text(_GONE), {"names": names}).all()
            missing += [month for month, name in zip(over, names, strict=True) if name in gone and month not in missing]
        if not missing:
            return
        with self._lock, connection.engine.begin() as beside:
            beside.execute(sa.text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            for month in missing:
                _make_partition(beside, table, month)
        self._ready.update((table, month) for month in missing)

    def make_ahead(self, engine: sa.Engine) -> int:
        """Make the partitions of this month and the next one, so that nobody who writes has to; return how many were made."""
        month = _month(now_us())
        with engine.begin() as connection:
            connection.execute(sa.text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            wanted = [(table, each) for table in MONTHLY for each in (month, month + 1)]
            made = sum(_make_partition(connection, *each) for each in wanted)
        self._ready.update(wanted)
        return made

    def compress(self, engine: sa.Engine, days: int) -> Compressed:  # noqa: ARG002 - the other storage can
        """Do nothing: PostgreSQL alone has no columnstore."""
        return Compressed()

    def old_trades(self, connection: sa.Connection, before: datetime) -> list[Part]:
        """Return the partitions of raw trades that end before a moment, the oldest first."""
        return [Part(*row) for row in connection.execute(sa.text(_OLD_PARTITIONS), {"table": DROPPED, "before": before})]

    def hold_off(self, connection: sa.Connection) -> None:
        """Keep others from looking for partitions of old months until the end of the transaction."""
        connection.execute(sa.text("select pg_advisory_xact_lock(:lock)"), {"lock": _OLD_MONTHS_LOCK})

    def empty(self, connection: sa.Connection, part: Part) -> None:
        """Remove all rows of a partition."""
        connection.exec_driver_sql(f"truncate {part.name}")

    def discard(self, engine: sa.Engine, part: Part) -> bool:
        """Drop a partition; return False if somebody has written to it, or may be about to."""
        # First the table, that those who follow the feed hold, then the rest without waiting: nobody can wait for this in a circle.
        with engine.begin() as connection:
            connection.exec_driver_sql(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
            connection.exec_driver_sql(f"lock table {DROPPED} in access exclusive mode")
            free = connection.scalar(sa.text("select pg_try_advisory_xact_lock(:lock)"), {"lock": _OLD_MONTHS_LOCK})
            if not free or connection.exec_driver_sql(f"select exists (select from {part.name})").scalar_one():  # noqa: S608 - ours
                return False
            connection.exec_driver_sql(f"drop table {part.name}")
        return True

    def roll_up(self, engine: sa.Engine, changes: Sequence[Change], untils: dict[str, int]) -> dict[str, int]:
        """Make the rollups anew where 1m rows changed.

        Args:
            engine: Of the database.
            changes: What changed.
            untils: The close up to which the 1m rows of each symbol are all there.

        Returns:
            How many rows were added or changed, by relation.
        """
        touched: dict[str, int] = {}
        for symbol, of_symbol in groupby(sorted(changes, key=lambda change: change.symbol), key=lambda change: change.symbol):
            for window in united(Window(change.after_us, change.until_us) for change in of_symbol):
                with engine.begin() as connection:  # one for each, so that a long history holds no lock for long
                    for level in wider.ROLLUPS:
                        rows = _roll_up(connection, symbol, window, level, untils[symbol])
                        touched[wider.relation_of(level)] = touched.get(wider.relation_of(level), 0) + rows
        return touched

    def sizes(self, connection: sa.Connection, names: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Return of each relation its bytes, indexes included, and about how many rows it has."""
        found = connection.execute(sa.text(_SIZES), {"names": list(names)})
        return {row.name: (row.bytes, row.rows) for row in found}

    def compression(self, connection: sa.Connection) -> dict[str, dict[str, float]]:  # noqa: ARG002 - the other storage can
        """Return nothing: no table is compressed."""
        return {}


def install(connection: sa.Connection) -> None:
    """Make the rollups."""
    for level in wider.ROLLUPS:
        connection.exec_driver_sql(_ROLLUP.format(relation=wider.relation_of(level)))


def uninstall(connection: sa.Connection) -> None:
    """Remove the rollups."""
    for level in wider.ROLLUPS:
        connection.exec_driver_sql(f"drop table {wider.relation_of(level)}")


def take_over(connection: sa.Connection, table: str, *, key: str) -> None:
    """Put a table with monthly partitions in the place of one that is split otherwise; its rows are copied."""
    connection.exec_driver_sql(f"alter table {table} rename to {table}_before")
    connection.exec_driver_sql(f"alter table {table}_before rename constraint {table}_key to {table}_before_key")
    like = f"like {table}_before including defaults including constraints including comments"
    connection.exec_driver_sql(
        f"create table {table} ({like}, constraint {table}_key primary key ({key})) partition by range (timestamp)"
    )
    first, last = connection.exec_driver_sql(f"select min(timestamp), max(timestamp) from {table}_before").one()  # noqa: S608 - ours
    if first is not None:
        for month in range(_month(from_datetime(first)), _month(from_datetime(last)) + 1):
            _make_partition(connection, table, month)
        connection.exec_driver_sql(f"insert into {table} select * from {table}_before")  # noqa: S608 - names of ours
    connection.exec_driver_sql(f"drop table {table}_before")


def _roll_up(connection: sa.Connection, symbol: str, changed: Window, level: Timeframe, until_us: int) -> int:
    after_us = level.open_of(changed.start_us)
    last_us = min(level.close_of(changed.end_us - 1), level.open_of(until_us))
    if last_us <= after_us:
        return 0
    source = wider.source_of(level)
    statement = _ROLL_UP.format(
        relation=wider.relation_of(level),
        columns=", ".join(wider.COLUMNS),
        made=wider.of_rows(member=BASE) if source is BASE else wider.of_rollup(member=source),
        assignments=", ".join(f"{name} = excluded.{name}" for name in wider.COLUMNS),
        new=", ".join(f"excluded.{name}" for name in wider.COLUMNS),
        old=", ".join(f"stored.{name}" for name in wider.COLUMNS),
    )
    parameters = {"symbol": symbol, "width": level.width_us, "after": to_datetime(after_us), "until": to_datetime(last_us)}
    return connection.exec_driver_sql(statement, parameters).rowcount


def _month(moment_us: int) -> int:
    """Return the number of a month, counted from year 0."""
    moment = to_datetime(moment_us)
    return moment.year * 12 + moment.month - 1


def _begin(month: int) -> datetime:
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)


def _name(table: str, month: int) -> str:
    return f"{table}_{_begin(month):%Y_%m}"


def _make_partition(connection: sa.Connection, table: str, month: int) -> bool:
    begin, end = _begin(month), _begin(month + 1)
    name = _name(table, month)
    if connection.scalar(sa.text("select to_regclass(:name)"), {"name": name}) is not None:
        return False
    # Attached instead of made as a partition: that waits for no reader and no writer of the table.
    connection.exec_driver_sql(f"create table {name} (like {table} including all)")
    connection.exec_driver_sql(f"alter table {table} attach partition {name} for values from ('{begin}') to ('{end}')")
    logger.info("partition table=%s month=%s", table, f"{begin:%Y-%m}")
    return True
