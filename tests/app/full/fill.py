"""A store with all that pages can show: what a system leaves that ran for days or a year. For tests, and for `bench/app.py`.

`fill(database, redis_url)` takes some seconds: 10 symbols of two days, holes in every state, 50 bots in every state, backtests of
every kind, checks, backfills, alerts, wishes and what Redis holds. Bots and backtests are made by the code that makes them live, so
that their numbers agree with each other and with the candles. The same moment gives the same rows.
"""

from db import DatabaseOperations, rollups
from market.clock import now_us
from market.timeframe import DAY_US, MINUTE_US
from tests.app.full.backtests import fill_backtests
from tests.app.full.bots import fill_bots
from tests.app.full.candles import fill_candles, fill_trades
from tests.app.full.live import Mover
from tests.app.full.records import fill_records


def fill(database: DatabaseOperations, redis_url: str | None = None, *, days: int = 2, end_us: int | None = None) -> int:
    """Fill a store that is empty, and Redis with how all of it is at that moment.

    Args:
        database: With the newest schema.
        redis_url: Of an empty Redis; None for none.
        days: Of candles; bots are there for three weeks at most.
        end_us: Close of the newest minute; None for now.

    Returns:
        Close of the newest minute, UTC epoch microseconds.
    """
    end_us = (now_us() if end_us is None else end_us) // MINUTE_US * MINUTE_US
    start_us = end_us - days * DAY_US
    fill_candles(database, start_us, end_us)
    rollups.refresh(database.engine)
    fill_trades(database, end_us)
    fill_records(database, start_us, end_us)
    fill_bots(database, max(start_us, end_us - 21 * DAY_US), end_us)
    fill_backtests(database, max(start_us, end_us - 90 * DAY_US), end_us)
    if redis_url is not None:
        with Mover(database, redis_url) as mover:
            mover.tell(end_us + 20_000_000, lifetime_seconds=3_600)
    return end_us
