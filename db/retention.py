"""Which raw trades go when they are old, and which of them stay: those that starting again and healing still need."""

import logging
from datetime import datetime
from typing import Protocol

import msgspec
import sqlalchemy as sa

logger = logging.getLogger(__name__)

LOCK_TIMEOUT = "500ms"
"""How long others may wait behind this, which waits for somebody else. Less than after which a server looks for deadlocks (1 s),
so that never a writer is chosen to give way."""

_LOCKED_OUT = {"55P03", "40P01"}

# Who starts again reads the trades from a few minutes before the last candle with trades on. A hole that is healed makes its
# minutes anew, of the trades around it and of those that came already. A backfill of trades goes on from the begin of the tape.
_NEEDED = """
create temporary table needed on commit drop as
with spans as (
    select marks.symbol, 'infinity'::timestamptz as until,
        coalesce(candle.timestamp - interval '1 minute', marks.since, date_trunc('minute', marks.timestamp)) - interval '10 minutes'
            as begin
    from watermarks as marks left join lateral (
        select timestamp from market_data
        where symbol = marks.symbol and timeframe = '1m' and trades > 0 and origin <> 'exchange' order by timestamp desc limit 1
    ) as candle on true
    union all
    select symbol, date_trunc('minute', since) + interval '1 minute', date_trunc('minute', since) from watermarks
    union all
    select symbol, date_trunc('minute', "end") + interval '1 minute', date_trunc('minute', start) from gaps where state = 'open'
)
select distinct trades.* from spans join raw_trades as trades
    on trades.symbol = spans.symbol
    and trades.timestamp >= greatest(spans.begin, %(start)s) and trades.timestamp < least(spans.until, %(end)s)
where spans.begin < %(end)s and spans.until > %(start)s
"""


DROPPED = "raw_trades"
"""The table whose old rows go."""


class Compressed(msgspec.Struct, frozen=True):
    """What was put into the columnstore: how many chunks, and their bytes before and after."""

    chunks: int = 0
    bytes_before: int = 0
    bytes_after: int = 0


class Part(msgspec.Struct, frozen=True):
    """A partition or chunk of raw trades: those with a timestamp in [start, end)."""

    name: str
    start: datetime
    end: datetime


class Dropped(msgspec.Struct):
    """What became of old raw trades.

    Attributes:
        parts: Partitions or chunks that were dropped whole.
        rows: Rows that are gone.
        kept: Rows older than asked for that stay, because something needs them.
        busy: Partitions or chunks that somebody was writing to; they are left to the next time.
    """

    parts: int = 0
    rows: int = 0
    kept: int = 0
    busy: list[str] = msgspec.field(default_factory=list)


class Parted(Protocol):
    """What a storage does with the parts that raw trades lie in."""

    def old_trades(self, connection: sa.Connection, before: datetime) -> list[Part]:
        """Return the parts that end before a moment, the oldest first."""

    def hold_off(self, connection: sa.Connection) -> None:
        """Keep others from making parts until the end of the transaction."""

    def empty(self, connection: sa.Connection, part: Part) -> None:
        """Remove all rows of a part; rows may be put back in the same transaction."""

    def discard(self, engine: sa.Engine, part: Part) -> bool:
        """Remove a part that was emptied; return whether it is gone: somebody may have written to it since."""


def drop_old_trades(engine: sa.Engine, storage: Parted, before: datetime) -> Dropped:
    """Drop the parts of raw trades that are older than a moment, each in a transaction of its own, but for the rows needed."""
    done = Dropped()
    with engine.begin() as connection:
        counted = [
            (part, connection.exec_driver_sql(f"select count(*) from {part.name}").scalar_one())  # noqa: S608 - the server's name
            for part in storage.old_trades(connection, before)
        ]
    for part, rows in counted:
        try:
            if _empty(engine, storage, part, rows, done):
                done.parts += storage.discard(engine, part)
        except sa.exc.DBAPIError as error:
            if getattr(error.orig, "pgcode", None) not in _LOCKED_OUT:
                raise
            done.busy.append(part.name)
            logger.warning("trades not dropped part=%s: somebody holds it; it is tried again the next time", part.name)
    return done


def _empty(engine: sa.Engine, storage: Parted, part: Part, rows: int, done: Dropped) -> bool:
    with engine.begin() as connection:
        connection.exec_driver_sql(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
        storage.hold_off(connection)
        connection.exec_driver_sql(f"lock table {part.name} in access exclusive mode")
        kept = connection.exec_driver_sql(_NEEDED, {"start": part.start, "end": part.end}).rowcount
        done.kept += kept
        if kept >= rows > 0:
            return False
        storage.empty(connection, part)
        if kept:
            connection.exec_driver_sql("insert into raw_trades select * from needed")
    done.rows += rows - kept
    logger.info("trades dropped part=%s rows=%d kept=%d", part.name, rows - kept, kept)
    return not kept
