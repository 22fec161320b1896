"""An event loop whose time is virtual: when all wait, the clock jumps to the next moment at which somebody stops waiting."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from market import clock

T = TypeVar("T")

_MICROSECOND = 1e-6


class Deadlock(Exception):
    """Raised when everybody waits for somebody else."""


class _Jump(selectors.SelectSelector):
    """Polls nothing: instead of waiting it moves the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Deadlock("nothing is left to happen")
        self.now += max(_MICROSECOND, timeout)  # nothing takes no time: who looks again at once must not look for ever
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs without sleeping; `time` is seconds since it was made."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._jump.now


class VirtualTime:
    """The clock of this process while a simulation runs.

    Args:
        loop: Whose time it is.
        start_us: The wall clock at its beginning, UTC epoch microseconds.
    """

    def __init__(self, loop: VirtualLoop, start_us: int) -> None:
        self._loop, self._start_us = loop, start_us

    def now_us(self) -> int:
        """Return the wall clock, UTC epoch microseconds."""
        return self._start_us + int(self._loop.time() * 1_000_000)

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return self._loop.time()


def run(work: Coroutine[Any, Any, T], loop: VirtualLoop, start_us: int) -> T:
    """Run something to its end on virtual time."""
    with clock.using(VirtualTime(loop, start_us)):
        asyncio.set_event_loop(loop)
        try:
            return loop.run_until_complete(work)
        finally:
            _end_all(loop)
            asyncio.set_event_loop(None)
            loop.close()


def _end_all(loop: VirtualLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
