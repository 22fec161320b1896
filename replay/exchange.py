"""The local exchange: a websocket and REST server on 127.0.0.1 that plays a market to any client of five companies."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from ssl import SSLContext
from types import TracebackType
from typing import Self

from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as listen
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as Opening
from websockets.http11 import Response
from websockets.protocol import State

from exchanges.base import Endpoints
from market.errors import InputError
from replay.answer import Answer, Question, read_question
from replay.client import Client
from replay.connection import HANG_UP, Connection, is_websocket, speak_json
from replay.core import ExchangeCore
from replay.deeds import Close, Cut, Deed, Freeze, HangUp, Ping, Reply, Send
from replay.faults.seam import Faults
from replay.source import Source

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
DEFAULT_PORT = 8765
_SLICE_SECONDS = 0.01


class LocalExchange:
    """An exchange on localhost that plays a market over the venues' own protocols: the sockets of an `ExchangeCore`.

    A tape is held at its start until the first client subscribes, and the clock stands still at its end, with the
    connections open. REST knows what has been played and nothing later. A client that does not read is cut off once
    16 MiB wait for it.

    Args:
        source: What is played.
        port: Where to listen on 127.0.0.1; 0 for any free port.
        speed: Seconds of the market in a second.
        shift_to_now: Whether a tape is played as if it happened now.
        start_us: Where a generated market is entered, now if None.
        faults: What is done to everything that the exchange says.
        tls: A certificate, for clients that refuse `ws://`; the addresses are then `wss://` and `https://`.

    Attributes:
        sent: Frames sent to all clients, acknowledgements included.
        ended: Set when the whole tape was played.
    """

    def __init__(
        self,
        source: Source,
        *,
        port: int = 0,
        speed: float = 1.0,
        shift_to_now: bool = False,
        start_us: int | None = None,
        faults: Faults | None = None,
        tls: SSLContext | None = None,
    ) -> None:
        self._core = ExchangeCore(source, speed=speed, shift_to_now=shift_to_now, start_us=start_us, faults=faults)
        self.sent, self.ended = 0, asyncio.Event()
        self._port, self._tls = port, tls
        self._clients: dict[int, Client] = {}
        self._server: Server | None = None
        self._player: asyncio.Task[None] | None = None

    # -- for tests and the command line ----------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the port and begin to play.

        Raises:
            InputError: If the port is taken.
        """
        try:
            self._server = await listen(
                self._serve, HOST, self._port, process_request=self._open, process_response=self._label,
                compression=None, ping_interval=None, open_timeout=None, close_timeout=1.0, max_size=1 << 16,
                create_connection=Connection, ssl=self._tls,
            )  # fmt: skip
        except OSError as error:
            raise InputError(f"port {self._port} of {HOST} cannot be used ({error.strerror}); choose another one") from error
        self._port = next(iter(self._server.sockets)).getsockname()[1]
        self._player = asyncio.create_task(self._play())
        logger.info("exchange open port=%d venue=%s symbols=%d", self._port, self.source.venue, len(self.source.symbols))

    async def stop(self) -> None:
        """Close all connections and the port."""
        if self._player is not None:
            self._player.cancel()
            await asyncio.wait([self._player])
        if self._server is not None:
            self._server.close()
            for connection in list(self._server.handlers):
                if connection.state is State.CONNECTING:
                    connection.transport.abort()
            await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        """The port on 127.0.0.1."""
        return self._port

    @property
    def ws_url(self) -> str:
        """Address of the websockets, without a path."""
        return f"{'wss' if self._tls else 'ws'}://{HOST}:{self._port}"

    @property
    def rest_url(self) -> str:
        """Address of the REST interface, without a path."""
        return f"{'https' if self._tls else 'http'}://{HOST}:{self._port}"

    @property
    def endpoints(self) -> Endpoints:
        """Both addresses, as a venue's codec has them."""
        return Endpoints(self.ws_url, self.rest_url)

    @property
    def source(self) -> Source:
        """What is played, with the times at which it is played."""
        return self._core.source

    @property
    def now_us(self) -> int:
        """The moment up to which the market was played, UTC epoch microseconds: the exchange's clock."""
        return self._core.now_us

    @property
    def connections(self) -> int:
        """Number of open websockets."""
        return len(self._clients)

    def pause(self) -> None:
        """Let the market stand still; connections and REST stay, no trade is lost."""
        self._carry_out(self._core.pause())

    def resume(self) -> None:
        """Let the market go on from where it was paused."""
        self._core.resume()

    def drop_connections(self) -> int:
        """Cut every websocket without a word, as a broken network does; return how many there were."""
        clients = list(self._clients.values())
        for client in clients:
            client.cut()
        return len(clients)

    # -- the server ------------------------------------------------------------------------------------------------

    async def _open(self, connection: ServerConnection, opening: Opening) -> Response | None:
        question = read_question(opening.path)
        reply = self._core.refusal(question) if is_websocket(opening) else await self._ask(question)
        if reply is None:
            return None
        await asyncio.sleep(reply.delay_seconds)
        return HANG_UP if reply.answer is None else _respond(connection, reply.answer)

    async def _ask(self, question: Question) -> Reply:
        asked = self._core.ask(question)
        return asked.reply or self._core.conclude(asked, await asyncio.to_thread(asked.work))

    def _label(self, connection: ServerConnection, opening: Opening, response: Response) -> None:  # noqa: ARG002
        speak_json(response)
        response.headers["X-Tape"] = self.source.label

    async def _serve(self, connection: ServerConnection) -> None:
        number = self._core.admit(read_question(connection.request.path if connection.request else ""))
        client = self._clients[number] = Client(number, connection)
        try:
            async for message in connection:
                self._carry_out(self._core.receive(number, message))
        except ConnectionClosed:
            pass
        finally:
            del self._clients[number]
            self._core.gone(number)
            await client.end()

    async def _play(self) -> None:
        while True:
            await asyncio.sleep(_SLICE_SECONDS)
            self._carry_out(self._core.play())
            if self._core.is_ended:
                self.ended.set()

    def _carry_out(self, deeds: Sequence[Deed]) -> None:
        for deed in deeds:
            client = self._clients.get(deed.client)
            if client is not None:
                self._carry_out_one(client, deed)

    def _carry_out_one(self, client: Client, deed: Deed) -> None:
        match deed:
            case Send():
                self.sent += client.send(deed.frames, binary=deed.binary)
                if client.unread:
                    self._carry_out(self._core.unread(client.number, client.unread))
            case Ping():
                client.ping(partial(self._core.ponged, client.number))
            case Close():
                client.close(deed.code, deed.reason)
            case Cut():
                client.cut()
            case HangUp():
                client.hang_up()
            case Freeze():
                client.freeze()


async def serve(
    source: Source,
    *,
    port: int = DEFAULT_PORT,
    speed: float = 1.0,
    shift_to_now: bool = False,
    tls: SSLContext | None = None,
    faults: Faults | None = None,
    on_open: Callable[[LocalExchange], None] = lambda exchange: None,  # noqa: ARG005
    on_end: Callable[[], None] = lambda: None,
) -> None:
    """Play a market until cancelled; `on_open` is called once the port is open, `on_end` once the whole tape was played."""
    async with LocalExchange(source, port=port, speed=speed, shift_to_now=shift_to_now, tls=tls, faults=faults) as exchange:
        on_open(exchange)
        await exchange.ended.wait()
        on_end()
        await asyncio.Event().wait()


def _respond(connection: ServerConnection, answer: Answer) -> Response:
    response = connection.respond(answer.status, answer.body.decode())
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = "application/json"
    for name, value in answer.headers.items():
        response.headers[name] = value
    return response
