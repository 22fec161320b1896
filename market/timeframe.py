"""Timeframes and where their candles begin and end, right-aligned, in UTC."""

from enum import StrEnum

from market.errors import TimeframeError

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
DAY_US = 86_400 * SECOND_US

# Weeks start on Monday; the epoch was a Thursday, so the first Monday is four days later.
_FIRST_MONDAY_US = 4 * DAY_US
_UNITS_US = {"s": SECOND_US, "m": MINUTE_US, "h": 3_600 * SECOND_US, "d": DAY_US, "w": 7 * DAY_US}


class Timeframe(StrEnum):
    """The width of a candle."""

    S1 = "1s"
    S5 = "5s"
    S15 = "15s"
    S30 = "30s"
    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H4 = "4h"
    H12 = "12h"
    D1 = "1d"
    W1 = "1w"

    @property
    def width_us(self) -> int:
        """Length of one span in microseconds."""
        return int(self[:-1]) * _UNITS_US[self[-1]]

    @property
    def origin_us(self) -> int:
        """A moment at which a span of this width begins."""
        return _FIRST_MONDAY_US if self is Timeframe.W1 else 0

    def close_of(self, moment_us: int) -> int:
        """Return the close of the span that holds a moment; a moment on a border belongs to the next span."""
        width, origin = self.width_us, self.origin_us
        return (moment_us - origin) // width * width + width + origin

    def open_of(self, moment_us: int) -> int:
        """Return the begin of the span that holds a moment."""
        return self.close_of(moment_us) - self.width_us

    def is_close(self, moment_us: int) -> bool:
        """Return whether a moment is the close of some span."""
        return (moment_us - self.origin_us) % self.width_us == 0

    def divides(self, wider: "Timeframe") -> bool:
        """Return whether spans of `wider` are made of whole spans of this width."""
        return wider.width_us % self.width_us == 0


BASE = Timeframe.M1
"""The only timeframe built from trades for storage; wider ones come from it."""


def parse_timeframe(text: str) -> Timeframe:
    """Return the timeframe that a text names.

    Raises:
        TimeframeError: If the text is not one of the known timeframes.
    """
    try:
        return Timeframe(text)
    except ValueError:
        raise TimeframeError(str(text), [str(known) for known in Timeframe]) from None
