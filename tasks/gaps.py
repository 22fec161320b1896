"""The steps that heal holes which no worker looks after."""

import asyncio

from prefect import task
from prefect.cache_policies import NO_CACHE

from streaming.unfollowed import Swept, heal_unfollowed, with_open_holes
from tasks import resources
from tasks.retrying import DELAYS_SECONDS, worth_another_try


@task(retries=3, retry_delay_seconds=DELAYS_SECONDS, retry_condition_fn=worth_another_try, cache_policy=NO_CACHE)
async def find_holes() -> dict[str, list[str]]:
    """Return the symbols with open holes, by venue."""
    with resources.store() as db:
        return await asyncio.to_thread(with_open_holes, db)


@task(retries=1, retry_delay_seconds=30, retry_condition_fn=worth_another_try, cache_policy=NO_CACHE)
async def heal(exchange: str, symbols: list[str]) -> list[Swept]:
    """Heal the holes of a venue's symbols that no worker follows."""
    settings = resources.settings()
    provider = resources.provider_from(settings, exchange)
    with resources.store() as db, resources.bus() as bus:
        return await heal_unfollowed(db, provider, symbols, keep_trades=settings.database.raw_trades, bus=bus)
