"""What was seen of a file as a whole: its times, which rows repeat others, and where candles are missing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market.timeframe import Timeframe
from market.window import Window

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_MANY_STEPS = 16
_NUMBERS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class Repetitions:
    """Rows that have the time of another.

    Attributes:
        equal: How many repeat what the other says.
        clashes: Pairs that differ: time of the open, and the numbers of both rows, counted over the good rows of the file.
    """

    equal: int
    clashes: list[tuple[int, int, int]]


class Tally:
    """Remembers of each good row its time and a digest of its numbers: 16 bytes."""

    def __init__(self, timeframe: Timeframe) -> None:
        self._timeframe = timeframe
        self._opens: list[NDArray[np.int64]] = []
        self._digests: list[NDArray[np.uint64]] = []
        self._places: list[tuple[int, int]] = []  # of a run of rows whose places follow each other: number of the first, place
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, opens: NDArray[np.int64], columns: Mapping[str, NDArray[Any]], places: NDArray[np.int64]) -> None:
        """Take good rows in the order of the file."""
        if not len(opens):
            return
        self._opens.append(opens.copy())
        self._digests.append(_digests(columns))
        begins = [0, *(np.flatnonzero(np.diff(places) != 1) + 1).tolist()]
        self._places += [(self._size + begin, int(places[begin])) for begin in begins]
        self._size += len(opens)

    def repetitions(self) -> Repetitions:
        """Return which rows have the time of another; afterwards the times are in order and each is there once."""
        opens = self._join()
        step = np.diff(opens)
        if np.all(step > 0):
            return Repetitions(0, [])
        order = np.argsort(opens, kind="stable")
        ordered, digests = opens[order], np.concatenate(self._digests)[order]
        same = np.flatnonzero(np.diff(ordered) == 0)
        differ = same[digests[same] != digests[same + 1]]
        clashes = [(int(ordered[each]), int(order[each]), int(order[each + 1])) for each in differ.tolist()]
        self._opens = [np.delete(ordered, same)]
        return Repetitions(len(same) - len(differ), clashes)

    def place(self, number: int) -> int:
        """Return where a good row stands in the file."""
        begins = np.array([begin for begin, _ in self._places])
        begin, place = self._places[int(np.searchsorted(begins, number, side="right")) - 1]
        return place + number - begin

    def span(self) -> Window | None:
        """Return where the first candle opens and the last one closes; None without any."""
        if not self._size:
            return None
        opens = self._join()
        return Window(int(opens[0]), int(opens[-1]) + self._timeframe.width_us)

    def spacing_us(self) -> int:
        """Return the widest width that all distances between rows are multiples of, 0 where too few rows tell it.

        Of a few rows with minutes left out between them, it may be several minutes by chance.
        """
        steps = np.diff(self._join())
        if len(steps) < 2:
            return 0
        width = int(np.gcd.reduce(steps))
        return width if len(steps) >= _MANY_STEPS or 2 * np.count_nonzero(steps == width) > len(steps) else 0

    def gaps(self) -> Iterator[Window]:
        """Yield where candles are missing, oldest first: from the open of the first missing one to the close of the last."""
        opens, width = self._join(), self._timeframe.width_us
        for number in np.flatnonzero(np.diff(opens) > width).tolist():
            yield Window(int(opens[number]) + width, int(opens[number + 1]))

    def _join(self) -> NDArray[np.int64]:
        if len(self._opens) != 1:
            self._opens = [np.concatenate(self._opens)] if self._opens else [np.empty(0, np.int64)]
        return self._opens[0]


def _digests(columns: Mapping[str, NDArray[Any]]) -> NDArray[np.uint64]:
    found = np.zeros(len(columns["open"]), np.uint64)
    for name in _NUMBERS:
        # Plus zero: minus zero is the same number in other bits.
        found = (found ^ (columns[name] + 0.0).view(np.uint64)) * _FACTOR
        found ^= found >> np.uint64(29)
    return found
