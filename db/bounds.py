"""Moments as callers give them to a read: microseconds, datetimes, or no bound at all."""

from datetime import datetime

from market.clock import from_datetime, parse_time, to_datetime

Moment = int | datetime | str | None
"""UTC epoch microseconds, a datetime or ISO 8601 text (in UTC unless it says otherwise), or no bound."""


def microseconds(moment: Moment) -> int | None:
    """Return a moment as UTC epoch microseconds.

    Raises:
        TimeError: If a text is no moment.
    """
    if isinstance(moment, str):
        return parse_time(moment)
    return from_datetime(moment) if isinstance(moment, datetime) else moment


def lower(moment: Moment) -> datetime | str:
    """Return the start of a read as PostgreSQL takes it."""
    return _bound(moment, "-infinity")


def upper(moment: Moment) -> datetime | str:
    """Return the end of a read as PostgreSQL takes it."""
    return _bound(moment, "infinity")


def _bound(moment: Moment, otherwise: str) -> datetime | str:
    moment_us = microseconds(moment)
    return otherwise if moment_us is None else to_datetime(moment_us)
