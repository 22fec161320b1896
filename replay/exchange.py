"""The local exchange: a websocket and REST server on 127.0.0.1 that plays a market to any client of OKX or Binance."""

import asyncio
import logging
from collections.abc import Callable, Sequence
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
from market.clock import monotonic
from market.errors import InputError
from market.timeframe import MINUTE_US
from replay.answer import Answer, Question, read_question
from replay.client import Client
from replay.clock import ExchangeClock
from replay.connection import Connection, is_websocket, speak_json
from replay.faults import Faults
from replay.routes import answer_to, refusal_of, session_of, weight_of
from replay.session import Session
from replay.source import Market, Slice, Source
from replay.tape import Tape

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
DEFAULT_PORT = 8765
_SLICE_SECONDS = 0.01


class LocalExchange:
    """An exchange on localhost that plays a market over the venues' own protocols.

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
        source: What is played, with the times at which it is played.
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
        if not 0 < speed < 1e9:
            raise InputError(f"speed {speed} is not above zero; 1 plays in real time, 10 ten times as fast")
        self._unshifted = source if shift_to_now and isinstance(source, Tape) else None
        self.source = self._unshifted.blank() if self._unshifted else source
        self._clock = ExchangeClock(source.first_us, source.last_us, speed=speed, shift_to_now=shift_to_now, start_us=start_us)
        self.sent, self.ended = 0, asyncio.Event()
        self._faults, self._port, self._tls = faults or Faults(), port, tls
        self._played_us = self._clock.now_us()
        self._clients: set[Client] = set()
        self._accepted, self._weight = 0, (0, 0)
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
    def now_us(self) -> int:
        """The moment up to which the market was played, UTC epoch microseconds: the exchange's clock."""
        return self._played_us

    @property
    def connections(self) -> int:
        """Number of open websockets."""
        return len(self._clients)

    def pause(self) -> None:
        """Let the market stand still; connections and REST stay, no trade is lost."""
        self._clock.pause()
        self._play_slice()

    def resume(self) -> None:
        """Let the market go on from where it was paused."""
        self._clock.resume()

    def drop_connections(self) -> int:
        """Cut every websocket without a word, as a broken network does; return how many there were."""
        clients = list(self._clients)
        for client in clients:
            client.connection.transport.abort()
        return len(clients)

    # -- the server ------------------------------------------------------------------------------------------------

    def _market(self) -> Market:
        return Market(self.source, self._played_us)

    async def _open(self, connection: ServerConnection, opening: Opening) -> Response | None:
        question = read_question(opening.path)
        if not is_websocket(opening):
            answer = await asyncio.to_thread(answer_to, question, self._market())
            return _respond(connection, self._faults.answer(question, self._weighed(question, answer)))
        refusal = self._faults.refusal(question) or refusal_of(question)
        return None if refusal is None else _respond(connection, refusal)

    def _label(self, connection: ServerConnection, opening: Opening, response: Response) -> None:  # noqa: ARG002
        speak_json(response)
        response.headers["X-Tape"] = self.source.label

    def _weighed(self, question: Question, answer: Answer) -> Answer:
        used = weight_of(question)
        if not used:
            return answer
        minute = self._played_us // MINUTE_US
        self._weight = minute, used + (self._weight[1] if self._weight[0] == minute else 0)
        weight = str(self._weight[1])
        return Answer(answer.body, answer.status, {**answer.headers, "X-MBX-USED-WEIGHT": weight, "X-MBX-USED-WEIGHT-1M": weight})

    async def _serve(self, connection: ServerConnection) -> None:
        session = session_of(read_question(connection.request.path if connection.request else ""))
        assert session is not None, "the opening handshake refuses other paths"
        self._accepted += 1
        client = Client(self._accepted, connection, session)
        self._clients.add(client)
        try:
            self._release(session)
            async for message in connection:
                self._send(client, session.receive(message, self._market()))
                self._release(session)
        except ConnectionClosed:
            pass
        finally:
            self._clients.discard(client)
            await client.end()

    def _release(self, session: Session) -> None:
        if session.listening and not self._clock.released:
            self._clock.release()
            if self._unshifted is not None:
                self.source, self._played_us = self._unshifted.shifted(self._clock.offset_us), self._clock.now_us()

    async def _play(self) -> None:
        while True:
            await asyncio.sleep(_SLICE_SECONDS)
            self._play_slice()
            for client in list(self._clients):
                self._send(client, client.session.beat(self._market(), monotonic()))
                client.close_if_idle()

    def _play_slice(self) -> None:
        now_us = self._clock.now_us()
        if now_us > self._played_us:
            span = Slice(self.source, now_us, self._played_us, {})
            self._played_us = now_us
            for client in list(self._clients):
                self._send(client, client.session.push(span))
        if self._clock.is_end(now_us):
            self.ended.set()

    def _send(self, client: Client, frames: Sequence[bytes]) -> None:
        if frames:
            self.sent += client.send(self._faults.frames(client.number, frames))


async def serve(
    source: Source,
    *,
    port: int = DEFAULT_PORT,
    speed: float = 1.0,
    shift_to_now: bool = False,
    tls: SSLContext | None = None,
    on_open: Callable[[LocalExchange], None] = lambda exchange: None,  # noqa: ARG005
) -> None:
    """Play a market until cancelled; `on_open` is called once the port is open."""
    async with LocalExchange(source, port=port, speed=speed, shift_to_now=shift_to_now, tls=tls) as exchange:
        on_open(exchange)
        await asyncio.Event().wait()


def _respond(connection: ServerConnection, answer: Answer) -> Response:
    response = connection.respond(answer.status, answer.body.decode())
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = "application/json"
    for name, value in answer.headers.items():
        response.headers[name] = value
    return response
