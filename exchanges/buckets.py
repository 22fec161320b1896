"""Token buckets, of this process alone or shared by all processes that ask the same venue from the same installation."""

import asyncio
import errno
import fcntl
import logging
import os
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from market.clock import monotonic, now_us
from market.timeframe import SECOND_US

logger = logging.getLogger(__name__)

_NUMBER = struct.Struct("<d")
_LONGEST_DEBT = 3_600.0  # an hour is the longest that a venue is left alone
_ROUNDING = 1e-5
_TRIES, _TRY_SECONDS = 50, 0.001


class Cell(Protocol):
    """One moment, in seconds of a clock of its own, that may be kept where others change it too."""

    def change(self, step: Callable[[float, float], float]) -> None:
        """Put `step(now, moment)` in the place of the moment; nobody else changes it meanwhile."""


class PrivateCell:
    """A moment of this process."""

    def __init__(self) -> None:
        self._moment = 0.0

    def change(self, step: Callable[[float, float], float]) -> None:
        """Put `step(now, moment)` in the place of the moment."""
        self._moment = step(monotonic(), self._moment)


class FileCell:
    """A moment in a file, by the wall clock; a process that ends leaves it as it is.

    A moment too far ahead is of a clock that went back, and is forgotten. Where the file cannot be used the process goes on
    with what it knows, and says so once.
    """

    def __init__(self, file: Path) -> None:
        self._file, self._moment, self._told = file, 0.0, False

    def change(self, step: Callable[[float, float], float]) -> None:
        """Put `step(now, moment)` in the place of the moment; nobody else changes it meanwhile."""
        now = now_us() / SECOND_US
        try:
            with self._locked() as file:
                self._moment = step(now, _believed(os.pread(file, _NUMBER.size, 0), now))
                os.pwrite(file, _NUMBER.pack(self._moment), 0)
        except OSError as error:
            if not self._told:
                logger.warning("limits not shared file=%s reason=%s", self._file, error.strerror)
                self._told = True
            self._moment = step(now, self._moment)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        try:
            file = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(file)
            yield file
        finally:
            os.close(file)  # lets go of the lock


def _lock(file: int) -> None:
    # Never for long: a process that was stopped inside must not stop those that follow a market.
    for _ in range(_TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_TRY_SECONDS)
        else:
            return
    raise TimeoutError(errno.ETIMEDOUT, "somebody holds it and does not let go")


def _believed(found: bytes, now: float) -> float:
    moment = _NUMBER.unpack(found)[0] if len(found) == _NUMBER.size else 0.0
    return moment if moment <= now + _LONGEST_DEBT else 0.0


class Bucket:
    """Lets at most `burst` through at once and `per_second` after it, in the order of the questions of a process.

    The moment in the cell is the one at which all that was let through is paid for (the generic cell rate algorithm).
    """

    def __init__(self, burst: float, per_second: float, cell: Cell) -> None:
        self._burst, self._per_second, self._cell = burst, per_second, cell
        self._turn = asyncio.Lock()

    async def acquire(self, cost: float) -> None:
        """Wait until a cost may be spent, and spend it.

        Raises:
            ValueError: If the cost is more than the bucket ever holds.
        """
        if cost > self._burst:
            raise ValueError(f"{cost:g} is more than the {self._burst:g} that may be asked at once")
        async with self._turn:
            while (wait := self._spend(cost)) > 0:  # noqa: ASYNC110 - other processes cannot set an event
                await asyncio.sleep(wait + _ROUNDING)

    def _spend(self, cost: float) -> float:
        # Returns 0, or how long it has to wait still; then nothing is spent.
        wait = 0.0

        def step(now: float, moment: float) -> float:
            nonlocal wait
            debt = max(0.0, moment - now)
            wait = max(0.0, debt - (self._burst - cost) / self._per_second)
            return moment if wait else max(moment, now) + cost / self._per_second

        self._cell.change(step)
        return wait
