"""Puts the streaming worker together from the settings."""

import asyncio
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from db import schema
from db.home import running_state
from db.operations import get_database_operations
from exchanges import VENUES, find_venue
from exchanges.base import DataProvider, Endpoints
from market.errors import InputError, PlatformError, StoreUnreachable, did_you_mean
from streaming.collector import DataCollector

if TYPE_CHECKING:
    from settings import Settings


def provider_from(settings: "Settings", name: str, *, channel: str | None = None) -> DataProvider:
    """Return a venue at the addresses that the settings give it.

    Args:
        settings: All settings.
        name: The venue's name, in either case.
        channel: The trade channel where the settings name none; the venue's default if None.

    Raises:
        InputError: If there is no such venue or channel, or the settings speak of a venue that there is not.
    """
    venue = find_venue(name)
    for known in settings.venues:
        if known.upper() not in VENUES:
            names = [each.lower() for each in VENUES]
            raise InputError(f"setting 'venues.{known}' is of no venue; there are {', '.join(names)}{did_you_mean(known, names)}")
    own = settings.venues.get(venue.name.lower())
    if own is None:
        return venue(channel=channel)
    channel = own.channel or channel
    home = venue.home_of(channel or venue.channels[0])
    return venue(channel=channel, endpoints=Endpoints(own.stream_url or home.stream, own.rest_url or home.rest))


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
