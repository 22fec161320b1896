"""The backfill of one symbol: its claim, its row in the table `backfills`, its pulse, and how it ends."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import ClassVar, TypeVar

import sqlalchemy as sa

from db.claims import Claims, Purpose
from db.operations import DatabaseOperations
from db.store import Store
from history.backfill import patience
from history.backfill.order import Busy, Order, Outcome, Progress, Standing
from history.backfill.plan import candles_in
from market.clock import monotonic
from market.errors import PlatformError, StoreError
from market.window import Window

T = TypeVar("T")

logger = logging.getLogger(__name__)

_PULSE_SECONDS = 10.0
_CLAIM_TRIES, _CLAIM_WAIT = 50, 0.1


class Job(ABC):
    """Fills one symbol.

    Args:
        db: The store.
        order: What is wanted.
        symbol: Of which symbol.
        window: Of which time: whole candles that are over.
        gate: How many questions may be under way at once, of all symbols of the venue.
        progress: Is told after each step.

    Attributes:
        number: Its number in the table `backfills`, once it began.
        standing: How far it is.
        notes: Sentences for a person.
    """

    source: ClassVar[str]

    def __init__(
        self, db: DatabaseOperations, order: Order, symbol: str, window: Window, gate: asyncio.Semaphore, progress: Progress
    ) -> None:
        self.db, self.order, self.symbol, self.window, self.gate = db, order, symbol, window, gate
        self.number: int | None = None
        self.standing = Standing(symbol=symbol, timeframe=order.timeframe, wanted=0)
        self.notes: list[str] = []
        self._progress, self._began_at = progress, monotonic()
        self._writers = asyncio.Semaphore(2)  # each may need a second connection beside its own

    @abstractmethod
    async def fill(self) -> None:
        """Do it: begin, then store page by page."""

    async def run(self) -> Outcome:
        """Return what came of it.

        Raises:
            CancelledError: If it was cancelled; that is noted, and what was stored stays.
        """
        error: PlatformError | None = None
        try:
            async with self._claimed(), self._beating():
                await self.fill()
                await self._end("done")
        except PlatformError as caught:
            error = caught
            with suppress(StoreError):  # it may be what the error is about
                await self._end("failed", str(error))
        except BaseException as ended:
            # Not by a mistake: it was cancelled, or a signal raised something in the middle of a step, as in Prefect's engine.
            if not isinstance(ended, Exception):
                with suppress(StoreError):
                    self._note_end("cancelled")  # at once: whoever cancels may cancel each wait, too
            raise
        missing = 0 if isinstance(error, StoreError) else await self._still_missing()
        return Outcome(
            id=self.number, start_us=self.window.start_us, end_us=self.window.end_us, state="failed" if error else "done",
            standing=self.standing, missing=missing, notes=tuple(self.notes), error=error,
        )  # fmt: skip

    async def begin(self, wanted: int) -> None:
        """Note that it begins, and how many candles are wanted."""
        arguments = (self.symbol, self.order.timeframe, self.source, self.window, wanted)
        self.number = await patience.keep(lambda: self.db.backfills.begin(*arguments))
        self.step(wanted=wanted)

    def asked(self) -> None:
        """Count a question to the venue."""
        self.step(requests=1)

    def waits(self, why: str) -> None:
        """Say why nothing happens for a while; nothing when it goes on."""
        self.standing = replace(self.standing, waits=why)
        self._tell()

    def step(self, **added: int) -> None:
        """Add to what was done, and tell."""
        counts = {name: getattr(self.standing, name) + count for name, count in added.items()}
        self.standing = replace(self.standing, **counts)
        self._tell()

    async def stored(self, work: Callable[[Store], T]) -> T:
        """Return what some work on the store returns, done in one transaction in a thread."""

        def transaction() -> T:
            with self.db.transaction() as store:
                return work(store)

        async with self._writers:
            return await patience.keep(transaction)

    # -- inside --------------------------------------------------------------------------------------------------

    def _tell(self) -> None:
        self.standing = replace(self.standing, seconds=monotonic() - self._began_at)
        self._progress(self.standing)

    async def _end(self, state: str, error: str | None = None) -> None:
        def note() -> None:
            self._note_end(state, error)

        await (patience.keep(note) if state == "done" else asyncio.to_thread(note))

    def _note_end(self, state: str, error: str | None = None) -> None:
        number = self.number
        if number is None:
            return
        self._tell()
        with self.db.transaction() as store:
            store.backfills.advance(number, requests=self.standing.requests)
            store.backfills.end(number, state, error)

    async def _still_missing(self) -> int:
        find = _missing(self.db, self.symbol, self.order, self.window)
        return candles_in(await patience.keep(find), self.order.timeframe)

    @asynccontextmanager
    async def _claimed(self) -> AsyncIterator[None]:
        claims = Claims(self.db.engine, Purpose.BACKFILL)
        for _ in range(_CLAIM_TRIES):  # the server needs a moment to notice that the one before was killed
            if not await asyncio.to_thread(claims.claim, [f"{self.symbol} {self.order.timeframe}"]):
                break
            await asyncio.sleep(_CLAIM_WAIT)
        else:
            raise Busy(
                f"{self.symbol} {self.order.timeframe} is being filled by another process; `tcpdash backfills` shows how far it is"
            )
        try:
            yield
        finally:
            claims.close()

    @asynccontextmanager
    async def _beating(self) -> AsyncIterator[None]:
        pulse = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            pulse.cancel()
            await asyncio.wait([pulse])

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_PULSE_SECONDS)
            if self.number is None:
                continue
            try:
                await asyncio.to_thread(self.db.backfills.advance, self.number, requests=self.standing.requests)
            except (StoreError, sa.exc.SQLAlchemyError) as error:
                logger.warning("backfill pulse missed symbol=%s error=%s", self.symbol, error)


def _missing(db: DatabaseOperations, symbol: str, order: Order, window: Window) -> Callable[[], list[Window]]:
    return lambda: db.backfills.missing(symbol, order.timeframe, window, again=True)
