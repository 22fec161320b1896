"""The wires between the worker and the exchange: frames and answers take their time, and keep their order."""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from random import Random

import httpx
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidStatus
from websockets.frames import Close as CloseFrame
from websockets.http11 import Response

from replay.answer import read_question
from replay.core import ExchangeCore
from replay.deeds import Close, Cut, Deed, Freeze, HangUp, Ping, Send
from simulation.witness import Witness

_TICK = 1e-6  # what an event loop has to do at one moment it does in any order


class Network:
    """Connects clients in this process to an exchange without sockets.

    Args:
        core: The exchange.
        chance: Where delays come from.
        latency: The longest time that a frame or a question is under way, in seconds.
        step: The longest time between two looks of the exchange at its clock.
        witness: Notes what passes.
    """

    def __init__(self, core: ExchangeCore, chance: Random, *, latency: float, step: float, witness: Witness) -> None:
        self._core, self._chance, self._latency, self._step = core, chance, latency, step
        self.witness = witness
        self._sockets: dict[int, SimSocket] = {}
        self.opened = 0

    def delay(self) -> float:
        """Return how long the next thing is under way."""
        return self._latency * self._chance.random() ** 3

    async def play(self) -> None:
        """Let the exchange play, for ever."""
        while True:
            await asyncio.sleep(self._step * (0.2 + 0.8 * self._chance.random()))
            self.carry_out(self._core.play())

    def carry_out(self, deeds: list[Deed]) -> None:
        """Do what the exchange wants done to its clients."""
        for deed in deeds:
            socket = self._sockets.get(deed.client)
            if socket is not None:
                socket.done_by_venue(deed)

    async def dial(self, url: str) -> tuple["SimSocket", str]:
        """Open a websocket."""
        self.witness.dialled()
        await asyncio.sleep(self.delay())
        question = read_question(httpx.URL(url).raw_path.decode())
        refused = self._core.refusal(question)
        if refused is not None:
            await asyncio.sleep(refused.delay_seconds)
            if refused.answer is None:
                raise ConnectionResetError("the exchange hung up")
            raise InvalidStatus(Response(refused.answer.status, "refused", Headers(), refused.answer.body))
        number = self._core.admit(question)
        self.opened += 1
        socket = self._sockets[number] = SimSocket(self, number)
        return socket, self._core.source.label

    def told(self, number: int, message: str) -> None:
        """Let a message arrive at the exchange."""
        self.witness.told()
        self.carry_out(self._core.receive(number, message))

    def gone(self, number: int) -> None:
        """Let the exchange know that a client went away."""
        if self._sockets.pop(number, None) is not None:
            self._core.gone(number)

    def unread(self, number: int, size: int) -> None:
        """Let the exchange know how much a client has not read."""
        self.carry_out(self._core.unread(number, size))

    def ponged(self, number: int) -> None:
        """Let the exchange know that a client answered a ping."""
        self._core.ponged(number)

    def ended(self) -> None:
        """Take note that a line ended."""
        self.witness.cut(self._core.now_us)

    def cut(self, numbers: Iterable[int]) -> None:
        """Let some clients disappear: those of a process that died."""
        for number in numbers:
            self.gone(number)


class SimSocket:
    """A websocket of the worker: frames arrive in their order, each after its own delay but never before its predecessor.

    Attributes:
        number: What the exchange calls it.
    """

    def __init__(self, network: Network, number: int) -> None:
        self._network, self.number = network, number
        self._waiting: deque[bytes] = deque()
        self._some = asyncio.Event()
        self._ended: Exception | None = None
        self._frozen = False
        self._at = self._sent_at = 0.0  # when the last thing arrives here, and when at the exchange

    async def recv(self, decode: bool | None = None) -> bytes:  # noqa: ARG002
        """Return the next frame."""
        while not self._waiting:
            if self._ended is not None:
                raise self._ended
            self._some.clear()
            await self._some.wait()
        frame = self._waiting.popleft()
        self._network.witness.arrived(frame)
        return frame

    async def send(self, message: str) -> None:
        """Send a message."""
        if self._ended is not None:
            raise self._ended
        loop = asyncio.get_running_loop()
        self._sent_at = max(self._sent_at + _TICK, loop.time() + self._network.delay())
        loop.call_at(self._sent_at, self._network.told, self.number, message)

    async def close(self) -> None:
        """Go away."""
        self._end(ConnectionClosedOK(None, None))
        self._network.gone(self.number)

    def done_by_venue(self, deed: Deed) -> None:
        """Let something that the exchange did arrive here."""
        loop = asyncio.get_running_loop()
        match deed:
            case Send():
                self._at = max(self._at + _TICK, loop.time() + self._network.delay())
                loop.call_at(self._at, self._arrive, deed.frames)
            case Ping():
                loop.call_later(self._network.delay(), self._network.ponged, self.number)
            case Close():
                self._at = max(self._at + _TICK, loop.time() + self._network.delay())
                loop.call_at(self._at, self._end, ConnectionClosedError(CloseFrame(deed.code, deed.reason), None))
            case Cut():
                self._end(ConnectionClosedError(None, None))  # what is under way is lost
            case HangUp():
                self._at = max(self._at + _TICK, loop.time() + self._network.delay())
                loop.call_at(self._at, self._end, ConnectionClosedError(None, None))
            case Freeze():
                self._frozen = True  # nothing arrives any more, but that the line is cut in the end

    def _arrive(self, frames: Sequence[bytes]) -> None:
        if self._ended is None and not self._frozen:
            self._waiting.extend(frames)
            self._some.set()
            self._network.unread(self.number, sum(len(frame) for frame in self._waiting))

    def _end(self, error: Exception) -> None:
        if self._ended is None:
            self._ended = error
            self._some.set()
            self._network.ended()


class SimTransport(httpx.AsyncBaseTransport):
    """Carries questions to the exchange's REST interface."""

    def __init__(self, network: Network, core: ExchangeCore) -> None:
        self._network, self._core = network, core

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer, or fail as a network does."""
        self._network.witness.asked(request.url.path, ended=self._core.is_ended)
        await asyncio.sleep(self._network.delay())
        reply = self._core.answer(read_question(request.url.raw_path.decode()))
        await asyncio.sleep(reply.delay_seconds + self._network.delay())
        if reply.answer is None:
            raise httpx.ReadError("the exchange hung up", request=request)
        return httpx.Response(reply.answer.status, headers=reply.answer.headers, content=reply.answer.body, request=request)
