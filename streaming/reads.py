"""What the worker asks of the database, without holding up the feed: in threads, and waiting for one that is away."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any

from db.claims import Claims
from exchanges.base import Instrument
from market.clock import monotonic
from market.continuity import Ids
from market.errors import InputError, StoreUnreachable
from market.window import Window
from streaming.backoff import Backoff
from streaming.persistence import Persistence
from streaming.resume import Resume

logger = logging.getLogger(__name__)

_CLAIM_SECONDS = 20.0

InThread = Callable[..., Awaitable[Any]]


class Reads:
    """Reads of one venue's symbols.

    Args:
        persistence: The database; called in threads.
        in_thread: Runs a function elsewhere; the simulation has no threads.
        owner: Holds the symbols for this process; nobody asks who else follows them if None.
        rng: Where the jitter of waits comes from.
    """

    def __init__(
        self,
        persistence: Persistence,
        in_thread: InThread = asyncio.to_thread,
        *,
        owner: Claims | None = None,
        rng: Random | None = None,
    ) -> None:
        self._persistence, self._in_thread, self._owner, self._rng = persistence, in_thread, owner, rng

    @property
    def keeps_trades(self) -> bool:
        """Whether raw trades are stored."""
        return self._persistence.keep_trades

    async def resume(self, symbol: str) -> Resume | None:
        """Return where a symbol goes on; wait as long as there is no database.

        Raises:
            InputError: If another worker follows the symbol, and goes on doing so.
        """
        backoff = Backoff(cap=5.0, rng=self._rng)
        while True:
            try:
                await self._claim(symbol)
                point: Resume | None = await self._in_thread(self._persistence.resume, symbol)
            except StoreUnreachable as error:
                logger.warning("store down at start symbol=%s reason=%s", symbol, error)
                await asyncio.sleep(backoff.next())
            else:
                return point

    async def _claim(self, symbol: str) -> None:
        if self._owner is None:
            return
        begun, told = monotonic(), False  # a worker that was just killed may still be in the way
        while await self._in_thread(self._owner.claim, [symbol]):
            if monotonic() - begun > _CLAIM_SECONDS:
                raise InputError(
                    f"{symbol} is followed by another worker on this database, and two of them would overwrite each other; "
                    "stop the other one, or take the symbol out of one of them"
                )
            if not told:
                logger.warning("symbol taken symbol=%s: another worker follows it; waiting for its end", symbol)
                told = True
            await asyncio.sleep(1.0)

    async def ids_of(self, symbol: str, window: Window) -> Ids | None:
        """Return the lowest and the highest id of some minutes, None where the candles around them have none."""
        found: Ids | None = await self._in_thread(self._persistence.ids_of, symbol, window)
        return found

    async def keep_instruments(self, instruments: Sequence[Instrument]) -> None:
        """Store the venue's lines about some symbols."""
        await self._in_thread(self._persistence.keep_instruments, instruments)
