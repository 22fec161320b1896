"""The lively sink: candles and feed states on their way to Redis; the newest wins, nothing waits for it."""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Any, Protocol

from market.candle import Candle
from market.clock import monotonic
from market.errors import StoreUnreachable
from market.timeframe import Timeframe
from streaming.backoff import Backoff
from streaming.errands import end_tasks

logger = logging.getLogger(__name__)

_KEPT = 10_000
_EVENTS_KEPT = 1_000
_LAST_SECONDS = 1.0


class Publisher(Protocol):
    """What the sink needs of Redis; `db.bus.AsyncBus` is it."""

    async def publish_candles(self, candles: Iterable[Candle]) -> None:
        """Publish candles and keep each as the latest of its symbol and timeframe."""

    async def publish_event(self, event: dict[str, Any]) -> None:
        """Send an event to the system channel."""

    async def set_feeds(self, feeds: dict[str, dict[str, Any]]) -> None:
        """Keep the state of each symbol's feed."""


class PublishSink:
    """Candles that are not published yet, one a span: of a span that comes again the newest wins.

    Bounded: of more than 10,000 spans the oldest are dropped; a consumer that sees a jump reads the database.

    Attributes:
        dropped: Candles that were never published.
        down: Whether the last attempt found no Redis.
    """

    def __init__(self, bus: Publisher, *, backoff: Backoff | None = None) -> None:
        self._bus = bus
        self._backoff = backoff or Backoff(first=0.05, cap=1.0, good_after=0.0)
        self._waiting: OrderedDict[tuple[str, Timeframe, int], Candle] = OrderedDict()
        self._feeds: dict[str, dict[str, Any]] = {}
        self._events: deque[dict[str, Any]] = deque(maxlen=_EVENTS_KEPT)
        self._some = asyncio.Event()
        self.dropped = 0
        self.down = False

    def put(self, candles: Iterable[Candle]) -> None:
        """Take candles; never waits."""
        for candle in candles:
            self._waiting[candle.symbol, candle.timeframe, candle.timestamp_us] = candle
        while len(self._waiting) > _KEPT:
            self._waiting.popitem(last=False)
            self.dropped += 1
        if self._waiting:
            self._some.set()

    def put_feeds(self, feeds: dict[str, dict[str, Any]]) -> None:
        """Take the state of each symbol's feed; never waits."""
        self._feeds = feeds
        self._some.set()

    def put_events(self, events: Iterable[dict[str, Any]]) -> None:
        """Take events for the system channel, of which the last 1,000 are kept; never waits."""
        self._events.extend(events)
        if self._events:
            self._some.set()

    async def run(self) -> None:
        """Publish what comes, for ever."""
        while True:
            await self._some.wait()
            self._some.clear()
            try:
                await self._publish_candles()
                await self._publish_words()
            except StoreUnreachable as error:
                if not self.down:
                    self.down = True
                    logger.warning("publish down reason=%s", error)
                self._some.set()
                await asyncio.sleep(self._backoff.next())
                continue
            if self.down:
                self.down = False
                logger.warning("publish back")
            self._backoff.good(monotonic())

    async def last(self, feeds: dict[str, dict[str, Any]], events: Iterable[dict[str, Any]]) -> None:
        """Publish the last states and events, then the candles that wait, after `run` was ended; once, and for a second at most.

        Without Redis they are lost; the states that it has are forgotten there by themselves.
        """
        self.put_feeds(feeds)
        self.put_events(events)
        telling = asyncio.create_task(self._publish_all(), name="last words")
        try:
            done, _ = await asyncio.wait([telling], timeout=_LAST_SECONDS)
        finally:
            await end_tasks(telling)
        if not done:
            logger.warning("last words not published reason=Redis did not take them within %g s", _LAST_SECONDS)

    async def _publish_all(self) -> None:
        try:
            await self._publish_words()  # first: of candles there may be many, and they are in the database
            await self._publish_candles()
        except StoreUnreachable as error:
            logger.warning("last words not published reason=%s", error)

    async def _publish_candles(self) -> None:
        candles = list(self._waiting.values())
        await self._bus.publish_candles(candles)
        for candle in candles:
            key = (candle.symbol, candle.timeframe, candle.timestamp_us)
            if self._waiting.get(key) is candle:
                del self._waiting[key]

    async def _publish_words(self) -> None:
        feeds = self._feeds
        await self._bus.set_feeds(feeds)
        self._feeds = {} if feeds is self._feeds else self._feeds
        while self._events:
            await self._bus.publish_event(self._events[0])
            self._events.popleft()
