"""Puts the streaming worker together from the settings."""

import asyncio
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from db import schema
from db.home import running_state
from db.operations import get_database_operations
from market.errors import PlatformError, StoreUnreachable
from streaming.collector import DataCollector
from tasks.resources import provider_from

if TYPE_CHECKING:
    from settings import Settings


async def collect(settings: "Settings") -> None:
    """Follow the symbols of the settings until SIGINT or SIGTERM."""
    database_url, redis_url = addresses(settings)
    stream = settings.stream
    db = get_database_operations(database_url)
    with suppress(StoreUnreachable):  # the worker waits for it, and says so
        schema.check(db.engine)
    collector = DataCollector(
        db,
        redis_url,
        store_raw_data=settings.database.raw_trades,
        queue_trades=stream.queue_trades,
        linger_seconds=stream.linger_ms / 1000,
    )
    collector.register_provider(stream.exchange, provider_from(settings, stream.exchange))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, collector.stop)
    try:
        await collector.start_collection(stream.symbols, stream.timeframes)
    except BaseExceptionGroup as group:  # of several venues the first to fail ends all; it says what happened
        ours = group.subgroup(PlatformError)
        raise (_first(ours) if ours is not None else group) from None
    finally:
        db.close()


def _first(group: BaseExceptionGroup[PlatformError]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def addresses(settings: "Settings") -> tuple[str, str]:
    """Return the addresses of PostgreSQL and Redis: those of the settings, else those of a running `tcpdash up`.

    Raises:
        StoreUnreachable: If there are neither.
    """
    running = running_state(settings.home) or {}
    database, redis = (
        url.get_secret_value() if url is not None else running.get(name, {}).get("url")
        for name, url in (("postgres", settings.database.url), ("redis", settings.redis.url))
    )
    if database is None or redis is None:
        raise StoreUnreachable(
            f"no servers run on {settings.home}; start `tcpdash up`, or set TCPDASH_DATABASE__URL and TCPDASH_REDIS__URL"
        )
    return database, redis
