"""The steps that compare our candles with the venues' own."""

import asyncio

from prefect import task
from prefect.cache_policies import NO_CACHE

from history.reconcile import Reconciled, own_symbols, reconcile
from market.clock import now_us
from tasks import resources
from tasks.retrying import DELAYS_SECONDS, worth_another_try


@task(retries=3, retry_delay_seconds=DELAYS_SECONDS, retry_condition_fn=worth_another_try, cache_policy=NO_CACHE)
async def find_own(hours: float) -> list[str]:
    """Return the symbols of which candles were made of trades lately."""
    with resources.store() as db:
        return await asyncio.to_thread(own_symbols, db, hours, now_us())


@task(retries=3, retry_delay_seconds=DELAYS_SECONDS, retry_condition_fn=worth_another_try, cache_policy=NO_CACHE)
async def compare(exchange: str, symbols: list[str], hours: float) -> list[Reconciled]:
    """Compare the last hours of a venue's symbols with its own candles, and note where they differ."""
    venue = resources.candle_venue(resources.settings(), exchange, symbols)
    with resources.store() as db:
        return await reconcile(db, venue, symbols, hours=hours)
