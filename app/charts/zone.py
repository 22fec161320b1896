"""The time zone of the screen: what is stored is UTC, and is moved for charts and words only."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pandas as pd

from market.clock import to_datetime
from market.errors import InputError, did_you_mean


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone with the offset that it has at one moment.

    A chart has one offset from its left to its right, that of its newest moment, and its axis says which: over a change of the
    clocks no hour is drawn twice, and none is missing. Tables and sentences tell each moment by the offset that it had itself, and
    name the zone without one.

    Attributes:
        name: As in the database of time zones, `Europe/Berlin`.
        offset: What is added to UTC in charts.
    """

    name: str = "UTC"
    offset: timedelta = timedelta(0)

    def __str__(self) -> str:
        return self.name if self.name == "UTC" else f"{self.name} (UTC{_signed(self.offset)})"

    def moved(self, moments: "pd.Series[pd.Timestamp]") -> "pd.Series[pd.Timestamp]":
        """Return moments in UTC moved by the one offset of a chart, still called UTC, which is what charts draw."""
        return moments + pd.Timedelta(self.offset) if self.offset else moments

    def told(self, at_us: int, form: str = "%Y-%m-%d %H:%M:%S") -> str:
        """Return what clocks of this zone showed at a moment, UTC epoch microseconds, by the offset that they had then."""
        moment = to_datetime(at_us)
        return f"{moment if self.name == 'UTC' else moment.astimezone(ZoneInfo(self.name)):{form}}"

    def told_all(self, moments: "pd.Series[pd.Timestamp]", form: str = "%Y-%m-%d %H:%M") -> "pd.Series[str]":
        """Return what clocks of this zone showed at moments in UTC, each by the offset that they had then."""
        return moments.dt.tz_convert(ZoneInfo(self.name)).dt.strftime(form)


UTC = Zone()


def zone_at(name: str, at_us: int) -> Zone:
    """Return a time zone as it is at a moment.

    Args:
        name: As in the database of time zones.
        at_us: UTC epoch microseconds.

    Raises:
        InputError: If there is none of that name.
    """
    if name == "UTC":
        return UTC
    names = zone_names()
    if name not in names:
        raise InputError(f"time zone {name!r} is none that is known, such as UTC or Europe/Berlin{did_you_mean(name, names)}")
    offset = to_datetime(at_us).astimezone(ZoneInfo(name)).utcoffset()
    return Zone(name, offset or timedelta(0))


@cache
def zone_names() -> list[str]:
    """Return the names of all time zones: UTC, then the others by the alphabet; the files are looked through once."""
    named = (name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/")))
    return ["UTC", *sorted(named)]


def _signed(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
