"""A worker on real sockets and servers, put together as the collector does it, that can be killed; after that it writes nothing."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

from db.bus import AsyncBus
from db.engine import create_engine
from db.operations import DatabaseOperations
from db.store import Store
from exchanges.base import DataProvider, KeepAlive
from exchanges.rest import HistoryClient
from market.candle import Candle
from market.errors import StoreUnreachable
from market.timeframe import Timeframe
from simulation.memory import Crash
from streaming.backoff import Backoff
from streaming.connection import Connection
from streaming.line import Socket, dial
from streaming.persistence import Persistence
from streaming.publish import PublishSink
from streaming.reads import Reads
from streaming.store import StoreSink
from streaming.switches import ALL_ON, Switches
from streaming.worker import Worker

_THREADS = 24


class Process:
    """One life of a worker.

    Args:
        provider: The venue, with the symbols to follow and the addresses of the local exchange.
        database_url: Where it stores.
        redis_url: Where it publishes.
        backoff: How long it waits before it connects again.
        keep_alive: Other rules of silence than the venue's.
        keep_trades: Whether raw trades are stored.
        queue: Trades that may wait for the store.
        delay: Returns how much longer the next step on the way to or from the store takes, in seconds.
        crash_at: The moment at which it dies, counted in moments before and behind commits; None for never.
        switches: What is switched off.

    Attributes:
        crashed: Whether it died at a commit.
        events: What it published on the system channel, in order.
    """

    def __init__(
        self,
        provider: DataProvider,
        database_url: str,
        redis_url: str,
        *,
        backoff: Backoff | None = None,
        keep_alive: KeepAlive | None = None,
        keep_trades: bool = True,
        queue: int = 100_000,
        delay: Callable[[], float] = lambda: 0.0,
        crash_at: int | None = None,
        switches: Switches = ALL_ON,
    ) -> None:
        self._database = DatabaseOperations(create_engine(database_url))
        self._bus, self._history = _Bus(redis_url), HistoryClient(provider)
        self._sockets: list[Any] = []
        self.events = self._bus.events
        self._pool = ThreadPoolExecutor(_THREADS)
        self._delay = delay
        self._dead, self.crashed, self._moments, self._crash_at = False, False, count(1), crash_at
        live = [Timeframe.M5]
        persistence = Persistence(self._begin, provider, keep_trades=keep_trades, timeframes=live, switches=switches)
        self._worker = Worker(
            provider,
            Connection(provider, keep_alive=keep_alive, backoff=backoff, dial=self._dial),
            self._history,
            Reads(persistence, self._in_thread),
            StoreSink(persistence.write, limit=queue, in_thread=self._in_thread),
            PublishSink(self._bus),
            timeframes=live,
            switches=switches,
        )
        self.living: asyncio.Task[None] | None = None

    # -- its life ------------------------------------------------------------------------------------------------

    @property
    def in_doubt(self) -> set[str]:
        """The symbols with minutes that wait for their proof."""
        return {symbol for symbol, lane in self._worker.pipeline.lanes.items() if lane.in_doubt}

    def start(self) -> "asyncio.Task[None]":
        """Begin to live; the task ends when it dies by itself."""
        self.living = asyncio.create_task(self._worker.run())
        return self.living

    async def stop(self) -> None:
        """Stop in good order: what was received is stored, unless there is no database for too long."""
        self._worker.stop()
        await self._end()

    async def kill(self) -> None:
        """Die now: connections break off, and a transaction that is under way is not committed."""
        self._dead = True
        for socket in self._sockets:
            socket.transport.abort()
        if self.living is not None:
            self.living.cancel()
        await self._end()

    @property
    def lines(self) -> int:
        """Lines that it opened."""
        return len(self._sockets)

    @property
    def wrong(self) -> list[str]:
        """What was published in another order than it was made, in words."""
        return self._bus.wrong()

    async def _end(self) -> None:
        try:
            if self.living is not None:
                await asyncio.wait([self.living])
                with suppress(Crash, StoreUnreachable, asyncio.CancelledError):  # the second: what waits is given up
                    self.living.result()
        finally:
            await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)  # until then somebody may be at a commit
            await self._history.__aexit__(None, None, None)
            await self._bus.close()
            self._database.close()

    # -- what it lives on ----------------------------------------------------------------------------------------

    async def _dial(self, url: str) -> tuple[Socket, str]:
        socket, tape = await dial(url)
        self._sockets.append(socket)
        return socket, tape

    async def _in_thread(self, work: Callable[..., Any], *arguments: Any) -> Any:
        await asyncio.sleep(self._delay())
        if self._dead:
            raise Crash
        future: Future[Any] = self._pool.submit(work, *arguments)
        result = await asyncio.wrap_future(future)
        await asyncio.sleep(self._delay() / 4)
        return result

    @contextmanager
    def _begin(self) -> Iterator[Store]:
        if self._dead:
            raise Crash
        with self._database.transaction() as store:
            yield store
            self._moment()  # it may die before the commit: then all of it is rolled back
        self._moment()  # and behind it, before it knows

    def _moment(self) -> None:
        if self._crash_at is not None and next(self._moments) >= self._crash_at:
            self._dead = self.crashed = True
        if self._dead:
            raise Crash


class _Bus(AsyncBus):
    """Redis, with a memory of the order in which minutes were published."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._revisions: dict[tuple[str, Timeframe, int], list[int]] = {}
        self.events: list[dict[str, Any]] = []

    async def publish_candles(self, candles: Iterable[Candle]) -> None:
        """Publish candles."""
        published = list(candles)
        await super().publish_candles(published)
        for candle in published:
            if candle.final:
                self._revisions.setdefault((candle.symbol, candle.timeframe, candle.timestamp_us), []).append(candle.revision)

    async def publish_event(self, event: Mapping[str, object]) -> None:
        """Send an event to the system channel."""
        await super().publish_event(event)
        self.events.append(dict(event))

    def wrong(self) -> list[str]:
        """Return what was published in another order than it was made."""
        return [f"published backwards: {key}: {found}" for key, found in self._revisions.items() if found != sorted(found)]
