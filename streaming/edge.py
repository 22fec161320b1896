"""The live edge: wider candles made of the minutes as they come, before the database has them."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from market.candle import Candle
from market.errors import InputError
from market.rollup import roll_up
from market.timeframe import BASE, Timeframe


class LiveEdge:
    """The wider candles of one symbol, each timeframe rolled up from the next narrower one: a day costs no more than an hour.

    Args:
        timeframes: What to offer besides the base; any order.

    Raises:
        InputError: If one is narrower than a minute, or not made of whole spans of the next narrower one.
    """

    def __init__(self, timeframes: Iterable[Timeframe]) -> None:
        levels = sorted({BASE, *timeframes}, key=lambda timeframe: timeframe.width_us)
        for narrow, wide in pairwise(levels):
            if not narrow.divides(wide):
                raise InputError(f"{wide} candles cannot be made of {narrow} candles; leave one of them out of the live timeframes")
        if levels[0] is not BASE:
            raise InputError(f"the narrowest live timeframe is {BASE}; {levels[0]} can be read from stored trades")
        self._levels = levels[1:]
        self._members: dict[Timeframe, list[Candle]] = {level: [] for level in self._levels}
        self._closed_us = dict.fromkeys(self._levels, 0)

    def take(self, minutes: Sequence[Candle]) -> list[Candle]:
        """Take closed or revised minutes; return the wider candles that they closed.

        A revised minute of a span that is closed already changes nothing here; the database rolls it up again.
        """
        closed: list[Candle] = []
        narrow: Sequence[Candle] = minutes
        for level in self._levels:
            narrow = self._close(level, narrow)
            closed += narrow
        return closed

    def forming(self, minute: Candle) -> list[Candle]:
        """Return the wider candles that are forming, given the minute that is."""
        found: list[Candle] = []
        narrow = minute
        for level in self._levels:
            label = level.close_of(narrow.open_us)
            members = [member for member in self._members[level] if level.close_of(member.open_us) == label]
            narrow = roll_up([*members, narrow], level)[-1]
            found.append(narrow)
        return found

    def _close(self, level: Timeframe, narrow: Sequence[Candle]) -> list[Candle]:
        members, closed = self._members[level], []
        for candle in narrow:
            label = level.close_of(candle.open_us)
            if label <= self._closed_us[level]:
                continue  # a revision in a span that was published: its other members are gone, the database has them
            if members and label < level.close_of(members[-1].open_us):
                continue
            if members and label > level.close_of(members[-1].open_us):
                members.clear()  # its last members never came: a hole; the database says so
            members[:] = [member for member in members if member.timestamp_us != candle.timestamp_us]
            members.append(candle)
            if candle.timestamp_us == label:
                closed += roll_up(members, level)
                members.clear()
                self._closed_us[level] = label
        return closed
