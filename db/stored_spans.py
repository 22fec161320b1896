"""From when to when candles of each symbol and width are stored, found by jumps through the index and not by counting."""

from dataclasses import dataclass

import sqlalchemy as sa

from market.clock import from_datetime
from market.timeframe import Timeframe

_SPANS = """
with recursive known as (
    (select symbol from market_data order by symbol limit 1)
    union all
    select (select symbol from market_data where symbol > known.symbol order by symbol limit 1)
    from known where known.symbol is not null
)
select known.symbol, width.name, oldest.timestamp as first, newest.timestamp as last
from known
cross join unnest(cast(:all as text[])) as width (name)
cross join lateral (
    select timestamp from market_data where symbol = known.symbol and timeframe = width.name order by timestamp limit 1
) as oldest
cross join lateral (
    select timestamp from market_data where symbol = known.symbol and timeframe = width.name order by timestamp desc limit 1
) as newest
where known.symbol is not null
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What is stored of a symbol in one width.

    Attributes:
        symbol: `EXCHANGE:BASE-QUOTE`.
        timeframe: Width of the rows.
        first_us: Close of the oldest row, UTC epoch microseconds.
        last_us: Close of the newest one.
    """

    symbol: str
    timeframe: Timeframe
    first_us: int
    last_us: int


def spans(connection: sa.Connection) -> list[Span]:
    """Return from when to when rows are stored, in the order of the symbols and the widths."""
    rows = connection.execute(sa.text(_SPANS), {"all": list(map(str, Timeframe))}).all()
    found = [
        Span(symbol=row[0], timeframe=Timeframe(row[1]), first_us=from_datetime(row[2]), last_us=from_datetime(row[3]))
        for row in rows
    ]
    return sorted(found, key=lambda each: (each.symbol, each.timeframe.width_us))
