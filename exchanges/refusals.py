"""What a refusal over HTTP means: whether to try again, and when."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from market.clock import from_datetime
from market.errors import VenueError
from market.timeframe import SECOND_US

_NO_DATE = (ValueError, OverflowError)  # the latter for a zone without end


def http_refusal(venue: str, status: int, headers: Mapping[str, str], message: str) -> VenueError:
    """Return the refusal that an HTTP status means: 418, 429 and 5xx may be tried again, the rest may not.

    `headers` must be looked up in lower case.
    """
    transient = status in {408, 418, 425, 429} or status >= 500
    return VenueError(
        venue, f"HTTP {status} {message}".strip(), transient=transient, retry_after_seconds=retry_after_seconds(headers)
    )


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return how long `Retry-After` asks to wait, by number or by date (RFC 9110); None when it does not say."""
    text = headers.get("retry-after", "")
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return float(text)
    until_us = _date_us(text)
    return None if until_us is None else seconds_until(until_us, headers)


def seconds_until(moment_us: int, headers: Mapping[str, str]) -> float | None:
    """Return the seconds from an answer to a moment of the venue's, not below 0; None when the answer has no date.

    The answer's own date says what the venue's clock shows, so that a wrong local clock makes no ban longer or shorter.
    """
    said_us = _date_us(headers.get("date", ""))
    return None if said_us is None else max(0.0, (moment_us - said_us) / SECOND_US)


def _date_us(text: str) -> int | None:
    try:
        return from_datetime(parsedate_to_datetime(text))
    except _NO_DATE:
        return None
