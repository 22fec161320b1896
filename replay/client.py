"""One open websocket of the local exchange: writes in bulk, pings, and cuts off who is idle or too slow."""

import asyncio
import logging
from collections.abc import Sequence

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from market.clock import monotonic
from replay.session import Session

logger = logging.getLogger(__name__)

_MOST_UNREAD = 16 << 20
_PONG_SECONDS = 60.0
_CLOSE_SECONDS = 2.0


class Client:
    """A connection and its session. What the network does not take waits in memory, at most 16 MiB; then it is closed.

    Attributes:
        number: 1 for the first client of the exchange, and so on.
    """

    def __init__(self, number: int, connection: ServerConnection, session: Session) -> None:
        self.number, self.connection, self.session = number, connection, session
        self._active = monotonic()
        self._closing: asyncio.Task[None] | None = None
        seconds = session.ping_seconds
        self._pings = asyncio.create_task(self._ping(seconds)) if seconds else None

    def send(self, frames: Sequence[bytes]) -> int:
        """Write text frames in one go; return how many."""
        connection = self.connection
        if self._closing is not None or connection.state is not State.OPEN:
            return 0
        protocol = connection.protocol
        for frame in frames:
            protocol.send_text(frame)
        connection.transport.write(b"".join(protocol.data_to_send()))
        self._active = monotonic()
        unread = connection.transport.get_write_buffer_size()
        if unread > _MOST_UNREAD:
            logger.warning("slow client cut off number=%d unread_bytes=%d", self.number, unread)
            self._close(*self.session.slow_close)
        return len(frames)

    def close_if_idle(self) -> None:
        """Close the connection if the venue would: nothing went to the client for long enough."""
        limit = self.session.idle_seconds
        if limit is not None and monotonic() - self._active > limit:
            self._close(*self.session.idle_close)

    async def end(self) -> None:
        """Wait for what was begun for this client; the connection is gone."""
        tasks = [task for task in (self._pings, self._closing) if task is not None]
        if self._pings is not None:
            self._pings.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _close(self, code: int, reason: str) -> None:
        if self._closing is None:
            self._closing = asyncio.create_task(self._say_goodbye(code, reason))

    async def _say_goodbye(self, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self.connection.close(code, reason)
        except TimeoutError:  # it does not read: the close frame waits behind all the rest
            self.connection.transport.abort()

    async def _ping(self, seconds: float) -> None:
        try:
            while True:
                await asyncio.sleep(seconds)
                async with asyncio.timeout(_PONG_SECONDS):
                    await (await self.connection.ping())
        except TimeoutError:
            self._close(1008, "Pong timeout")
        except ConnectionClosed:
            pass
