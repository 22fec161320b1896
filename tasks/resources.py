"""What a step needs from outside: the settings, the store, and the venues at the addresses of the settings."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from db.operations import DatabaseOperations, get_database_operations
from exchanges import VENUES, find_venue
from exchanges.base import DataProvider, Endpoints
from market.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from alerts.loop import Alerts
    from db.bus import Bus
    from history.backfill import CandleVenue
    from settings import Settings


def settings() -> "Settings":
    """Return the settings of this process."""
    from settings import load_settings  # noqa: PLC0415 - they bring pydantic along

    return load_settings()


@contextmanager
def store() -> Iterator[DatabaseOperations]:
    """Yield the store that the settings name, or that of the running system."""
    db = get_database_operations()
    try:
        yield db
    finally:
        db.close()


@contextmanager
def bus() -> Iterator["Bus | None"]:
    """Yield Redis of the settings or of the running system; None where there is neither, and so nobody who listens."""
    from db.bus import Bus  # noqa: PLC0415 - not needed by most steps
    from db.home import running_state  # noqa: PLC0415 - see above

    own = settings()
    configured = own.redis.url.get_secret_value() if own.redis.url is not None else None
    url = configured or (running_state(own.home) or {}).get("redis", {}).get("url")
    found = None if url is None else Bus(url)
    try:
        yield found
    finally:
        if found is not None:
            found.close()


def alerts(db: DatabaseOperations, settings: "Settings") -> "Alerts":
    """Return what tells people of happenings as the settings have it.

    Raises:
        InputError: If an address in the settings cannot be used.
    """
    from alerts.loop import Alerts  # noqa: PLC0415 - not needed by most steps

    own = settings.alerts
    urls = [url.get_secret_value() for url in own.urls]
    return Alerts(db, urls, kinds=own.kinds, an_hour=own.an_hour, feed_seconds=own.feed_seconds)


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
    channel = own.channel or channel if own else channel
    home = venue.home_of(channel or venue.channels[0])
    stream, rest = (own.stream_url or home.stream, own.rest_url or home.rest) if own else (home.stream, home.rest)
    return venue(channel=channel, endpoints=Endpoints(stream, rest, str(settings.home / "limits")))


def unproven_venues(settings: "Settings") -> frozenset[str]:
    """Return the venues that the settings follow over a channel whose ids prove nothing."""
    named = {name.upper(): own.channel for name, own in settings.venues.items()}
    return frozenset(name for name, channel in named.items() if name in VENUES and channel in VENUES[name].unproven)


def candle_venue(settings: "Settings", exchange: str, symbols: Sequence[str]) -> "CandleVenue":
    """Return a venue that can be asked for candles: one of ours at the addresses of the settings, else one of ccxt's.

    Raises:
        InputError: If there is no such venue.
    """
    from history.backfill import NativeVenue  # noqa: PLC0415 - `tcpdash stream` needs no history

    if exchange in VENUES:
        return NativeVenue(provider_from(settings, exchange).following(symbols))
    from exchanges.generic import GenericVenue  # noqa: PLC0415 - it needs ccxt

    try:
        return GenericVenue(exchange)
    except ImportError as error:
        native = ", ".join(known.lower() for known in VENUES)
        raise InputError(f"{exchange} is none of {native}; for others install ccxt ({error})") from error
