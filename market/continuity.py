"""Which ids of a symbol were seen, and which are missing."""

from enum import Enum

import msgspec


class Standing(Enum):
    """What an id is to the ids seen before it."""

    FIRST = "first"
    NEXT = "next"
    AFTER_HOLE = "after_hole"
    LATE = "late"
    DUPLICATE = "duplicate"


class IdHole(msgspec.Struct, frozen=True, gc=False):
    """Ids that were skipped, both ends included, and the moments of the trades on both sides."""

    first_id: int
    last_id: int
    start_us: int
    end_us: int


class IdSequence:
    """The ids of one symbol: all up to `last_id` were seen, but those in `holes`.

    Attributes:
        last_id: The highest id seen, None before the first.
        last_us: The time of the trade with that id.
        holes: What is missing, oldest first. It grows by one with each hole and shrinks as late trades fill them.
    """

    __slots__ = ("holes", "last_id", "last_us")

    def __init__(self) -> None:
        self.last_id: int | None = None
        self.last_us = 0
        self.holes: list[IdHole] = []

    def standing(self, first_id: int, last_id: int) -> Standing:
        """Return what a trade with these ids is; it changes nothing."""
        if self.last_id is None:
            return Standing.FIRST
        if first_id == self.last_id + 1:
            return Standing.NEXT
        if first_id > self.last_id:
            return Standing.AFTER_HOLE
        missing = any(hole.first_id <= last_id and first_id <= hole.last_id for hole in self.holes)
        return Standing.LATE if missing else Standing.DUPLICATE

    def take(self, first_id: int, last_id: int, moment_us: int) -> IdHole | None:
        """Note a trade that comes first, next or behind a hole; return the hole before it, if there is one."""
        hole = None
        if self.last_id is not None and first_id > self.last_id + 1:
            hole = IdHole(self.last_id + 1, first_id - 1, min(self.last_us, moment_us), max(self.last_us, moment_us))
            self.holes.append(hole)
        self.last_id, self.last_us = last_id, moment_us
        return hole

    def fill(self, first_id: int, last_id: int) -> list[tuple[IdHole, list[IdHole]]]:
        """Note a late trade; return each hole it touched with what is left of it."""
        touched = [hole for hole in self.holes if hole.first_id <= last_id and first_id <= hole.last_id]
        found = []
        for hole in touched:
            rest = [
                IdHole(first, last, hole.start_us, hole.end_us)
                for first, last in ((hole.first_id, first_id - 1), (last_id + 1, hole.last_id))
                if first <= last
            ]
            place = self.holes.index(hole)
            self.holes[place : place + 1] = rest
            found.append((hole, rest))
        return found
