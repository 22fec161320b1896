"""All that is special to TimescaleDB: hypertables, continuous aggregates, and the columnstore."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from db import plain, wider
from db.repositories.rollups import Change
from db.retention import DROPPED, Compressed, Part
from db.tables import MONTHLY
from market.clock import now_us, to_datetime
from market.errors import SchemaError
from market.timeframe import BASE, DAY_US, Timeframe
from market.window import Window, united

logger = logging.getLogger(__name__)

_INSTALLED = """
select extversion as version, nspname as schema, nspname::text = any(current_schemas(true)::text[]) as visible,
    coalesce(current_setting('timescaledb.license', true), '') = 'timescale' as whole
from pg_extension join pg_namespace as namespace on namespace.oid = extnamespace where extname = 'timescaledb'
"""
_BATCHES_SINCE = (2, 28)
_OLDEST = (2, 19)
"""2.18 brought `enable_columnstore` and `convert_to_columnstore`; after it came the report that an insert into the columnstore
ends at the first conflict that it should pass over: https://github.com/timescale/timescaledb/issues/7672."""
_BROKEN = ("2.22.0",)  # leaves ranges out when it refreshes: https://github.com/timescale/timescaledb/issues/8621

# Rows written to the columnstore are compared with stored ones, which are taken out of it for that; by default 100,000 a
# transaction at most, which two months of one symbol are.
_WITHOUT_LIMIT = "set local timescaledb.max_tuples_decompressed_per_dml_transaction = 0"

_HYPERTABLE = """
alter table {table} rename to {table}_plain;
alter table {table}_plain rename constraint {table}_key to {table}_plain_key;
create table {table} (like {table}_plain including defaults including constraints including comments);
alter table {table} add constraint {table}_key primary key ({key});
select create_hypertable('{table}', by_range('timestamp', interval '1 month'), create_default_indexes => false);
insert into {table} select * from {table}_plain;
drop table {table}_plain;
alter table {table} set (timescaledb.enable_columnstore, timescaledb.segmentby = '{segments}', timescaledb.orderby = '{order}');
"""
_REFRESH = "call refresh_continuous_aggregate(:relation, cast(:start as timestamptz), cast(:end as timestamptz){options})"
_VERSION = "select extversion from pg_extension where extname = 'timescaledb'"
_KEYS = {
    "market_data": "symbol, timeframe, timestamp", "raw_trades": "symbol, timestamp, trade_id",
    "bot_performance": "bot, run, timestamp",
}  # fmt: skip
_COLUMNSTORE_DAYS = 7
_PIECE_US = 13 * 7 * DAY_US  # whole buckets of every rollup
_SEGMENTS = {"market_data": "symbol, timeframe", "raw_trades": "symbol", "bot_performance": "bot, run"}
_ORDERS = {"market_data": "timestamp", "raw_trades": "timestamp, trade_id", "bot_performance": "timestamp"}

# Of a continuous aggregate only the bucket says when its rows are; it filters what the server reads.
_AGGREGATE = """
create materialized view {relation} with (timescaledb.continuous, timescaledb.materialized_only = false) as
select symbol, {bucket} as bucket, {bucket} + interval '{width} microseconds' - interval '1 microsecond' as timestamp, {columns}
from {source} group by symbol, {bucket} with no data
"""


# A continuous aggregate is as large as the hypertable that keeps its rows.
_SIZES = """
select name, coalesce(hypertable_size(large), pg_total_relation_size(plain), 0)::bigint as bytes,
       greatest(
           case when large is null then class.reltuples else approximate_row_count(large) end, stat.n_live_tup, 0
       )::bigint as rows
from unnest(cast(:names as text[])) as name
left join timescaledb_information.continuous_aggregates as aggregate on aggregate.view_name = name
left join timescaledb_information.hypertables as hyper
    on hyper.hypertable_schema = current_schema() and hyper.hypertable_name = name
cross join lateral (
    select to_regclass(
        quote_ident(coalesce(aggregate.materialization_hypertable_schema, hyper.hypertable_schema))
        || '.' || quote_ident(coalesce(aggregate.materialization_hypertable_name, hyper.hypertable_name))
    ) as large
) as found
cross join lateral (select to_regclass(name) as plain) as known
left join pg_class as class on class.oid = plain and class.relkind = 'r'
left join pg_stat_user_tables as stat on stat.relid = plain
order by name
"""


# Bit 1 of a chunk's status: it is compressed; bit 8: rows came since. The documented views tell of the first only.
_UNCOMPRESSED = """
select format('%I.%I', chunk.schema_name, chunk.table_name) as name,
    (select total_bytes from chunks_detailed_size(cast(:table as regclass)) where chunk_name = chunk.table_name) as bytes
from show_chunks(cast(:table as regclass), older_than => cast(:before as timestamptz)) as found
join pg_class as class on class.oid = found join pg_namespace as namespace on namespace.oid = relnamespace
join _timescaledb_catalog.chunk as chunk on chunk.schema_name = nspname and chunk.table_name = relname
where chunk.status & 1 = 0 or chunk.status & 8 > 0
order by chunk.id
"""
_CHUNK_BYTES = (
    "select total_bytes from chunks_detailed_size(cast(:table as regclass)) where format('%I.%I', chunk_schema, chunk_name) = :name"
)

# Where a server has background workers its own job compresses too; both go by the same age.
_ALIGN_JOBS = """
select alter_job(job_id, config => jsonb_set(config, '{compress_after}', to_jsonb(cast(:after as text))))
from timescaledb_information.jobs
where hypertable_schema = current_schema() and hypertable_name = any(cast(:tables as text[])) and config ? 'compress_after'
    and (config ->> 'compress_after')::interval <> cast(:after as interval)
"""

_OLD_CHUNKS = """
select format('%I.%I', chunk_schema, chunk_name) as name, range_start, range_end from timescaledb_information.chunks
where hypertable_schema = current_schema() and hypertable_name = :table and range_end <= :before order by range_end
"""

_COMPRESSION = """
select name, total_chunks as chunks, number_compressed_chunks as compressed_chunks,
    before_compression_total_bytes as bytes_before, after_compression_total_bytes as bytes_after
from unnest(cast(:tables as text[])) as name cross join lateral hypertable_columnstore_stats(cast(name as regclass))
where number_compressed_chunks > 0
"""


class TimescaleStorage:
    """The storage of a server with TimescaleDB."""

    name = "timescale"

    def ensure_partitions(self, connection: sa.Connection, table: str, *, start_us: int, end_us: int) -> None:  # noqa: ARG002
        """Allow the transaction to write as many rows as it has to chunks in the columnstore; chunks are made as rows come."""
        connection.exec_driver_sql(_WITHOUT_LIMIT)

    def roll_up(self, engine: sa.Engine, changes: Sequence[Change], untils: dict[str, int]) -> dict[str, int]:  # noqa: ARG002
        """Refresh the continuous aggregates where 1m rows changed; return the buckets asked for, by relation.

        The server itself knows which of them changed, of all symbols, and makes no others.
        """
        asked: dict[str, int] = {}
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            statement = sa.text(_refresh_statement(connection.scalar(sa.text(_VERSION))))
            for level in wider.ROLLUPS:
                relation = wider.relation_of(level)
                for window in _windows(changes, level):
                    asked[relation] = asked.get(relation, 0) + window.width_us // level.width_us
                    # A bucket more on each side: the server takes only buckets that lie whole in a window of its own alignment.
                    start, end = window.start_us - level.width_us, window.end_us + level.width_us
                    connection.execute(statement, {"relation": relation, "start": to_datetime(start), "end": to_datetime(end)})
        return asked

    def sizes(self, connection: sa.Connection, names: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Return of each relation its bytes, indexes included, and about how many rows it has."""
        found = connection.execute(sa.text(_SIZES), {"names": list(names)})
        return {row.name: (row.bytes, row.rows) for row in found}

    def compression(self, connection: sa.Connection) -> dict[str, dict[str, float]]:
        """Return of each table with compressed chunks: all chunks, those, their bytes before and after, and the ratio."""
        found = connection.execute(sa.text(_COMPRESSION), {"tables": list(MONTHLY)}).mappings().all()
        figures = {row["name"]: {name: value for name, value in row.items() if name != "name"} for row in found}
        return {
            name: {**each, "ratio": round(each["bytes_before"] / max(each["bytes_after"], 1), 2)} for name, each in figures.items()
        }

    def make_ahead(self, engine: sa.Engine) -> int:  # noqa: ARG002 - the other storage does
        """Do nothing: chunks are made as rows come."""
        return 0

    def compress(self, engine: sa.Engine, days: int) -> Compressed:
        """Put the chunks that ended so many days ago into the columnstore, and once more those in which rows changed since."""
        before = to_datetime(now_us()) - timedelta(days=days)
        chunks = bytes_before = bytes_after = 0
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text(_ALIGN_JOBS), {"after": f"{days} days", "tables": list(MONTHLY)})
            for table in MONTHLY:
                due = connection.execute(sa.text(_UNCOMPRESSED), {"table": table, "before": before}).all()
                for chunk in due:
                    connection.exec_driver_sql(f"call convert_to_columnstore('{chunk.name}')")
                    after = connection.scalar(sa.text(_CHUNK_BYTES), {"table": table, "name": chunk.name})
                    chunks, bytes_before, bytes_after = chunks + 1, bytes_before + chunk.bytes, bytes_after + (after or 0)
                    logger.info("chunk compressed chunk=%s bytes_before=%d bytes_after=%d", chunk.name, chunk.bytes, after or 0)
                if due:
                    connection.exec_driver_sql(f"analyze {table}")  # of the table: it reaches what is in the columnstore
        return Compressed(chunks, bytes_before, bytes_after)

    def old_trades(self, connection: sa.Connection, before: datetime) -> list[Part]:
        """Return the chunks of raw trades that end before a moment, the oldest first."""
        return [Part(*row) for row in connection.execute(sa.text(_OLD_CHUNKS), {"table": DROPPED, "before": before})]

    def hold_off(self, connection: sa.Connection) -> None:
        """Do nothing: the server makes chunks, and does it right."""

    def empty(self, connection: sa.Connection, part: Part) -> None:
        """Drop a chunk; it is made anew for rows that are put back."""
        connection.execute(
            sa.text(
                "select drop_chunks(cast(:table as regclass), older_than => cast(:until as timestamptz),"
                " newer_than => cast(:start as timestamptz))"
            ),
            {"table": DROPPED, "start": part.start, "until": part.end},
        )

    def discard(self, engine: sa.Engine, part: Part) -> bool:  # noqa: ARG002 - the other storage has something to do
        """Do nothing: an emptied chunk is gone."""
        return True


def is_available(connection: sa.Connection) -> bool:
    """Return whether this database has TimescaleDB with all that is needed; its Apache edition has no continuous aggregates.

    Raises:
        SchemaError: If it has, and it cannot be used as it is: it is too old, or out of sight.
    """
    found = connection.execute(sa.text(_INSTALLED)).one_or_none()
    if found is None or not found.whole:
        return False
    if _number(found.version) < _OLDEST or found.version in _BROKEN:
        oldest = ".".join(map(str, _OLDEST))
        raise SchemaError(
            f"TimescaleDB {oldest} or newer is needed, but not {', '.join(_BROKEN)}, and the database has {found.version};"
            " run `alter extension timescaledb update`"
        )
    if not found.visible:
        raise SchemaError(
            f"TimescaleDB is in the schema {found.schema!r}, which is not on the search path; put it there:"
            f' alter database … set search_path = public, "{found.schema}"'
        )
    return True


def unused(connection: sa.Connection) -> str | None:
    """Return why a database whose tables are plain ones does without TimescaleDB; None where the server has not got it."""
    found = connection.execute(sa.text(_INSTALLED)).one_or_none()
    if found is not None and not found.whole:
        return "it is the Apache edition, which has no continuous aggregates and no columnstore"
    if found is not None:
        return "it was installed after the schema was made; a new database would use it"
    if connection.scalar(sa.text("select 1 from pg_available_extensions where name = 'timescaledb'")) is None:
        return None
    return "it is not installed in this database; a new one would use it after `create extension timescaledb`"


def install(connection: sa.Connection) -> None:
    """Make hypertables of the large tables of markets, and the rollups."""
    for table in ("market_data", "raw_trades"):
        make_hypertable(connection, table)
    for level in wider.ROLLUPS:
        connection.exec_driver_sql(_aggregate(level))


def make_hypertable(connection: sa.Connection, table: str) -> None:
    """Put a hypertable of months in the place of a table; its rows are copied."""
    statements = _HYPERTABLE.format(table=table, key=_KEYS[table], segments=_SEGMENTS[table], order=_ORDERS[table])
    for statement in filter(str.strip, statements.split(";\n")):
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"call add_columnstore_policy('{table}', after => interval '{_COLUMNSTORE_DAYS} days')")


def uninstall(connection: sa.Connection) -> None:
    """Remove the rollups, and make tables with monthly partitions of the hypertables."""
    for level in reversed(wider.ROLLUPS):
        connection.exec_driver_sql(f"drop materialized view {wider.relation_of(level)}")
    for table in ("market_data", "raw_trades"):
        plain.take_over(connection, table, key=_KEYS[table])


def _aggregate(level: Timeframe) -> str:
    source = wider.source_of(level)
    moment = "timestamp" if source is BASE else "bucket"
    return _AGGREGATE.format(
        relation=wider.relation_of(level),
        bucket=f"""time_bucket(interval '{level.width_us} microseconds', {moment}, "offset" => interval '1 microsecond')""",
        width=level.width_us,
        source=f"market_data where timeframe = '{BASE}'" if source is BASE else wider.relation_of(source),
        columns=wider.aggregates(
            members="count(*)" if source is BASE else "sum(members)",
            expected=level.width_us // BASE.width_us,
            moments={
                "first": f"first(open, {moment})",
                "first_traded": f"first(open, {moment}) filter (where volume > 0)",
                "last": f"last(close, {moment})",
            },
        ),
    )


def _refresh_statement(version: str) -> str:
    """Return the call that refreshes a window, for a version of TimescaleDB.

    From 2.28 on it works in batches unless told otherwise; 2.28.2 leaves out a bucket at their border and says nothing:
    https://github.com/timescale/timescaledb/issues/10221. Windows are cut into pieces here anyway.
    """
    options = """, options => '{"buckets_per_batch"\\: 0}'""" if _number(version) >= _BATCHES_SINCE else ""
    return _REFRESH.format(options=options)


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")[:2]))


def _windows(changes: Sequence[Change], level: Timeframe) -> list[Window]:
    """Return the whole buckets of a level that changed rows touch; a long history in pieces: no call holds locks for long."""
    touched = (Window(level.open_of(change.after_us), level.close_of(change.until_us - 1)) for change in changes)
    return [piece for window in united(touched) for piece in window.split(_PIECE_US)]
