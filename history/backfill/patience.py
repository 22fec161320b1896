"""When a question or a transaction is tried again, and for how long."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from db.engine import is_transient
from market.errors import VenueError

T = TypeVar("T")

logger = logging.getLogger(__name__)

_TRIES = 8
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 20.0
_LONGEST_BAN = 900.0
_STORE_WAITS = (0.5, 1.0, 2.0, 4.0)


async def ask(question: Callable[[], Awaitable[T]], waits: Callable[[str], None]) -> T:
    """Return the answer to a question; a refusal that may pass is waited for, eight times at most.

    Args:
        question: Asks.
        waits: Is told why nothing happens for a while, and then an empty text.

    Raises:
        VenueError: If the venue refuses for good, too often, or for more than a quarter of an hour.
    """
    for number in range(_TRIES):
        try:
            return await question()
        except VenueError as error:
            wait = _wait(error, number)
            if wait is None:
                raise
            logger.info("venue refused error=%s wait_seconds=%.1f", error, wait)
            waits(str(error))
            await asyncio.sleep(wait)
            waits("")
    raise AssertionError("the last try raises")


async def keep(work: Callable[[], T]) -> T:
    """Return what a transaction returns, run in a thread; one that a moment's trouble broke is tried again.

    Raises:
        StoreUnreachable: If the database stays away.
    """
    for wait in (*_STORE_WAITS, None):
        try:
            return await asyncio.to_thread(work)
        except Exception as error:
            if wait is None or not is_transient(error):
                raise
            logger.info("transaction failed error=%s wait_seconds=%.1f", error, wait)
            await asyncio.sleep(wait)
    raise AssertionError("the last try raises")


def _wait(error: VenueError, number: int) -> float | None:
    """Return how long to wait after a refusal; None where that is useless."""
    asked = error.retry_after_seconds
    if not error.transient or number == _TRIES - 1 or (asked is not None and asked > _LONGEST_BAN):
        return None
    own = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0**number)
    return max(asked or 0.0, own * random.uniform(0.7, 1.0))  # noqa: S311 - jitter, not a secret
