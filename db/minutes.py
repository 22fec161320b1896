"""Stored minutes of several symbols as they come: what is behind the newest one that somebody knows, in one query."""

from collections.abc import Mapping
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

from market.clock import from_datetime, to_datetime

_AFTER = sa.text("""
select known.symbol, stored.* from unnest(cast(:symbols as text[]), cast(:moments as timestamptz[])) as known (symbol, moment)
cross join lateral (
    select timestamp, open, high, low, close, volume, complete, revision from market_data
    where market_data.symbol = known.symbol and timeframe = '1m' and timestamp > known.moment
    order by timestamp limit :most
) as stored
order by known.symbol, stored.timestamp
""").bindparams(sa.bindparam("moments", type_=ARRAY(TIMESTAMP(timezone=True))))


class StoredMinute(NamedTuple):
    """A stored candle of a minute.

    Attributes:
        timestamp_us: Close, UTC epoch microseconds.
        prices: Open, high, low, close in the quote currency, and the volume in the base currency.
        complete: True where it is proven whole, False where it lacks trades, None where nothing proves either.
        revision: How often it changed since it closed.
    """

    timestamp_us: int
    prices: tuple[float, float, float, float, float]
    complete: bool | None
    revision: int


def minutes_after(connection: sa.Connection, moments_us: Mapping[str, int], most: int) -> dict[str, list[StoredMinute]]:
    """Return the stored minutes of each symbol that close behind a moment, oldest first, at most so many of each."""
    known = {"symbols": list(moments_us), "moments": [to_datetime(moment) for moment in moments_us.values()], "most": most}
    found: dict[str, list[StoredMinute]] = {}
    for symbol, stamp, *prices, complete, revision in connection.execute(_AFTER, known):
        minute = StoredMinute(from_datetime(stamp), tuple(prices), complete, revision)
        found.setdefault(symbol, []).append(minute)
    return found
