"""How much of each day is stored as minutes, and how far it can be trusted."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import sqlalchemy as sa

from db.bounds import lower, upper
from market.clock import from_datetime
from market.timeframe import BASE

if TYPE_CHECKING:
    import pandas as pd

COUNTS = ("present", "complete", "unproven", "incomplete", "without_trades", "missing", "open_holes")
"""What is counted of each day, in the order of the columns."""

# A minute belongs to the day in which it opens; its label is a microsecond too late to say so. Days and their borders are
# timestamps without a zone, so that the session's zone does not matter.
_DAYS = """
with spans as (
    select wanted.symbol, greatest(stored.first, :first) as first, least(stored.last, :last) as last
    from unnest(cast(:symbols as text[])) as wanted (symbol),
        lateral (
            select min(timestamp) as first, max(timestamp) as last
            from market_data where symbol = wanted.symbol and timeframe = '1m'
        ) as stored
    where stored.first is not null and greatest(stored.first, :first) <= least(stored.last, :last)
),
days as (
    select symbol, day,
        extract(epoch from least(last, (day + interval '1 day') at time zone 'UTC')
            - greatest(first, (day + interval '1 minute') at time zone 'UTC')) / 60 + 1 as expected
    from spans, generate_series(
        date_trunc('day', (first - interval '1 microsecond') at time zone 'UTC'),
        date_trunc('day', (last - interval '1 microsecond') at time zone 'UTC'),
        interval '1 day'
    ) as day
),
minutes as (
    select symbol, date_trunc('day', (timestamp - interval '1 microsecond') at time zone 'UTC') as day,
        count(*) as present,
        count(*) filter (where complete) as complete,
        count(*) filter (where complete is null) as unproven,
        count(*) filter (where not complete) as incomplete,
        count(*) filter (where trades = 0 or (trades is null and volume = 0)) as without_trades
    from market_data
    where symbol = any(cast(:symbols as text[])) and timeframe = '1m' and timestamp >= :first and timestamp <= :last
    group by 1, 2
),
holes as (
    select days.symbol, days.day, count(*) as open_holes
    from days join gaps on gaps.symbol = days.symbol and gaps.state = 'open'
        and gaps.start < least((days.day + interval '1 day') at time zone 'UTC', :until)
        and gaps."end" >= greatest(days.day at time zone 'UTC', :since)
    group by 1, 2
)
select symbol, day, coalesce(present, 0) as present, coalesce(complete, 0) as complete,
    coalesce(unproven, 0) as unproven, coalesce(incomplete, 0) as incomplete, coalesce(without_trades, 0) as without_trades,
    cast(expected - coalesce(present, 0) as bigint) as missing, coalesce(open_holes, 0) as open_holes
from days left join minutes using (symbol, day) left join holes using (symbol, day)
order by symbol, day
"""


def select(connection: sa.Connection, symbols: Sequence[str], *, start_us: int | None, end_us: int | None) -> "pd.DataFrame":
    """Return one row for each symbol and day from its first stored minute to its last one.

    Args:
        connection: Of a transaction.
        symbols: Which ones; those without a minute are left out.
        start_us: Minutes that open earlier do not count.
        end_us: Nor do those that close later.

    Returns:
        Columns symbol, day (its begin, datetime64[us, UTC]) and `COUNTS` (int64).
    """
    import pandas as pd  # noqa: PLC0415 - pandas is not for the path of the data

    from db.frames import moments  # noqa: PLC0415

    parameters = {
        "symbols": list(symbols),
        # Labels of the first and the last minute that lie whole between the bounds.
        "first": lower(None if start_us is None else BASE.close_of(start_us - 1) + BASE.width_us),
        "last": upper(None if end_us is None else BASE.open_of(end_us)),
        "since": lower(start_us),
        "until": upper(end_us),
    }
    typed = [sa.bindparam(name, type_=sa.TIMESTAMP(timezone=True)) for name in ("first", "last", "since", "until")]
    rows = connection.execute(sa.text(_DAYS).bindparams(*typed), parameters).all()
    table = pd.DataFrame(rows, columns=["symbol", "day", *COUNTS])
    days = moments(np.array([from_datetime(row.day) for row in rows], np.int64))
    return table.astype({"symbol": "str", **dict.fromkeys(COUNTS, "int64")}).assign(day=days)
