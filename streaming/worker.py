"""The resident worker of one venue: from its socket to PostgreSQL and Redis."""

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from random import Random
from typing import Any

from exchanges.base import Control, ControlKind, DataProvider
from exchanges.rest import HistoryClient
from market.clock import isoformat, monotonic, now_us
from market.errors import PlatformError, VenueError, WireError
from market.timeframe import Timeframe
from market.trade import Trade
from streaming.batch import Batch
from streaming.connection import Connected, Connection, Disconnected, Received
from streaming.edge import LiveEdge
from streaming.errands import Errands, end_tasks
from streaming.feed import FeedBoard
from streaming.healer import Healer
from streaming.ledger import Cause
from streaming.lookout import Lookout
from streaming.persistence import Written
from streaming.pipeline import Pipeline
from streaming.publish import PublishSink
from streaming.reads import Reads
from streaming.store import StoreSink
from streaming.subscriptions import Subscriptions
from streaming.switches import ALL_ON, Switches
from streaming.venue_clock import VenueClock

logger = logging.getLogger(__name__)

_TICK_SECONDS, _FEED_SECONDS = 0.05, 0.5
_OVERLOAD_LASTS = 30.0
_LISTED_SECONDS = 600.0


class Worker:
    """Follows the symbols of one venue until it is stopped.

    Args:
        provider: The venue, with the symbols to follow.
        connection: Where its frames come from.
        history: Its REST interface.
        reads: The database, for what is read.
        store: The lossless sink.
        publisher: The lively sink.
        timeframes: What to publish besides the minute.
        switches: What a mutation check turns off.
        tick_seconds: How often forming candles are published.
        rng: Where the jitter of waits comes from.
    """

    def __init__(
        self,
        provider: DataProvider,
        connection: Connection,
        history: HistoryClient,
        reads: Reads,
        store: StoreSink,
        publisher: PublishSink,
        *,
        timeframes: Iterable[Timeframe],
        switches: Switches = ALL_ON,
        tick_seconds: float = _TICK_SECONDS,
        rng: Random | None = None,
    ) -> None:
        self._provider, self._connection, self._history = provider, connection, history
        self._reads, self._store, self._publisher = reads, store, publisher
        self._switches, self._tick_seconds = switches, tick_seconds
        self.pipeline = Pipeline(provider.symbols, decimals=provider.decimals, provable=provider.provable, switches=switches)
        wanted = list(timeframes)
        self._edges = {symbol: LiveEdge(wanted) for symbol in provider.symbols}
        self._clock = VenueClock()
        self._dirty: set[str] = set()
        self._guarded, self._ready, self._listed_at = True, False, float("-inf")
        self._stop = asyncio.Event()
        self._errands = Errands()
        self._subscriptions = Subscriptions(provider, connection.subscribe)
        self.board = FeedBoard(provider.name, provider.symbols, self._subscriptions)
        whole = reads.ids_of if provider.provable and not reads.keeps_trades else None
        line = (provider, history, self.pipeline, self._emit)
        self.lookout = Lookout(*line, renew=connection.renew, clock=self._clock, guarded=lambda: self._guarded)
        self.healer = Healer(*line, clock=self._clock, ids_of=whole, rng=rng)

    def stop(self) -> None:
        """Ask for an orderly stop: what was received is stored, then `run` returns."""
        self._stop.set()

    async def run(self) -> None:
        """Follow the venue until `stop` is called.

        Raises:
            StoreError: If the database refuses what is to be stored.
        """
        writer = asyncio.create_task(self._store.run(), name="store")
        works: list[tuple[str, Coroutine[Any, Any, None]]] = [
            ("follow", self._follow()), ("tick", self._tick()), ("publish", self._publisher.run()),
        ]  # fmt: skip
        if self._switches.healing:
            works.append(("heal", self.healer.run()))
        others = [asyncio.create_task(work, name=name) for name, work in works]
        stopping = asyncio.create_task(self._stop.wait(), name="stop")
        try:
            done, _ = await asyncio.wait([writer, *others, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end_tasks(*others, stopping)
            await self._errands.end()
            await self.lookout.end()
            last = self.board.stopped()
            if self._ready and self._store.has_room:
                await self._store.put(Batch(feeds=last))
            self._store.close()
            self.board.waits(self._store.size, self._store.limit)
            await self._publisher.last(self.board.states(self.pipeline.lanes, now_us()), self.board.take_events())
            await writer
        for task in done - {stopping}:
            task.result()
        logger.info("worker stopped stored_trades=%d", self._store.stored_trades)

    # -- the feed ------------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        for symbol in self._provider.symbols:
            await self._resume(symbol)
        self._ready = True
        self.healer.wake()
        async for event in self._connection.events():
            if isinstance(event, Received):
                await self._received(event)
            elif isinstance(event, Connected):
                self._connected(event)
            else:
                self._disconnected(event)

    def _connected(self, event: Connected) -> None:
        self.board.connected(event.tape)
        self._subscriptions.connected(monotonic())
        self.lookout.connected(renewed=event.renewed)
        if event.renewed and not self._provider.provable:  # nothing says whether the old line had delivered all
            self.pipeline.interrupt(Cause.DISCONNECT)
        self._guarded = not event.tape  # a local exchange plays any time at any speed
        logger.info("connected venue=%s url=%s renewed=%s", self._provider.name, self._connection.url, event.renewed)
        self._errands.run(self._ask_time())
        if monotonic() > self._listed_at + _LISTED_SECONDS:  # it is dear, and who reconnects has holes to pay for
            self._errands.run(self._ask_instruments())

    async def _received(self, event: Received) -> None:
        parsed = event.parsed
        for error in parsed.refused:
            self.board.quarantined += 1
            logger.warning("quarantined venue=%s frame=%r", error.venue, error.frame[:500])
        for control in parsed.controls:
            await self._told(control)
        trades = self._possible(parsed.trades, event.received_us)
        unread = len(parsed.refused) + len(parsed.trades) - len(trades)
        lost = event.skipped + (0 if self._provider.provable else unread)  # without ids nothing else tells
        if lost:
            logger.warning("frames lost venue=%s count=%d", self._provider.name, lost)
            self.lookout.look_at(self._provider.symbols)
        batch = self.pipeline.take_around_loss(trades) if lost else self.pipeline.take(trades)
        if not trades:
            return
        newest = trades[-1]
        self._clock.seen(newest.timestamp_us, monotonic())
        self.lookout.heard(trades)
        self._dirty.update({trade.symbol for trade in trades} if len(self._edges) > 1 else (newest.symbol,))
        self.board.took(batch)
        await self._emit(batch)

    async def _told(self, control: Control) -> None:
        if control.kind is ControlKind.HEARTBEAT:
            await self.lookout.heartbeat(control)
        elif control.kind is ControlKind.REFUSED:
            self._subscriptions.refused(control, monotonic())
        elif control.kind is ControlKind.SUBSCRIBED:
            self._subscriptions.acknowledged(control)
        elif control.kind in {ControlKind.NOTICE, ControlKind.CLOSING}:
            logger.warning("notice venue=%s code=%r message=%r", self._provider.name, control.code, control.message)
            if control.kind is ControlKind.CLOSING:
                self._connection.renew(f"the venue announced: {control.message or control.code}")

    def _possible(self, trades: list[Trade], local_us: int) -> list[Trade]:
        if not self._guarded:
            return trades
        now = monotonic()
        good = [trade for trade in trades if self._clock.may_trade_at(trade.timestamp_us, local_us, now)]
        if len(good) < len(trades):
            self.board.quarantined += len(trades) - len(good)
            logger.warning("quarantined venue=%s impossible times=%d", self._provider.name, len(trades) - len(good))
        return good

    def _disconnected(self, event: Disconnected) -> None:
        overloaded = monotonic() - self._store.full_at < _OVERLOAD_LASTS
        self.pipeline.interrupt(Cause.OVERLOAD if overloaded else Cause.DISCONNECT)
        self.board.disconnected(event.reason)
        self._subscriptions.disconnected()
        self.lookout.disconnected()
        what = f"{self._provider.name} {'lost' if event.reached else 'cannot be reached'} url={self._connection.url}"
        logger.warning("disconnected venue=%s reason=%s retry_in_seconds=%.1f", what, event.reason, event.wait)

    async def _emit(self, batch: Batch) -> None:
        if batch.candles:
            self._publisher.put(batch.candles)
            for symbol in {candle.symbol for candle in batch.candles}:
                self._publisher.put(self._edges[symbol].take([candle for candle in batch.candles if candle.symbol == symbol]))
        if batch.holes:
            first = batch.holes[0]
            logger.warning(
                "holes count=%d symbol=%s first_id=%s last_id=%s cause=%s",
                len(batch.holes), first.symbol, first.first_id, batch.holes[-1].last_id, first.cause,
            )  # fmt: skip
            self.healer.wake()
        await self._store.put(batch)

    # -- the clock -----------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        feeds_at = monotonic()
        while True:
            await asyncio.sleep(self._tick_seconds)
            now = monotonic()
            if self._store.has_room:  # else trades wait unread, and nobody knows which minutes are quiet
                await self._emit(self.pipeline.close_until(self._clock.closable_until(now), now))
            due_us = self.pipeline.next_close_us()
            if due_us is not None and self._clock.should_ask(due_us, now):
                self._errands.run(self._ask_time())
            self._publish_forming()
            for written in self._store.take_written():
                self._was_written(written)
            if now >= feeds_at:
                feeds_at = now + _FEED_SECONDS
                await self._look_around(now)

    async def _look_around(self, now: float) -> None:
        self.lookout.tick()
        self._subscriptions.tick(now)
        changed = self.board.changes(self.pipeline.lanes, self.lookout.vigils, now)
        self._publisher.put_events(self.board.take_events())
        self.board.waits(self._store.size, self._store.limit)
        self._publisher.put_feeds(self.board.states(self.pipeline.lanes, now_us()))
        if changed and self._ready:
            await self._emit(Batch(feeds=changed))

    def _was_written(self, written: Written) -> None:
        self._publisher.put(written.candles)
        for stored, other in written.alarms:
            logger.error("conflict symbol=%s trade_id=%d stored=%s other=%s", stored.symbol, stored.trade_id, stored, other)
            event = {"event": "conflict", "symbol": stored.symbol, "trade_id": stored.trade_id, "at_us": now_us()}
            self._publisher.put_events([event])
        for symbol, window in written.short:
            self.healer.fetch_whole(symbol, window)

    def _publish_forming(self) -> None:
        dirty, self._dirty = self._dirty, set()
        for symbol in dirty:
            forming = self.pipeline.lanes[symbol].builder.forming()
            if forming is not None:
                self._publisher.put([forming, *self._edges[symbol].forming(forming)])

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
            await self._reads.keep_instruments(known)
            self._listed_at = monotonic()
        except PlatformError as error:
            logger.warning("no symbol list reason=%s", error)

    async def _resume(self, symbol: str) -> None:
        point = await self._reads.resume(symbol)
        if point is None:
            return
        self._edges[symbol].take(point.minutes)
        batch = self.pipeline.resume(symbol, point)
        logger.info("resumed symbol=%s last_id=%d trades_read=%d", symbol, point.last_id, len(point.trades or ()))
        self._edges[symbol].take(batch.candles)
        await self._store.put(batch)
