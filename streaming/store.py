"""The lossless sink: batches on their way to the database, in order, each written once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from market.clock import monotonic
from market.errors import StoreUnreachable
from streaming.backoff import Backoff
from streaming.batch import Batch
from streaming.persistence import Written

logger = logging.getLogger(__name__)

_CHUNK = 20_000
_OVERLOADED = 0.5


class StoreSink:
    """Holds what is not stored yet. Lossless and bounded: when `limit` trades wait, `put` waits too, and with it the socket.

    Args:
        write: Stores one batch in one transaction; runs in a thread, and may be called again with the same batch.
            It raises StoreUnreachable when waiting may help.
        limit: Trades that may wait.
        linger: Seconds in which small batches are gathered into one transaction.
        last_patience: Seconds to go on trying after `close` while there is no database; then what waits is given up.
        in_thread: Runs `write` elsewhere; the simulation has no threads.

    Attributes:
        limit: As it was given.
        size: What waits, in trades; a duplicate or a candle counts as one, too.
        full_at: When `put` last had to wait for longer than half a second, on the monotonic clock.
        stored_trades: Trades written since the start.
        down: Whether the last attempt found no database.
    """

    def __init__(
        self,
        write: Callable[[Batch], Written],
        *,
        limit: int = 100_000,
        linger: float = 0.1,
        last_patience: float = 10.0,
        backoff: Backoff | None = None,
        in_thread: Callable[[Callable[[Batch], Written], Batch], Awaitable[Written]] = asyncio.to_thread,
    ) -> None:
        self._in_thread = in_thread
        self._written: list[Written] = []
        self._write, self.limit, self._linger, self._last_patience = write, limit, linger, last_patience
        self._backoff = backoff or Backoff(first=0.1, cap=2.0, good_after=0.0)
        self._waiting: list[Batch] = []
        self._some, self._room = asyncio.Event(), asyncio.Event()
        self._room.set()
        self._closing = asyncio.Event()
        self._give_up_at = float("inf")
        self.size, self.full_at = 0, float("-inf")
        self.stored_trades = 0
        self.down = False

    @property
    def has_room(self) -> bool:
        """Whether `put` would not wait."""
        return self._room.is_set()

    async def put(self, batch: Batch) -> None:
        """Take a batch; wait while there is no room. What was put is written even if the caller is cancelled afterwards."""
        if not batch:
            return
        self._waiting.append(batch)
        self.size += batch.size
        self._some.set()
        if self.size >= self.limit:
            self._room.clear()
            begun = monotonic()
            await self._room.wait()
            if monotonic() - begun > _OVERLOADED:
                self.full_at = monotonic()

    def take_written(self) -> list[Written]:
        """Return what came of the batches written since the last call."""
        written, self._written = self._written, []
        return written

    async def run(self) -> None:
        """Write what comes, until `close` was called and nothing waits any more.

        Raises:
            StoreUnreachable: If there is no database for too long after `close`.
        """
        while True:
            await self._some.wait()
            if not self._closing.is_set() and self.size < _CHUNK:
                await self._gather()
            if not self._waiting:
                return
            batch = self._next()
            await self._store(batch)
            self.size -= batch.size
            self.stored_trades += len(batch.trades)
            if self.size < self.limit:
                self._room.set()
            if not self._waiting and not self._closing.is_set():
                self._some.clear()

    def close(self) -> None:
        """Ask `run` to write what waits and end."""
        self._give_up_at = monotonic() + self._last_patience
        self._closing.set()
        self._some.set()

    async def _gather(self) -> None:
        try:
            async with asyncio.timeout(self._linger):
                await self._closing.wait()
        except TimeoutError:
            return

    def _next(self) -> Batch:
        # As many whole batches as make one good transaction; order is kept.
        merged, taken = Batch(), 0
        for batch in self._waiting:
            merged.add(batch)
            taken += 1
            if len(merged.trades) >= _CHUNK:
                break
        del self._waiting[:taken]
        return merged

    async def _store(self, batch: Batch) -> None:
        down_at: float | None = None
        while True:
            try:
                written = await self._in_thread(self._write, batch)
            except StoreUnreachable as error:
                if down_at is None:
                    down_at, self.down = monotonic(), True
                    logger.warning("store down trades_waiting=%d reason=%s", self.size, error)
                if monotonic() > self._give_up_at:
                    logger.warning("not stored trades=%d: they will be a hole of the next start", self.size)
                    raise
                await asyncio.sleep(self._backoff.next())
            else:
                if down_at is not None:
                    self.down = False
                    logger.warning("store back after_seconds=%.1f", monotonic() - down_at)
                self._backoff.good(monotonic())
                if written.candles or written.alarms or written.short:
                    self._written.append(written)
                return
