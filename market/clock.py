"""The only place that reads the time, and the only one that converts it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol

from market.errors import TimeError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class TimeSource(Protocol):
    """Where the time comes from."""

    def now_us(self) -> int:
        """Return the wall clock, UTC epoch microseconds."""

    def monotonic(self) -> float:
        """Return seconds that never go back."""


class _System:
    def now_us(self) -> int:
        return time.time_ns() // 1_000

    def monotonic(self) -> float:
        return time.monotonic()


_sources: list[TimeSource] = [_System()]


def now_us() -> int:
    """Return the local wall clock, UTC epoch microseconds."""
    return _sources[-1].now_us()


def monotonic() -> float:
    """Return seconds on a clock that never goes back; only differences mean anything."""
    return _sources[-1].monotonic()


@contextmanager
def using(source: TimeSource) -> Iterator[None]:
    """Take the time of this process from somewhere else: a simulation's."""
    _sources.append(source)
    try:
        yield
    finally:
        _sources.pop()


def to_datetime(moment_us: int) -> datetime:
    """Return a moment as an aware datetime in UTC."""
    return _EPOCH + timedelta(microseconds=moment_us)


def from_datetime(moment: datetime) -> int:
    """Return a datetime as UTC epoch microseconds; one without a zone is taken as UTC."""
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return (aware - _EPOCH) // _MICROSECOND


def parse_time(text: str) -> int:
    """Return the moment that a person typed: ISO 8601 (UTC unless it says otherwise) or epoch seconds.

    Raises:
        TimeError: If the text is neither, or beyond the years 1 to 9999.
    """
    stripped = text.strip()
    try:
        if stripped.replace(".", "", 1).isdigit() and len(stripped.split(".")[0]) > 8:
            found = round(float(stripped) * 1_000_000)
        else:
            found = from_datetime(datetime.fromisoformat(stripped))
        to_datetime(found)  # what no calendar has is no moment, such as milliseconds taken for seconds
    except (ValueError, OverflowError):
        raise TimeError(text) from None
    return found


def isoformat(moment_us: int) -> str:
    """Return a moment as text, `2024-08-09T23:55:00Z`; microseconds only where there are any."""
    return to_datetime(moment_us).isoformat().replace("+00:00", "Z")
