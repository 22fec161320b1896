"""A venue by hand: what it answers is a function; a worker of it on virtual time, without sockets, database and Redis."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import httpx
import msgspec
from websockets.exceptions import ConnectionClosedOK

from exchanges.base import DataProvider, Endpoints
from exchanges.rest import HistoryClient
from market.candle import Candle
from market.clock import isoformat, monotonic, now_us
from simulation import loop as virtual
from streaming.backoff import Backoff
from streaming.batch import Batch
from streaming.connection import Connection
from streaming.persistence import Written
from streaming.publish import PublishSink
from streaming.store import StoreSink
from streaming.worker import Worker
from tests.generators import START_US

NOWHERE = Endpoints("ws://127.0.0.1:1", "http://127.0.0.1:1")

Answer = Callable[[dict[str, Any]], list[str]]


class Socket:
    """One line to it."""

    def __init__(self, venue: "Venue") -> None:
        self._venue, self._frames = venue, asyncio.Queue[bytes]()
        self._over = False

    async def recv(self, decode: bool | None = None) -> bytes:
        if self._over:
            raise ConnectionClosedOK(None, None)
        return await self._frames.get()

    async def send(self, message: str) -> None:
        self._venue.said.append((monotonic(), message))
        self.push(*(["pong"] if message == "ping" else self._venue.answer(msgspec.json.decode(message))))

    async def close(self) -> None:
        self._over = True

    def push(self, *frames: str) -> None:
        for frame in frames:
            self._frames.put_nowait(frame.encode())


class Venue:
    """Answers as it is told.

    Attributes:
        said: What clients said, and when.
        asked: The paths asked for over REST, and when.
        lines: The lines that were opened, oldest first.
        tape: What it says its data is; nothing, as real venues do.
    """

    def __init__(self, answer: Answer, rest: Callable[[httpx.Request], Any]) -> None:
        self.answer, self._rest = answer, rest
        self.said: list[tuple[float, str]] = []
        self.asked: list[tuple[float, str]] = []
        self.lines: list[Socket] = []
        self.tape = ""

    async def dial(self, url: str) -> tuple[Socket, str]:
        self.lines.append(Socket(self))
        return self.lines[-1], self.tape

    def reply(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((monotonic(), request.url.path))
        return httpx.Response(200, json=self._rest(request))


class NoDatabase:
    """Knows nothing and keeps what it is given."""

    keeps_trades = True
    ids_of = None

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    async def resume(self, symbol: str) -> None: ...

    async def keep_instruments(self, instruments: object) -> None: ...

    async def write(self, _: object, batch: Batch) -> Written:
        self.batches.append(batch)
        return Written()

    @property
    def trade_ids(self) -> list[int]:
        return [trade.trade_id for batch in self.batches for trade in batch.trades]

    @property
    def candles(self) -> list[Candle]:
        return [candle for batch in self.batches for candle in batch.candles]


class Told:
    """Stands where Redis is."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.feeds: dict[str, dict[str, Any]] = {}

    async def publish_candles(self, candles: object) -> None: ...

    async def publish_event(self, event: dict[str, Any]) -> None:
        self.events.append(event)

    async def set_feeds(self, feeds: dict[str, dict[str, Any]]) -> None:
        self.feeds |= feeds

    def states(self, symbol: str) -> list[str]:
        return [event["state"] for event in self.events if event["symbol"] == symbol]


class Stage:
    """A worker and what it lives on."""

    def __init__(
        self, provider: type[DataProvider], symbols: list[str], answer: Answer, rest: Callable[[httpx.Request], Any]
    ) -> None:
        self.provider = provider(symbols, endpoints=NOWHERE)
        self.venue, self.database, self.told = Venue(answer, rest), NoDatabase(), Told()
        self.worker: Worker

    def run(self, play: Callable[[], Awaitable[None]], bus: Any = None) -> float:
        """Let the worker live while something is played; return the seconds that its stop took."""
        logging.disable(logging.CRITICAL)
        try:
            return virtual.run(self.live(play, bus or self.told), virtual.VirtualLoop(), START_US)
        finally:
            logging.disable(logging.NOTSET)

    async def live(self, play: Callable[[], Awaitable[None]], bus: Any) -> float:
        """Do what `run` does in a loop that runs already."""
        connection = Connection(self.provider, dial=self.venue.dial, backoff=Backoff(rng=Random(1)))
        sink = StoreSink(lambda _: Written(), in_thread=self.database.write)
        async with HistoryClient(self.provider, transport=httpx.MockTransport(self.venue.reply)) as history:
            self.worker = Worker(
                self.provider, connection, history, self.database, sink, PublishSink(bus),
                timeframes=[], tick_seconds=0.25, rng=Random(1),
            )  # fmt: skip
            living = asyncio.create_task(self.worker.run())
            await play()
            begun = monotonic()
            self.worker.stop()
            await living
            return monotonic() - begun


def okx_rest(newest: Callable[[str], list[dict[str, str]]] = lambda _: []) -> Callable[[httpx.Request], Any]:
    """Return OKX's REST interface: its clock is right, `newest` are its trades."""

    def rest(request: httpx.Request) -> Any:
        match request.url.path.rpartition("/")[2]:
            case "time":
                return {"code": "0", "data": [{"ts": str(now_us() // 1000)}]}
            case "trades":
                return {"code": "0", "data": newest(request.url.params["instId"])}
        return {"code": "0", "data": []}

    return rest


def okx_row(wire: str, number: int, time_us: int) -> dict[str, str]:
    """Return a trade as OKX has it in frames and answers."""
    return {"instId": wire, "tradeId": str(number), "px": "61000.1", "sz": "0.5", "side": "buy", "ts": str(time_us // 1000)}


def okx_push(wire: str, number: int, time_us: int) -> str:
    """Return a frame with a trade."""
    arg = {"channel": "trades-all", "instId": wire}
    return msgspec.json.encode({"arg": arg, "data": [okx_row(wire, number, time_us)]}).decode()


def okx_ack(wire: str) -> str:
    """Return the acknowledgement of a subscription."""
    return f'{{"event":"subscribe","arg":{{"channel":"trades-all","instId":"{wire}"}},"connId":"a"}}'


def wires_of(message: dict[str, Any]) -> list[str]:
    """Return what an OKX request subscribes."""
    return [arg["instId"] for arg in message["args"]]


def coinbase_beat(wire: str, number: int) -> str:
    """Return a heartbeat of Coinbase that names the newest trade."""
    body = {"type": "heartbeat", "sequence": number, "last_trade_id": number, "product_id": wire, "time": isoformat(now_us())}
    return msgspec.json.encode(body).decode()


def coinbase_match(wire: str, row: dict[str, Any]) -> str:
    """Return the frame of a trade that Coinbase's REST interface has as `row`."""
    body = {"type": "match", "maker_order_id": "a", "taker_order_id": "b", "product_id": wire, "sequence": row["trade_id"], **row}
    return msgspec.json.encode(body).decode()
