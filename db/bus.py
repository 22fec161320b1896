"""Redis: the wake-up call. Candles and events as they happen, and the latest of each; the memory is the database."""

import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from market.candle import Candle
from market.errors import StoreUnreachable
from market.timeframe import Timeframe

MARKET_DATA_CHANNEL = "market:{symbol}"
"""Candles of a symbol, final and forming, of all timeframes; a revision is published again."""

BOT_SIGNALS_CHANNEL = "signals:{bot_id}"
"""What a bot's strategy said and what was executed, once it is stored, as JSON with `bot` and `event`: `signal` with the attributes
of `db.bot_rows.SignalRow`, or `trade` with those of `TradeRow`. Times are UTC epoch microseconds, exact amounts are texts."""

BOT_STATUS_CHANNEL = "status:{bot_id}"
"""What a bot does, when that changes and every five seconds, as JSON: `bot`, `state` and `reason` (see `db.bot_rows.StoredBot`),
`acted_until_us` (time of the market), `at_us` (when it was told), `equity` (a number), `cash` (a text) and `exposure` (value by
symbol, below 0 for short). The newest is kept under `BOT_KEY`."""

SYSTEM_EVENTS_CHANNEL = "system:events"

LATEST_KEY = "latest:{symbol}:{timeframe}"
"""The newest candle that was published; it may still be forming."""

FEED_KEY = "feed:{symbol}"
"""How the feed of a symbol is doing, as JSON; it disappears with its worker. Of the whole worker, the same at all of its symbols:
`worker` (machine and process), `started_us`, `quarantined`, `duplicates`, and `queue`, what waits for the database, of which a
`queue_limit` may wait before the socket waits, too."""

BOT_KEY = "bot:{bot_id}"
"""What a bot does, as JSON; it disappears with its runner."""

TIMEOUT_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 5.0

_candles = msgspec.json.Decoder(Candle)


class Message(NamedTuple):
    """What came over a channel."""

    channel: str
    data: bytes


def encode_candle(candle: Candle) -> bytes:
    """Return a candle as it travels: JSON with the names of its attributes."""
    return msgspec.json.encode(candle)


def decode_candle(data: bytes | str) -> Candle:
    """Return the candle in a message.

    Raises:
        msgspec.MsgspecError: If it is none.
    """
    return _candles.decode(data)


class Bus:
    """Redis for those who read, and for short messages; for threads and scripts.

    Methods raise StoreUnreachable when Redis does not answer within 2 seconds; the caller goes on without it.

    Args:
        url: `redis://host:port/0`.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        # One more try at once, for a connection that went stale in the pool; patience is the caller's business.
        self._client: Any = redis.Redis.from_url(url, **_TIMEOUTS, retry=Retry(NoBackoff(), 1))

    def latest(self, symbol: str, timeframe: Timeframe | str) -> Candle | None:
        """Return the newest candle that was published, final or forming; None before the first."""
        data = self._ask("get", LATEST_KEY.format(symbol=symbol, timeframe=timeframe))
        return None if data is None else decode_candle(data)

    def feed(self, symbol: str) -> dict[str, Any] | None:
        """Return how the feed of a symbol is doing; None when no worker follows it."""
        data = self._ask("get", FEED_KEY.format(symbol=symbol))
        return None if data is None else msgspec.json.decode(data)

    def feeds(self) -> dict[str, dict[str, Any]]:
        """Return how each feed is doing, by symbol, in the order of the alphabet."""
        return self._states(FEED_KEY.format(symbol=""))

    def symbols(self) -> list[str]:
        """Return the symbols of which a candle was published, in the order of the alphabet."""
        keys = self._keys(LATEST_KEY.format(symbol="*", timeframe="*"))
        return sorted({key.removeprefix("latest:").rpartition(":")[0] for key in keys})

    def publish_candle(self, candle: Candle) -> None:
        """Publish a candle on the channel of its symbol and keep it as the latest of its timeframe."""
        data = encode_candle(candle)
        pipeline = self._client.pipeline(transaction=False)
        pipeline.publish(MARKET_DATA_CHANNEL.format(symbol=candle.symbol), data)
        pipeline.set(LATEST_KEY.format(symbol=candle.symbol, timeframe=candle.timeframe), data)
        with _reachable(self._url):
            pipeline.execute()

    def publish(self, channel: str, message: object) -> None:
        """Send a message as JSON to whoever listens at this moment."""
        self._ask("publish", channel, msgspec.json.encode(message))

    def tell(self, messages: Iterable[tuple[str, object]], states: Mapping[str, object], *, lifetime_seconds: int) -> None:
        """Send messages to channels and keep states under their keys for so long, all as JSON, in one round trip."""
        pipeline = self._client.pipeline(transaction=False)
        for channel, message in messages:
            pipeline.publish(channel, msgspec.json.encode(message))
        for key, state in states.items():
            pipeline.set(key, msgspec.json.encode(state), ex=lifetime_seconds)
        with _reachable(self._url):
            pipeline.execute()

    def bot(self, bot_id: str) -> dict[str, Any] | None:
        """Return what a bot does; None where no runner has it."""
        data = self._ask("get", BOT_KEY.format(bot_id=bot_id))
        return None if data is None else msgspec.json.decode(data)

    def bots(self) -> dict[str, dict[str, Any]]:
        """Return what each bot does that a runner has, by id, in the order of the alphabet."""
        return self._states(BOT_KEY.format(bot_id=""))

    def publish_event(self, event: Mapping[str, object]) -> None:
        """Send an event to the system channel."""
        self.publish(SYSTEM_EVENTS_CHANNEL, event)

    def subscribe(self, *channels: str, quiet_seconds: float = 1.0) -> Iterator[Message | None]:
        """Yield what comes over channels (`market:*` is a pattern), through every loss of the connection.

        None is yielded after every `quiet_seconds` without a message, while Redis is away, and after each (new) subscription:
        then something may have been missed, and the database knows it.
        """
        pause = 0.1
        while True:
            with suppress(redis.RedisError, OSError), self._subscription(channels) as subscription:
                yield None
                while True:
                    message = subscription.get_message(ignore_subscribe_messages=True, timeout=quiet_seconds)
                    pause = 0.1
                    yield None if message is None else Message(message["channel"].decode(), message["data"])
            yield None
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def info(self) -> dict[str, Any]:
        """Return what Redis says about itself, by the names of its command INFO; of the database in use also `keys`."""
        found: dict[str, Any] = self._ask("info")
        number = self._client.connection_pool.connection_kwargs.get("db") or 0
        return {**found, "keys": found.get(f"db{number}", {}).get("keys", 0)}

    def health_check(self) -> bool:
        """Return whether Redis answers."""
        try:
            self._ask("ping")
        except StoreUnreachable:
            return False
        return True

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _ask(self, command: str, *arguments: Any) -> Any:
        with _reachable(self._url):
            return getattr(self._client, command)(*arguments)

    def _states(self, prefix: str) -> dict[str, dict[str, Any]]:
        keys = self._keys(f"{prefix}*")
        values = self._ask("mget", keys) if keys else []
        return {
            key.removeprefix(prefix): msgspec.json.decode(data) for key, data in zip(keys, values, strict=True) if data is not None
        }

    def _keys(self, pattern: str) -> list[str]:
        with _reachable(self._url):
            return sorted(key.decode() for key in self._client.scan_iter(match=pattern, count=1_000))

    @contextmanager
    def _subscription(self, channels: Sequence[str]) -> Iterator[Any]:
        with self._client.pubsub() as subscription:
            patterns = [channel for channel in channels if "*" in channel]
            plain = [channel for channel in channels if "*" not in channel]
            if patterns:
                subscription.psubscribe(*patterns)
            if plain:
                subscription.subscribe(*plain)
            for _ in channels:  # from the confirmations on nothing is missed
                subscription.get_message(timeout=TIMEOUT_SECONDS)
            yield subscription


class AsyncBus:
    """Redis for the live worker: it tells, and never waits for long.

    Methods raise StoreUnreachable when Redis does not answer within 2 seconds; the caller drops what it had to tell.

    Args:
        url: `redis://host:port/0`.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: Any = redis.asyncio.Redis.from_url(url, **_TIMEOUTS, retry=AsyncRetry(NoBackoff(), 1))
        self._newest: dict[str, int] = {}

    async def publish_candles(self, candles: Iterable[Candle]) -> None:
        """Publish candles on the channels of their symbols and keep the newest of each timeframe, in one round trip."""
        pipeline = self._client.pipeline(transaction=False)
        for candle in candles:
            data = encode_candle(candle)
            pipeline.publish(MARKET_DATA_CHANNEL.format(symbol=candle.symbol), data)
            key = LATEST_KEY.format(symbol=candle.symbol, timeframe=candle.timeframe)
            # The revision of an older candle is news, but it is not the latest.
            if candle.timestamp_us >= self._newest.get(key, 0):
                self._newest[key] = candle.timestamp_us
                pipeline.set(key, data)
        with _reachable(self._url):
            await pipeline.execute()

    async def set_feed(self, symbol: str, state: Mapping[str, object], *, lifetime_seconds: int = 60) -> None:
        """Tell how the feed of a symbol is doing; forgotten unless it is told again within the lifetime."""
        with _reachable(self._url):
            await self._client.set(FEED_KEY.format(symbol=symbol), msgspec.json.encode(state), ex=lifetime_seconds)

    async def set_feeds(self, states: Mapping[str, Mapping[str, object]], *, lifetime_seconds: int = 60) -> None:
        """Tell how several feeds are doing, by symbol, in one round trip."""
        pipeline = self._client.pipeline(transaction=False)
        for symbol, state in states.items():
            pipeline.set(FEED_KEY.format(symbol=symbol), msgspec.json.encode(state), ex=lifetime_seconds)
        with _reachable(self._url):
            await pipeline.execute()

    async def publish(self, channel: str, message: object) -> None:
        """Send a message as JSON to whoever listens at this moment."""
        with _reachable(self._url):
            await self._client.publish(channel, msgspec.json.encode(message))

    async def publish_event(self, event: Mapping[str, object]) -> None:
        """Send an event to the system channel."""
        await self.publish(SYSTEM_EVENTS_CHANNEL, event)

    async def health_check(self) -> bool:
        """Return whether Redis answers."""
        try:
            with _reachable(self._url):
                await self._client.ping()
        except StoreUnreachable:
            return False
        return True

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()


_TIMEOUTS: dict[str, Any] = {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS}


@contextmanager
def _reachable(url: str) -> Iterator[None]:
    try:
        yield
    except (redis.RedisError, OSError) as error:
        parts = urlsplit(url)
        where = f"{parts.hostname}:{parts.port or 6379}"
        raise StoreUnreachable(
            f"Redis does not answer at {where} ({error}); check that it runs (`tcpdash doctor`) and that the address is right"
        ) from error
