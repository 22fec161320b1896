"""When a question or a transaction is tried again, and for how long."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from db.engine import is_transient
from market.errors import VenueError, VenueUnreachable, WireError

T = TypeVar("T")

logger = logging.getLogger(__name__)

_TRIES, _WIRE_TRIES = 8, 3
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 20.0
_LONGEST_BAN = 900.0
_STORE_WAITS = (0.5, 1.0, 2.0, 4.0)


async def ask(question: Callable[[], Awaitable[T]], waits: Callable[[str], None], *, first: bool = False) -> T:
    """Return the answer to a question; a refusal that may pass is waited for, eight times at most, and rubbish three times.

    Args:
        question: Asks.
        waits: Is told why nothing happens for a while, and then an empty text.
        first: Whether nothing was asked before: then a venue that is not there at all is not waited for.

    Raises:
        VenueError: If the venue refuses for good, too often, or for more than a quarter of an hour.
        WireError: If what it answers stays what no documentation has; a page of a proxy or half an answer passes.
    """
    for number in range(_TRIES):
        try:
            return await question()
        except (VenueError, WireError) as error:
            wait = _wait(error, number)
            if wait is None or (first and isinstance(error, VenueUnreachable)):
                raise
            logger.info("asking again error=%s wait_seconds=%.1f", error, wait)
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


def _wait(error: VenueError | WireError, number: int) -> float | None:
    """Return how long to wait after a refusal or rubbish; None where that is useless."""
    if isinstance(error, WireError):
        asked, useless = None, number >= _WIRE_TRIES - 1
    else:
        asked, useless = error.retry_after_seconds, not error.transient or number == _TRIES - 1
    if useless or (asked is not None and asked > _LONGEST_BAN):
        return None
    own = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0**number)
    return max(asked or 0.0, own * random.uniform(0.7, 1.0))  # noqa: S311 - jitter, not a secret
