"""What is stored of each table and symbol, how much room it takes, and how much comes in a day."""

from dataclasses import dataclass

import sqlalchemy as sa

from db.storage import storage_of
from db.tables import metadata
from db.wider import ROLLUPS, relation_of
from market.clock import from_datetime, to_datetime
from market.timeframe import DAY_US

RATE_DAYS = 7
"""What comes in a day is the mean of so many whole ones."""

SAMPLE = 1_000
"""So many of the newest rows of trades say how many fills a row of them holds."""

_SYMBOLS = f"""
with recursive known as (
    (select symbol from market_data order by symbol limit 1)
    union all
    select (select symbol from market_data where symbol > known.symbol order by symbol limit 1)
    from known where known.symbol is not null
)
select pg_database_size(current_database()) as bytes, known.symbol, minutes.first, minutes.last,
    trades.first as first_trade, trades.last as last_trade, lately.minutes, lately.trades, newest.fills
from (values (1)) as one (row)
left join known on known.symbol is not null
left join lateral (
    select min(timestamp) as first, max(timestamp) as last from market_data where symbol = known.symbol and timeframe = '1m'
) as minutes on true
left join lateral (
    select min(timestamp) as first, max(timestamp) as last from raw_trades where symbol = known.symbol
) as trades on true
left join lateral (
    select sum(members)::bigint as minutes, sum(trades) filter (where origin <> 'exchange')::bigint as trades
    from candles_1d where symbol = known.symbol and bucket > :since and bucket <= :until
) as lately on true
left join lateral (
    select avg(count) as fills from (
        select count from raw_trades where symbol = known.symbol order by timestamp desc limit {SAMPLE}
    ) as sample
) as newest on true
order by known.symbol
"""  # noqa: S608 - a number of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table, or the relation of a rollup.

    Attributes:
        name: Of it.
        bytes: Its size, indexes included.
        rows: About how many there are.
        parts: Chunks of it; None where it has none that can be compressed.
        compressed_parts: How many of them are in the columnstore.
        bytes_before: How large those were before.
        bytes_after: How large they are.
    """

    name: str
    bytes: int
    rows: int
    parts: int | None = None
    compressed_parts: int | None = None
    bytes_before: int | None = None
    bytes_after: int | None = None

    @property
    def ratio(self) -> float | None:
        """How many times smaller the columnstore made it; None where it did not."""
        return self.bytes_before / self.bytes_after if self.bytes_before and self.bytes_after else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What there is of one symbol; None where there is none.

    Attributes:
        symbol: `EXCHANGE:BASE-QUOTE`.
        first_us: Close of its first minute, UTC epoch microseconds.
        last_us: Close of its last one.
        first_trade_us: Time of its first trade that is kept.
        last_trade_us: Time of its last one.
        minutes_a_day: Minutes that came in a day lately.
        trades_a_day: Trades that came in a day lately, of days that are made of trades; a row may hold several.
        rows_a_day: About how many rows of them that were; 0 where none is kept.
    """

    symbol: str
    first_us: int | None
    last_us: int | None
    first_trade_us: int | None
    last_trade_us: int | None
    minutes_a_day: float
    trades_a_day: float
    rows_a_day: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """All of it.

    Attributes:
        storage: `plain` or `timescale`.
        bytes: Size of the whole database.
        tables: The largest first.
        symbols: In the order of the alphabet.
    """

    storage: str
    bytes: int
    tables: tuple[Table, ...]
    symbols: tuple[Stored, ...]


def usage(connection: sa.Connection, at_us: int) -> Usage:
    """Return what is stored.

    Args:
        connection: Of a transaction.
        at_us: The present, UTC epoch microseconds; the days before this one say what comes in a day.
    """
    storage = storage_of(connection)
    sizes = storage.sizes(connection, sorted([*metadata.tables, *map(relation_of, ROLLUPS)]))
    packed = storage.compression(connection)
    today_us = at_us - at_us % DAY_US
    bounds = {"since": to_datetime(today_us - RATE_DAYS * DAY_US), "until": to_datetime(today_us)}
    rows = connection.execute(sa.text(_SYMBOLS), bounds).all()
    tables = [_table(name, *size, packed.get(name)) for name, size in sizes.items()]
    return Usage(
        storage=storage.name, bytes=rows[0].bytes, tables=tuple(sorted(tables, key=lambda each: (-each.bytes, each.name))),
        symbols=tuple(_stored(row) for row in rows if row.symbol is not None),
    )  # fmt: skip


def _table(name: str, size: int, rows: int, packed: dict[str, float] | None) -> Table:
    if packed is None:
        return Table(name=name, bytes=size, rows=rows)
    return Table(
        name=name, bytes=size, rows=rows, parts=int(packed["chunks"]), compressed_parts=int(packed["compressed_chunks"]),
        bytes_before=int(packed["bytes_before"]), bytes_after=int(packed["bytes_after"]),
    )  # fmt: skip


def _stored(row: sa.Row[tuple[object, ...]]) -> Stored:
    spans = {
        name: None if (moment := getattr(row, column)) is None else from_datetime(moment)
        for name, column in (
            ("first_us", "first"), ("last_us", "last"), ("first_trade_us", "first_trade"), ("last_trade_us", "last_trade"),
        )
    }  # fmt: skip
    trades = (row.trades or 0) / RATE_DAYS
    return Stored(
        symbol=row.symbol, minutes_a_day=(row.minutes or 0) / RATE_DAYS, trades_a_day=trades,
        rows_a_day=trades / float(row.fills) if row.fills else 0.0, **spans,
    )  # fmt: skip
