"""How the server of the database is: its version, connections, cache, oldest transaction, and the size of each table."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from db.storage import storage_of
from db.tables import metadata
from db.wider import ROLLUPS, relation_of

# Ages are those of transactions of this database; what they do is not told, for a statement may hold anything.
_SERVER = """
select current_setting('server_version') as version, pg_database_size(current_database()) as bytes,
    extract(epoch from clock_timestamp() - pg_postmaster_start_time())::float8 as up_seconds,
    current_setting('max_connections')::integer as most_connections,
    stat.numbackends as connections, stat.blks_hit as hits, stat.blks_read as reads, stat.deadlocks, stat.temp_bytes,
    stat.xact_commit as commits, stat.xact_rollback as rollbacks,
    (select count(*) from pg_stat_activity where datname = current_database() and state = 'active') as active,
    (select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock') as waiting,
    (select max(extract(epoch from clock_timestamp() - xact_start))::float8 from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend') as oldest_seconds,
    (select max(extract(epoch from clock_timestamp() - query_start))::float8 from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and state = 'active'
       and backend_type = 'client backend') as slowest_seconds
from pg_stat_database as stat where stat.datname = current_database()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How the server of the database is; counts are since its statistics began.

    Attributes:
        version: Of PostgreSQL.
        storage: `plain` or `timescale`.
        up_seconds: Since it was started.
        bytes: Of the whole database.
        connections: To this database, of all programs.
        most_connections: That the server allows, to all of its databases.
        active: Connections that carry out a statement now.
        waiting: Connections that wait for a lock.
        cache_hits: Part of the pages that were in its memory, a fraction; None before the first read.
        oldest_seconds: Age of the oldest transaction; None where none is open.
        slowest_seconds: For how long the longest statement runs that is carried out now; None where none is.
        commits: Transactions that ended well.
        rollbacks: Transactions that were taken back.
        deadlocks: Transactions that waited for each other.
        temporary_bytes: Written to disk because they did not fit into memory.
        tables: Bytes, indexes included, and about how many rows, by table.
    """

    version: str
    storage: str
    up_seconds: float
    bytes: int
    connections: int
    most_connections: int
    active: int
    waiting: int
    cache_hits: float | None
    oldest_seconds: float | None
    slowest_seconds: float | None
    commits: int
    rollbacks: int
    deadlocks: int
    temporary_bytes: int
    tables: Mapping[str, tuple[int, int]]


def condition_of(connection: sa.Connection) -> Condition:
    """Return how the server of a connection is; two statements, and once more one that finds out what its tables are."""
    storage, row = storage_of(connection), connection.execute(sa.text(_SERVER)).one()
    pages = row.hits + row.reads
    return Condition(
        version=row.version, storage=storage.name, up_seconds=row.up_seconds, bytes=row.bytes, connections=row.connections,
        most_connections=row.most_connections, active=row.active, waiting=row.waiting,
        cache_hits=row.hits / pages if pages else None, oldest_seconds=row.oldest_seconds, slowest_seconds=row.slowest_seconds,
        commits=row.commits, rollbacks=row.rollbacks, deadlocks=row.deadlocks, temporary_bytes=row.temp_bytes,
        tables=storage.sizes(connection, sorted([*metadata.tables, *map(relation_of, ROLLUPS)])),
    )  # fmt: skip
