"""The step that keeps the database small and fast."""

import asyncio

from prefect import task
from prefect.cache_policies import NO_CACHE

from db.maintenance import Maintained, maintain
from tasks import resources
from tasks.retrying import DELAYS_SECONDS, worth_another_try


@task(retries=3, retry_delay_seconds=DELAYS_SECONDS, retry_condition_fn=worth_another_try, cache_policy=NO_CACHE)
async def tidy_up() -> Maintained:
    """Compress, drop, make partitions ahead and vacuum, as the settings have it."""
    settings = resources.settings()
    days = {name: getattr(settings.database, name) for name in ("raw_trades_days", "compress_after_days")}
    days["signals_days"] = settings.bots.signals_days
    with resources.store() as db:
        return await asyncio.to_thread(maintain, db.engine, **days)
