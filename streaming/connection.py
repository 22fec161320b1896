"""One websocket to a venue, kept for ever: subscribed, watched, renewed. What happens to it comes out as values."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from exchanges.base import DataProvider, KeepAlive, Parsed
from market.clock import monotonic, now_us
from streaming.backoff import Backoff

logger = logging.getLogger(__name__)

_FRAMES = 8192
_SOCKET_QUEUE = 1024
_SUBSCRIBE_PAUSE = 0.25  # Binance allows five messages a second, OKX more


class Connected(msgspec.Struct, frozen=True):
    """The socket is open; the subscriptions are sent next.

    Attributes:
        tape: What the source says its data is: `recorded`, `shifted` or `synthetic` for a local exchange; empty for a venue.
    """

    tape: str = ""


class Received(msgspec.Struct, frozen=True):
    """Frames that arrived together, and the local time of the first."""

    parsed: Parsed
    received_us: int


class Disconnected(msgspec.Struct, frozen=True):
    """The socket is gone, or never was. Trades may be missed from here to the next `Received`.

    Attributes:
        reason: What happened, in words.
        wait: Seconds to the next attempt.
        reached: Whether there was a connection at all.
    """

    reason: str
    wait: float
    reached: bool


Event = Connected | Received | Disconnected


class _Dead(Exception):
    """Raised inside when a deadline of the connection passed."""


class Connection:
    """Keeps one websocket to one venue. It never gives up; only cancelling ends it.

    A frame counts as life only when it carries trades: acknowledgements and pongs prove the line, not the feed.

    Args:
        provider: The venue, with the symbols to follow.
        keep_alive: Other deadlines than the venue's, for tests.
        backoff: Other waits than usual.
        sleep: What waits between attempts.
    """

    def __init__(
        self,
        provider: DataProvider,
        *,
        keep_alive: KeepAlive | None = None,
        backoff: Backoff | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._provider = provider
        self.url = provider.endpoints.stream.rstrip("/") + provider.stream_path()
        self._rules = keep_alive or provider.keep_alive
        self._backoff = backoff or Backoff()
        self._sleep = sleep

    async def events(self) -> AsyncGenerator[Event]:
        """Yield what happens, for ever."""
        while True:
            reached = False
            try:
                async with aclosing(self._one_life()) as life:
                    async for event in life:
                        reached = True
                        yield event
                reason = "the connection ended"
            except ConnectionClosed as error:
                reason = f"closed: {error}"
            except _Dead as error:
                reason = str(error)
            except (OSError, WebSocketException, ValueError) as error:  # ValueError: a redirect to an address that is none
                reason = str(error) or type(error).__name__
            wait = self._backoff.next()
            yield Disconnected(reason, wait, reached)
            await self._sleep(wait)

    async def _one_life(self) -> AsyncGenerator[Event]:
        loopback = urlsplit(self.url).hostname in {"127.0.0.1", "::1", "localhost"}
        async with connect(
            self.url,
            compression=None,
            max_queue=_SOCKET_QUEUE,
            max_size=2**24,
            close_timeout=2,
            proxy=None if loopback else True,
        ) as socket:
            yield Connected(socket.response.headers.get("X-Tape", "") if socket.response else "")
            for number, frame in enumerate(self._provider.subscribe()):
                if number:
                    await asyncio.sleep(_SUBSCRIBE_PAUSE)
                await socket.send(frame)
            inbox = _Inbox(socket)
            reader = asyncio.create_task(inbox.fill())
            try:
                async with aclosing(self._listen(socket, inbox)) as received:
                    async for event in received:
                        yield event
            finally:
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)

    async def _listen(self, socket: ClientConnection, inbox: "_Inbox") -> AsyncGenerator[Event]:
        watch = _Watch(self._rules, monotonic())
        while True:
            frames = await inbox.take(watch.patience(monotonic()))
            now = monotonic()
            if frames:
                received_us = now_us()
                parsed = self._provider.parse_all(frames, received_us)
                watch.heard(now, parsed)
                if parsed.trades:
                    self._backoff.good(now)
                yield Received(parsed, received_us)
            elif watch.check(now):
                await socket.send(self._rules.ping or "")


class _Inbox:
    """Frames between the socket and the worker. When 8,192 wait, the socket is not read: the venue feels it, nothing is dropped."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._frames: list[bytes] = []
        self._arrived, self._room = asyncio.Event(), asyncio.Event()
        self._error: ConnectionClosed | None = None

    async def fill(self) -> None:
        """Read frames until the socket closes. What arrived together is handed on together."""
        try:
            while True:
                frame = await self._socket.recv(decode=False)
                self._frames.append(frame)  # not in one line: the list is another one after the wait
                self._arrived.set()
                if len(self._frames) >= _FRAMES:
                    self._room.clear()
                    await self._room.wait()
        except ConnectionClosed as error:
            self._error = error
            self._arrived.set()

    async def take(self, patience: float) -> list[bytes]:
        """Return all frames that wait; none when none came within `patience` seconds.

        Raises:
            ConnectionClosed: After the last frame of a socket that closed.
        """
        if not self._frames and self._error is None:
            try:
                async with asyncio.timeout(patience):
                    await self._arrived.wait()
            except TimeoutError:
                return []
        frames, self._frames = self._frames, []
        self._arrived.clear()
        self._room.set()
        if not frames and self._error is not None:
            raise self._error
        return frames


class _Watch:
    """The deadlines of one connection, on a clock that is handed in."""

    def __init__(self, rules: KeepAlive, now: float) -> None:
        self._rules = rules
        self._frame_at = now
        self._pinged_at: float | None = None
        self._data_by = now + rules.first_data
        self._what = f"no trade within {rules.first_data:g} s of subscribing"

    def patience(self, now: float) -> float:
        """Return the seconds until something has to be done if nothing arrives."""
        deadlines = [self._data_by]
        if self._rules.ping is not None:
            waiting = self._pinged_at is not None
            deadlines.append(
                self._pinged_at + self._rules.pong_within
                if waiting and self._pinged_at
                else self._frame_at + self._rules.ping_after
            )
        return max(0.0, min(deadlines) - now)

    def heard(self, now: float, parsed: Parsed) -> None:
        """Note frames; only those with trades move the deadline for data."""
        self._frame_at, self._pinged_at = now, None
        if parsed.trades:
            self._data_by = now + self._rules.silence
            self._what = f"no trade for {self._rules.silence:g} s"

    def check(self, now: float) -> bool:
        """Return whether to send a ping.

        Raises:
            _Dead: If a deadline passed.
        """
        if now >= self._data_by:
            raise _Dead(self._what)
        if self._rules.ping is None:
            return False
        if self._pinged_at is not None and now >= self._pinged_at + self._rules.pong_within:
            raise _Dead(f"no answer to a ping within {self._rules.pong_within:g} s")
        if self._pinged_at is None and now >= self._frame_at + self._rules.ping_after:
            self._pinged_at = now
            return True
        return False
