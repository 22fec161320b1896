"""The resident worker of one venue: from its socket to PostgreSQL and Redis."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from exchanges.base import ControlKind, DataProvider, Instrument
from exchanges.rest import HistoryClient
from market.clock import isoformat, monotonic, now_us
from market.errors import PlatformError, StoreUnreachable, VenueError, WireError
from market.timeframe import Timeframe
from market.trade import Trade
from streaming.backoff import Backoff
from streaming.connection import Connected, Connection, Disconnected, Event, Received
from streaming.edge import LiveEdge
from streaming.feed import FeedBoard
from streaming.pipeline import Batch, Pipeline, Resume
from streaming.publish import PublishSink
from streaming.store import StoreSink
from streaming.venue_clock import VenueClock

logger = logging.getLogger(__name__)

_TICK_SECONDS = 0.05
_FEED_SECONDS = 0.5


class Worker:
    """Follows the symbols of one venue until it is stopped.

    Args:
        provider: The venue, with the symbols to follow.
        connection: Where its frames come from.
        history: Its REST interface: its clock and its list of symbols.
        store: The lossless sink.
        publisher: The lively sink.
        timeframes: What to publish besides the minute.
        resume: Returns where a symbol goes on, None when it is new; runs in a thread.
        keep_instruments: Stores the venue's lines about the symbols followed; runs in a thread.
    """

    def __init__(
        self,
        provider: DataProvider,
        connection: Connection,
        history: HistoryClient,
        store: StoreSink,
        publisher: PublishSink,
        *,
        timeframes: Iterable[Timeframe],
        resume: Callable[[str], Resume | None],
        keep_instruments: Callable[[list[Instrument]], None],
    ) -> None:
        self._provider, self._connection, self._history = provider, connection, history
        self._store, self._publisher = store, publisher
        self._resume_point, self._keep_instruments = resume, keep_instruments
        self.pipeline = Pipeline(provider.symbols, decimals=provider.decimals)
        wanted = list(timeframes)
        self._edges = {symbol: LiveEdge(wanted) for symbol in provider.symbols}
        self._clock = VenueClock()
        self._dirty: set[str] = set()
        self._guarded = True
        self._stop = asyncio.Event()
        self._asking: set[asyncio.Task[None]] = set()
        self.board = FeedBoard(provider.name, provider.symbols)

    def stop(self) -> None:
        """Ask for an orderly stop: what was received is stored, then `run` returns."""
        self._stop.set()

    async def run(self) -> None:
        """Follow the venue until `stop` is called.

        Raises:
            StoreError: If the database refuses what is to be stored.
        """
        writer = asyncio.create_task(self._store.run(), name="store")
        others = [
            asyncio.create_task(work, name=name)
            for name, work in (("follow", self._follow()), ("tick", self._tick()), ("publish", self._publisher.run()))
        ]
        stopping = asyncio.create_task(self._stop.wait(), name="stop")
        try:
            done, _ = await asyncio.wait([writer, *others, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end_tasks(*others, stopping, *self._asking)
            self._store.close()
            await writer
        for task in done - {stopping}:
            task.result()
        logger.info("worker stopped stored_trades=%d", self._store.stored_trades)

    # -- the feed ------------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        for symbol in self._provider.symbols:
            await self._resume(symbol)
        async for event in self._connection.events():
            await self._handle(event)

    async def _handle(self, event: Event) -> None:
        if isinstance(event, Received):
            await self._received(event)
        elif isinstance(event, Connected):
            self.board.connected(event.tape)
            self._guarded = not event.tape  # a local exchange plays any time at any speed
            logger.info(
                "connected venue=%s url=%s symbols=%d", self._provider.name, self._connection.url, len(self._provider.symbols)
            )
            self._in_background(self._ask_time())
            self._in_background(self._ask_instruments())
        else:
            self._disconnected(event)

    async def _received(self, event: Received) -> None:
        parsed = event.parsed
        for error in parsed.refused:
            self.board.quarantined += 1
            logger.warning("quarantined venue=%s frame=%r", error.venue, error.frame[:500])
        for control in parsed.controls:
            if control.kind is ControlKind.REFUSED:
                logger.error("refused venue=%s code=%r message=%r", self._provider.name, control.code, control.message)
            elif control.kind is ControlKind.NOTICE:
                logger.warning("notice venue=%s code=%r message=%r", self._provider.name, control.code, control.message)
        trades = self._possible(parsed.trades, event.received_us)
        if not trades:
            return
        batch = self.pipeline.take(trades)
        newest = trades[-1]
        self._clock.seen(newest.timestamp_us, monotonic())
        self._dirty.update({trade.symbol for trade in trades} if len(self._edges) > 1 else (newest.symbol,))
        self.board.took(batch)
        await self._emit(batch)

    def _possible(self, trades: list[Trade], local_us: int) -> list[Trade]:
        if not self._guarded:
            return trades
        good = [trade for trade in trades if self._clock.is_possible(trade.timestamp_us, local_us)]
        if len(good) < len(trades):
            self.board.quarantined += len(trades) - len(good)
            logger.warning(
                "quarantined venue=%s trades with an impossible time count=%d", self._provider.name, len(trades) - len(good)
            )
        return good

    def _disconnected(self, event: Disconnected) -> None:
        self.pipeline.interrupt()
        self.board.disconnected(event.reason)
        what = "lost" if event.reached else "cannot be reached"
        logger.warning(
            "disconnected venue=%s %s url=%s reason=%s retry_in_seconds=%.1f",
            self._provider.name, what, self._connection.url, event.reason, event.wait,
        )  # fmt: skip

    async def _emit(self, batch: Batch) -> None:
        if batch.candles:
            self._publisher.put(batch.candles)
            for symbol in {candle.symbol for candle in batch.candles}:
                self._publisher.put(self._edges[symbol].take([candle for candle in batch.candles if candle.symbol == symbol]))
        if batch.holes:
            first = batch.holes[0]
            logger.warning(
                "holes count=%d symbol=%s first_id=%d last_id=%d cause=%s",
                len(batch.holes), first.symbol, first.first_id, batch.holes[-1].last_id, first.cause,
            )  # fmt: skip
        await self._store.put(batch)

    # -- the clock -----------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        feeds_at = monotonic()
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            now = monotonic()
            if self._store.has_room:  # else trades wait unread, and nobody knows which minutes are quiet
                await self._emit(self.pipeline.close_until(self._clock.closable_until(now)))
            due_us = self.pipeline.next_close_us()
            if due_us is not None and self._clock.should_ask(due_us, now):
                self._in_background(self._ask_time())
            self._publish_forming()
            if now >= feeds_at:
                feeds_at = now + _FEED_SECONDS
                self._publisher.put_feeds(self.board.states(self.pipeline, now_us()))

    def _publish_forming(self) -> None:
        dirty, self._dirty = self._dirty, set()
        for symbol in dirty:
            forming = self.pipeline.lanes[symbol].builder.forming()
            if forming is not None:
                self._publisher.put([forming, *self._edges[symbol].forming(forming)])

    def _in_background(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._asking.add(task)
        task.add_done_callback(self._asked)

    def _asked(self, task: asyncio.Task[None]) -> None:
        self._asking.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a question to the venue failed venue=%s", self._provider.name, exc_info=error)

    async def _ask_time(self) -> None:
        try:
            venue_us = await self._history.server_time()
        except (VenueError, WireError) as error:
            logger.warning("no venue time reason=%s", error)
            return
        if self._guarded and not self._clock.is_possible(venue_us, now_us()):
            logger.warning("impossible venue time venue=%s time=%s", self._provider.name, isoformat(venue_us))
        else:
            self._clock.answered(venue_us, monotonic())

    async def _ask_instruments(self) -> None:
        try:
            listed = await self._history.instruments()
            followed = set(self._provider.symbols)
            known = [instrument for instrument in listed if instrument.symbol in followed]
            for symbol in followed - {instrument.symbol for instrument in known}:
                logger.error("unlisted symbol=%s: %s does not list it; no trade will come", symbol, self._provider.name)
            await asyncio.to_thread(self._keep_instruments, known)
        except PlatformError as error:
            logger.warning("no symbol list reason=%s", error)

    # -- starting again ------------------------------------------------------------------------------------------

    async def _resume(self, symbol: str) -> None:
        backoff = Backoff(cap=5.0)
        while True:
            try:
                point = await asyncio.to_thread(self._resume_point, symbol)
                break
            except StoreUnreachable as error:
                logger.warning("store down at start symbol=%s reason=%s", symbol, error)
                await asyncio.sleep(backoff.next())
        if point is None:
            return
        self._edges[symbol].take(point.minutes)
        batch = self.pipeline.resume(symbol, point)
        logger.info("resumed symbol=%s last_id=%d trades_read=%d", symbol, point.last_id, len(point.trades))
        self._edges[symbol].take(batch.candles)
        await self._store.put(batch)


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
