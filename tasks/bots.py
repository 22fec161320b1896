"""The steps that look after paper bots, and tell people of what happened."""

import asyncio

from prefect import task
from prefect.cache_policies import NO_CACHE

from alerts.loop import Looked
from tasks import resources
from tasks.retrying import DELAYS_SECONDS, worth_another_try
from trading.bots.rescue import Judged, rescue


@task(retries=2, retry_delay_seconds=DELAYS_SECONDS[:2], retry_condition_fn=worth_another_try, cache_policy=NO_CACHE)
async def look_after() -> list[Judged]:
    """Judge all bots, and do what there is to do about those that are stuck or crashed."""
    with resources.store() as db:
        return await asyncio.to_thread(rescue, db)


@task(retries=2, retry_delay_seconds=DELAYS_SECONDS[:2], retry_condition_fn=worth_another_try, cache_policy=NO_CACHE)
async def tell() -> Looked:
    """Note what people are to be told of, and send what is due, as the settings have it."""
    with resources.store() as db:
        return await asyncio.to_thread(resources.alerts(db, resources.settings()).look)
