"""Which ids of a symbol were seen, and which are missing."""

from bisect import bisect_right
from enum import Enum

import msgspec

Ids = tuple[int, int]
"""The lowest and the highest of some consecutive ids."""


class Standing(Enum):
    """What the ids of a trade are to those seen before."""

    FIRST = "first"
    NEXT = "next"
    AFTER_HOLE = "after_hole"
    LATE = "late"
    DUPLICATE = "duplicate"
    OVERLAP = "overlap"


class IdHole(msgspec.Struct, eq=False):
    """Ids that were skipped, and what of them is still missing.

    Attributes:
        first_id: The lowest id skipped.
        last_id: The highest one.
        start_us: Time of the trade before them, UTC epoch microseconds.
        end_us: Time of the trade behind them.
        missing: What is not there yet, lowest first.
        recovered: Ids that came after all.
    """

    first_id: int
    last_id: int
    start_us: int
    end_us: int
    missing: list[Ids]
    recovered: int = 0

    def fill(self, first_id: int, last_id: int) -> int:
        """Note that these ids are there; return how many of them were missing."""
        left: list[Ids] = []
        filled = 0
        for low, high in self.missing:
            inside = min(high, last_id) - max(low, first_id) + 1
            if inside <= 0:
                left.append((low, high))
                continue
            filled += inside
            left += [(a, b) for a, b in ((low, first_id - 1), (last_id + 1, high)) if a <= b]
        self.missing = left
        self.recovered += filled
        return filled


class IdSequence:
    """The ids of one symbol: all up to `last_id` were seen, but those missing in `holes`.

    Attributes:
        last_id: The highest id seen, None before the first.
        last_us: The time of the trade with that id.
        holes: What is missing, lowest ids first; they share no id.
    """

    __slots__ = ("holes", "last_id", "last_us")

    def __init__(self) -> None:
        self.last_id: int | None = None
        self.last_us = 0
        self.holes: list[IdHole] = []

    def standing(self, first_id: int, last_id: int) -> Standing:
        """Return what a trade with these ids is; it changes nothing.

        OVERLAP stands for a trade of several fills of which some were seen and some were not: it can neither be counted nor
        left out.
        """
        if self.last_id is None:
            return Standing.FIRST
        if first_id == self.last_id + 1:
            return Standing.NEXT
        if first_id > self.last_id:
            return Standing.AFTER_HOLE
        missing = [ids for hole in self.touched(first_id, last_id) for ids in hole.missing]
        if last_id <= self.last_id and any(low <= first_id and last_id <= high for low, high in missing):
            return Standing.LATE
        if last_id > self.last_id or any(low <= last_id and first_id <= high for low, high in missing):
            return Standing.OVERLAP
        return Standing.DUPLICATE

    def take(self, first_id: int, last_id: int, moment_us: int) -> IdHole | None:
        """Note a trade that comes first, next or behind a hole; return the hole before it, if there is one."""
        hole = None
        if self.last_id is not None and first_id > self.last_id + 1:
            hole = self.skip(first_id - 1, moment_us)
        self.last_id, self.last_us = last_id, moment_us
        return hole

    def skip(self, last_id: int, moment_us: int) -> IdHole:
        """Note that ids behind all seen ones, up to `last_id`, exist and are missing; return the hole they make."""
        assert self.last_id is not None
        first_id = self.last_id + 1
        hole = IdHole(first_id, last_id, min(self.last_us, moment_us), max(self.last_us, moment_us), [(first_id, last_id)])
        self.holes.append(hole)
        self.last_id, self.last_us = last_id, moment_us
        return hole

    def touched(self, first_id: int, last_id: int) -> list[IdHole]:
        """Return the holes of which some id lies in a range."""
        start = bisect_right(self.holes, first_id, key=lambda hole: hole.first_id)
        found = []
        for hole in self.holes[max(0, start - 1) :]:
            if hole.first_id > last_id:
                break
            if hole.last_id >= first_id:
                found.append(hole)
        return found

    def reopen(self, hole: IdHole) -> None:
        """Take up a hole that was noted before; its ids lie below the highest one seen."""
        self.holes.append(hole)
        self.holes.sort(key=lambda each: each.first_id)

    def close(self, hole: IdHole) -> None:
        """Forget a hole: nothing of it will come any more."""
        self.holes = [each for each in self.holes if each is not hole]
