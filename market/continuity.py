"""Which ids of a symbol were seen, and which are missing."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from enum import Enum
from operator import itemgetter

import msgspec

Ids = tuple[int, int]
"""The lowest and the highest of some consecutive ids."""

_low = itemgetter(0)


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
    """

    __slots__ = ("_runs", "last_id", "last_us")

    def __init__(self) -> None:
        self.last_id: int | None = None
        self.last_us = 0
        # What was missing when each hole was noted, lowest ids first. No two share an id, though a hole may lie inside another.
        self._runs: list[tuple[int, int, IdHole]] = []

    @property
    def holes(self) -> list[IdHole]:
        """What is missing, lowest ids first; no id is missing in two of them."""
        return list(dict.fromkeys(hole for _, _, hole in self._runs))

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
        self._runs.append((first_id, last_id, hole))
        self.last_id, self.last_us = last_id, moment_us
        return hole

    def touched(self, first_id: int, last_id: int) -> list[IdHole]:
        """Return the holes of which some id lies in a range, also where it came since."""
        return list(dict.fromkeys(hole for _, _, hole in self._inside(first_id, last_id)))

    def reopen(self, hole: IdHole) -> list[IdHole]:
        """Take up a hole that was noted before; its ids lie below the highest one seen.

        What is missing in another hole already is left to that one. Return those that were left something.
        """
        left: list[Ids] = []
        others: dict[IdHole, None] = {}
        for low, high in hole.missing:
            begin = low
            for first_id, last_id, other in self._inside(low, high):
                others[other] = None
                if begin < first_id:
                    left.append((begin, first_id - 1))
                begin = last_id + 1
            if begin <= high:
                left.append((begin, high))
        hole.missing = left
        for low, high in left:
            insort(self._runs, (low, high, hole), key=_low)
        return list(others)

    def close(self, hole: IdHole) -> None:
        """Forget a hole: nothing of it will come any more."""
        start = bisect_left(self._runs, hole.first_id, key=_low)
        end = bisect_right(self._runs, hole.last_id, key=_low)
        self._runs[start:end] = [run for run in self._runs[start:end] if run[2] is not hole]

    def _inside(self, first_id: int, last_id: int) -> Iterator[tuple[int, int, IdHole]]:
        start = max(0, bisect_right(self._runs, first_id, key=_low) - 1)
        for position in range(start, len(self._runs)):
            run = self._runs[position]
            if run[0] > last_id:
                break
            if run[1] >= first_id:
                yield run
