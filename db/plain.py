"""All that is special to PostgreSQL without TimescaleDB: monthly partitions, and wider candles computed from 1m rows."""

import logging
import threading
from datetime import UTC, datetime

import sqlalchemy as sa

from market.clock import to_datetime

logger = logging.getLogger(__name__)

# Any number that nobody else uses as an advisory lock of this database.
_LOCK = 7_226_411_901

# 1m rows (open, close] belong to the bucket that closes at the right border. Rows of a bucket that lies whole in the window
# are all read, so the first and the last member are those with the lowest and the highest timestamp. The price of a member
# without volume is an echo of the close before it and not a trade: market/rollup.py does the same.
_WIDER = """
select time_bucket(%(width)s * interval '1 microsecond', timestamp, "offset" => interval '1 microsecond')
         + (%(width)s - 1) * interval '1 microsecond' as timestamp,
       coalesce((array_agg(open order by timestamp) filter (where volume > 0))[1], (array_agg(open order by timestamp))[1]) as open,
       coalesce(max(high) filter (where volume > 0), max(high)) as high,
       coalesce(min(low) filter (where volume > 0), min(low)) as low,
       (array_agg(close order by timestamp))[count(*)] as close,
       {volume} as volume,
       case when count(quote_volume) = count(*) then {quote_volume} end as quote_volume,
       case when count(trades) = count(*) then sum(trades)::bigint end as trades,
       case when count(taker_buy_volume) = count(*) then {taker_buy_volume} end as taker_buy_volume,
       min(first_trade_id) as first_trade_id, max(last_trade_id) as last_trade_id,
       case when count(*) < %(members)s or not bool_and(complete) then false
            when count(complete) = count(*) then true end as complete,
       case when bool_or(origin = 'exchange') then 'exchange'
            when bool_or(origin = 'healed') then 'healed' else 'live' end as origin,
       sum(revision)::integer as revision
from market_data
where symbol = %(symbol)s and timeframe = '1m' and timestamp > %(after)s and timestamp <= %(until)s
group by 1
order by 1
""".format(
    # Sums carry noise behind the venue's digits; above 9e7 a double has no eighth digit to round to.
    **{
        name: f"case when sum({name}) < 9e7 then round(sum({name}) * 1e8) / 1e8 else sum({name}) end"
        for name in ("volume", "quote_volume", "taker_buy_volume")
    }
)


class PlainStorage:
    """The storage of a plain PostgreSQL server; one for each engine."""

    name = "plain"

    def __init__(self) -> None:
        self._ready: set[tuple[str, int]] = set()
        self._lock = threading.Lock()

    def ensure_partitions(self, connection: sa.Connection, table: str, *, start_us: int, end_us: int) -> None:
        """Make the monthly partitions that rows from `start_us` to `end_us` (both included) need; cheap when they are there.

        They are made beside the caller's transaction, so that its rollback does not take them away.
        """
        first, last = _month(start_us), _month(end_us)
        missing = [month for month in range(first, last + 1) if (table, month) not in self._ready]
        if not missing:
            return
        with self._lock, connection.engine.begin() as beside:
            beside.execute(sa.text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            for month in missing:
                _make_partition(beside, table, month)
        self._ready.update((table, month) for month in missing)

    @property
    def wider_candles(self) -> str:
        """A query for candles made of 1m rows.

        Its parameters are symbol, width (microseconds), members (1m rows in a whole bucket), after and until (closes of buckets).
        """
        return _WIDER


def _month(moment_us: int) -> int:
    """Return the number of a month, counted from year 0."""
    moment = to_datetime(moment_us)
    return moment.year * 12 + moment.month - 1


def _begin(month: int) -> datetime:
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)


def _make_partition(connection: sa.Connection, table: str, month: int) -> None:
    begin, end = _begin(month), _begin(month + 1)
    name = f"{table}_{begin:%Y_%m}"
    if connection.scalar(sa.text("select to_regclass(:name)"), {"name": name}) is not None:
        return
    # Attached instead of made as a partition: that waits for no reader and no writer of the table.
    connection.exec_driver_sql(f"create table {name} (like {table} including all)")
    connection.exec_driver_sql(f"alter table {table} attach partition {name} for values from ('{begin}') to ('{end}')")
    logger.info("partition table=%s month=%s", table, f"{begin:%Y-%m}")
