"""One websocket to a venue: opened, subscribed, read and watched until it ends."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from exchanges.base import DataProvider, KeepAlive, Parsed
from market.clock import monotonic, now_us

_FRAMES = 8192
_SOCKET_QUEUE = 1024
_CLOSE_SECONDS = 2.0


class Socket(Protocol):
    """What is needed of a websocket; it raises ConnectionClosed when it is over."""

    async def recv(self, decode: bool | None = None) -> bytes:
        """Return the next message; with `decode` False as bytes."""

    async def send(self, message: str) -> None:
        """Send a text message."""

    async def close(self) -> None:
        """Close it."""


Dial = Callable[[str], Awaitable[tuple[Socket, str]]]
"""Opens a websocket at an address; also returns what the source says its data is: `X-Tape` of a local exchange."""


async def dial(url: str) -> tuple[Socket, str]:
    """Open a websocket over the network."""
    loopback = urlsplit(url).hostname in {"127.0.0.1", "::1", "localhost"}
    socket = await connect(
        url,
        compression=None,
        max_queue=_SOCKET_QUEUE,
        max_size=2**24,
        close_timeout=_CLOSE_SECONDS,
        proxy=None if loopback else True,
    )
    tape = socket.response.headers.get("X-Tape", "") if socket.response else ""
    return socket, tape  # type: ignore[return-value]  # bytes, since nothing is decoded


class Dead(Exception):
    """Raised inside when a deadline of the line passed."""


class Line:
    """One open websocket.

    Attributes:
        tape: What the source says its data is.
        opened_at: When it was opened, seconds of the monotonic clock.
        skipped: Frames that the venue numbered and that never came, since the last look.
    """

    def __init__(self, provider: DataProvider, rules: KeepAlive, socket: Socket, tape: str) -> None:
        self._provider, self._rules, self._socket, self.tape = provider, rules, socket, tape
        self._inbox = _Inbox(socket)
        self.opened_at = monotonic()
        self._watch = _Watch(rules, self.opened_at)
        self._reader: asyncio.Task[None] | None = None
        self._number: int | None = None
        self._outbox: list[str] = []
        self._say_at = 0.0
        self.skipped = 0

    async def begin(self, frames: Sequence[str]) -> None:
        """Send the subscriptions and begin to read."""
        self._reader = asyncio.create_task(self._inbox.fill())
        for number, frame in enumerate(frames):
            if number:
                await asyncio.sleep(self._rules.pause)
            await self._socket.send(frame)

    async def take(self) -> tuple[Parsed, int] | None:
        """Return what the frames say that arrived together, and when; None when something else is due.

        Raises:
            ConnectionClosed: If it is over and nothing waits.
            Dead: If a deadline passed.
        """
        frames = await self._inbox.take(self._watch.patience(monotonic()))
        if self._outbox and monotonic() >= self._say_at:  # a venue counts what it is told
            self._say_at = monotonic() + self._rules.pause
            await self._socket.send(self._outbox.pop(0))
            if self._outbox:
                asyncio.get_running_loop().call_later(self._rules.pause, self._inbox.poke)
        if frames:
            return self._read(frames)
        if self._watch.check(monotonic()):
            await self._socket.send(self._rules.ping or "")
        return None

    def drain(self) -> tuple[Parsed, int] | None:
        """Return what the frames say that wait already."""
        frames = self._inbox.drain()
        return self._read(frames) if frames else None

    def say(self, frame: str) -> None:
        """Send a text before the next look at the frames."""
        self._outbox.append(frame)
        self._inbox.poke()

    def poke(self) -> None:
        """Let `take` return, if it waits."""
        self._inbox.poke()

    async def end(self) -> None:
        """Close the websocket; frames that wait are lost unless they were drained."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        await self._socket.close()

    def _read(self, frames: list[bytes]) -> tuple[Parsed, int]:
        received_us = now_us()
        parsed = self._provider.parse_all(frames, received_us)
        self._watch.heard(monotonic())
        for number in parsed.numbers:
            if self._number is not None and number > self._number + 1:
                self.skipped += number - self._number - 1
            self._number = number
        return parsed, received_us


class _Inbox:
    """Frames between the socket and the worker. When 8,192 wait, the socket is not read: the venue feels it, nothing is dropped."""

    def __init__(self, socket: Socket) -> None:
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

    async def take(self, patience: float | None) -> list[bytes]:
        """Return all frames that wait; none when none came within `patience` seconds, or somebody poked.

        Raises:
            ConnectionClosed: After the last frame of a socket that closed.
        """
        if not self._frames and self._error is None:
            try:
                async with asyncio.timeout(patience):
                    await self._arrived.wait()
            except TimeoutError:
                return []
        frames = self.drain()
        if not frames and self._error is not None:
            raise self._error
        return frames

    def drain(self) -> list[bytes]:
        """Return all frames that wait."""
        frames, self._frames = self._frames, []
        if self._error is None:
            self._arrived.clear()
        self._room.set()
        return frames

    def poke(self) -> None:
        """Let `take` return."""
        self._arrived.set()


class _Watch:
    """The deadlines of one line, on a clock that is handed in. Whether data should come is not its business."""

    def __init__(self, rules: KeepAlive, now: float) -> None:
        self._rules = rules
        self._frame_at = now
        self._pinged_at: float | None = None

    def patience(self, now: float) -> float | None:
        """Return the seconds until something has to be done if nothing arrives; None for no such moment."""
        deadlines = [self._frame_at + self._rules.silence] if self._rules.silence is not None else []
        if self._rules.ping is not None:
            pinged_at, rules = self._pinged_at, self._rules
            deadlines.append(self._frame_at + rules.ping_after if pinged_at is None else pinged_at + rules.pong_within)
        return max(0.0, min(deadlines) - now) if deadlines else None

    def heard(self, now: float) -> None:
        """Note frames of any kind."""
        self._frame_at, self._pinged_at = now, None

    def check(self, now: float) -> bool:
        """Return whether to send a ping.

        Raises:
            Dead: If a deadline passed.
        """
        if self._rules.silence is not None and now >= self._frame_at + self._rules.silence:
            raise Dead(f"no frame for {self._rules.silence:g} s")
        if self._rules.ping is None:
            return False
        if self._pinged_at is not None and now >= self._pinged_at + self._rules.pong_within:
            raise Dead(f"no answer to a ping within {self._rules.pong_within:g} s")
        if self._pinged_at is None and now >= self._frame_at + self._rules.ping_after:
            self._pinged_at = now
            return True
        return False
