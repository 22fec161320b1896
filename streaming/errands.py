"""Small works beside the main ones: questions that nobody waits for."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

logger = logging.getLogger(__name__)


class Errands:
    """Works under way; one that fails is logged, and costs the others nothing."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def run(self, work: Awaitable[None], *, done: Callable[[], None] | None = None) -> None:
        """Begin some work; `done` is called when it is over, whatever came of it."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)

        def over(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if done is not None:
                done()
            if not task.cancelled() and (error := task.exception()) is not None:
                logger.error("an errand failed", exc_info=error)

        task.add_done_callback(over)

    async def end(self) -> None:
        """Give up what is under way."""
        await end_tasks(*self._tasks)


async def end_tasks(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks until they are over; what they raise is theirs.

    One cancellation is not enough: before Python 3.12 `asyncio.wait_for`, which redis-py calls for each command, swallows one
    that comes just as the command is done.
    """
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=0.5)
