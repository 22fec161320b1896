"""One open websocket of the local exchange: carries out what the core of the exchange wants done to a client."""

import asyncio
from collections.abc import Callable, Sequence

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

_CLOSE_SECONDS = 2.0


class Client:
    """A connection. What the network does not take waits in memory.

    Attributes:
        number: The client's number in the core of the exchange.
    """

    def __init__(self, number: int, connection: ServerConnection) -> None:
        self.number, self.connection = number, connection
        self._frozen = False
        self._closing: asyncio.Task[None] | None = None
        self._pings: set[asyncio.Task[None]] = set()

    def send(self, frames: Sequence[bytes], *, binary: bool = False) -> int:
        """Write frames in one go; return how many."""
        connection = self.connection
        if self._frozen or self._closing is not None or connection.state is not State.OPEN:
            return 0
        protocol = connection.protocol
        write = protocol.send_binary if binary else protocol.send_text
        for frame in frames:
            write(frame)
        connection.transport.write(b"".join(protocol.data_to_send()))
        return len(frames)

    @property
    def unread(self) -> int:
        """Number of bytes that wait for the network to take them."""
        return self.connection.transport.get_write_buffer_size()

    def ping(self, ponged: Callable[[], object]) -> None:
        """Send a ping; call when it is answered."""
        if not self._frozen:
            task = asyncio.create_task(self._ping(ponged))
            self._pings.add(task)
            task.add_done_callback(self._pings.discard)

    def close(self, code: int, reason: str) -> None:
        """Close with a code and a reason; a client that does not read it is cut off after two seconds."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._say_goodbye(code, reason))

    def cut(self) -> None:
        """End the connection without a word; what waits for the client is lost."""
        self.connection.transport.abort()

    def hang_up(self) -> None:
        """End the TCP connection once all is sent, without a websocket's closing frame."""
        self.connection.transport.close()

    def freeze(self) -> None:
        """Read and write nothing any more."""
        self._frozen = True
        self.connection.transport.pause_reading()

    async def end(self) -> None:
        """Wait for what was begun for this client; the connection is gone."""
        pings = list(self._pings)
        for task in pings:
            task.cancel()
        tasks = pings if self._closing is None else [*pings, self._closing]
        if tasks:
            await asyncio.wait(tasks)

    async def _say_goodbye(self, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self.connection.close(code, reason)
        except TimeoutError:  # it does not read: the close frame waits behind all the rest
            self.connection.transport.abort()

    async def _ping(self, ponged: Callable[[], object]) -> None:
        try:
            await (await self.connection.ping())
        except ConnectionClosed:
            return
        ponged()
