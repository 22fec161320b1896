"""The step that brings the wider candles up to date."""

import asyncio

from prefect import task
from prefect.cache_policies import NO_CACHE

from db.rollups import Refreshed, refresh
from tasks import resources
from tasks.retrying import DELAYS_SECONDS, Busy, worth_another_try


@task(
    retries=3,
    retry_delay_seconds=DELAYS_SECONDS,
    retry_jitter_factor=0.2,
    retry_condition_fn=worth_another_try,
    cache_policy=NO_CACHE,
)
async def roll_up(symbols: list[str] | None) -> Refreshed:
    """Refresh the rollups of some symbols, or of all, where their minutes changed."""
    with resources.store() as db:
        refreshed = await asyncio.to_thread(refresh, db.engine, symbols)
    if refreshed is None:
        raise Busy("somebody else refreshes the rollups of this database at this moment")
    return refreshed
