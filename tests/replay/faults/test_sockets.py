"""Every kind of fault through real sockets, as a client without any of our code sees it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from replay import FaultScript, LocalExchange, read_tape
from replay.faults import KINDS
from tests.replay.tapes import START_MS, binance_fill, timed_lines

COUNT = 40
TRADES, RAW, OKX, KRAKEN = "/ws/btcusdt@trade", "/ws", "/ws/v5/business", "/v2"
SUBSCRIBE_OKX = '{"op":"subscribe","args":[{"channel":"trades-all","instId":"BTC-USDT"}]}'
SUBSCRIBE_KRAKEN = '{"method":"subscribe","params":{"channel":"trade","symbol":["BTC/USDT"]}}'
ALL = list(range(1, COUNT + 1))
HISTORY = "/api/v3/historicalTrades?symbol=BTCUSDT&fromId=1"
tried: set[str] = set()


class Exchange:
    """A local exchange with faults that plays forty trades, one in each tenth of a second of the market."""

    def __init__(self, exchange: LocalExchange, script: FaultScript) -> None:
        self.exchange, self.script = exchange, script

    def open(self, path: str = TRADES) -> connect:
        return connect(self.exchange.ws_url + path, ping_interval=None, max_queue=None, max_size=None)

    async def get(self, target: str) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.exchange.rest_url, trust_env=False) as client:
            return await client.get(target)

    async def ended(self) -> None:
        await asyncio.wait_for(self.exchange.ended.wait(), 20)


Opening = Callable[..., "asynccontextmanager[Exchange]"]


@pytest.fixture
def play(tmp_path: Path) -> Opening:
    frames = [binance_fill(number, START_MS + number * 100) for number in ALL]
    (tmp_path / "tape").write_bytes(timed_lines([(START_MS, frame) for frame in frames]))
    tape = read_tape(tmp_path / "tape")

    @asynccontextmanager
    async def opened(*faults: str, speed: float = 10.0, seed: int = 1) -> AsyncIterator[Exchange]:
        script = FaultScript(faults, seed)
        tried.update(fault.kind for fault in script.faults)
        async with LocalExchange(tape, speed=speed, faults=script) as exchange:
            yield Exchange(exchange, script)

    return opened


async def receive(socket: ClientConnection, count: int) -> list:
    async with asyncio.timeout(20):
        return [await socket.recv() for _ in range(count)]


async def until_closed(socket: ClientConnection) -> tuple[list, ConnectionClosed]:
    frames = []
    async with asyncio.timeout(20):
        while True:
            try:
                frames.append(await socket.recv())
            except ConnectionClosed as closed:
                return frames, closed


def ids(frames: list) -> list[int]:
    return [json.loads(frame)["t"] for frame in frames]


async def test_without_faults_every_trade_comes_once(play):
    async with play() as exchange, exchange.open() as socket:
        assert ids(await receive(socket, COUNT)) == ALL


async def test_drop(play):
    async with play("drop:at=0.1,for=0.4") as exchange:
        async with exchange.open() as socket:
            _, closed = await until_closed(socket)
        with pytest.raises((InvalidMessage, ConnectionError, InvalidHandshake)):
            await exchange.open()
        while True:
            with suppress(InvalidMessage, ConnectionError, InvalidHandshake):
                async with exchange.open() as again:
                    await receive(again, 1)
                    break
            await asyncio.sleep(0.02)

    assert closed.rcvd is None
    assert exchange.script.strikes["drop"] > 2


async def test_close_without_frame(play):
    async with play("close-without-frame:at=0.2") as exchange, exchange.open() as socket:
        frames, closed = await until_closed(socket)

    assert closed.rcvd is None
    assert ids(frames) == ALL[: len(frames)]
    assert exchange.script.strikes == {"close-without-frame": 1}


async def test_accept_then_drop(play):
    async with play("accept-then-drop:at=0,for=0.5,after=0.1", speed=2) as exchange:
        lives = []
        for _ in range(3):
            began = time.monotonic()
            async with exchange.open() as socket:
                await until_closed(socket)
            lives.append(time.monotonic() - began)

    assert all(life < 1 for life in lives)
    assert exchange.script.strikes["accept-then-drop"] == 3


async def test_ack_without_data(play):
    async with play("ack-without-data:at=0") as exchange, exchange.open(OKX) as dead, exchange.open(OKX) as live:
        for socket in (dead, live):
            await socket.send(SUBSCRIBE_OKX)
        acknowledged = await receive(dead, 1)
        frames = await receive(live, COUNT + 1)
        await dead.send("ping")
        pong = await receive(dead, 1)

    assert json.loads(acknowledged[0])["event"] == "subscribe"
    assert json.loads(frames[-1])["data"][0]["tradeId"] == str(COUNT)
    assert pong == ["pong"]


async def test_stall(play):
    async with play("stall:at=0.1,for=0.2") as exchange, exchange.open(OKX) as socket:
        await socket.send(SUBSCRIBE_OKX)
        await exchange.ended()
        await socket.send("ping")
        frames = []
        while (frame := (await receive(socket, 1))[0]) != "pong":
            frames.append(frame)
    heard = [int(json.loads(frame)["data"][0]["tradeId"]) for frame in frames[1:]]

    assert len(set(ALL) - set(heard)) > 5
    assert heard == sorted(set(heard))
    assert heard[-1] == COUNT
    assert exchange.script.strikes == {"stall": 1}


async def test_freeze(play):
    async with play("freeze:at=0.1,for=0.6") as exchange, exchange.open() as socket:
        while not exchange.script.strikes:
            await asyncio.sleep(0.01)
        pong = await socket.ping()
        began = time.monotonic()
        frames, closed = await until_closed(socket)

    assert not pong.done() or pong.exception() is not None
    assert closed.rcvd is None
    assert time.monotonic() - began > 0.3
    assert len(frames) < 10


async def test_duplicate(play):
    async with play("duplicate") as exchange, exchange.open() as socket:
        assert ids(await receive(socket, 2 * COUNT)) == [number for number in ALL for _ in range(2)]
        assert exchange.script.strikes == {"duplicate": COUNT}


async def test_reorder(play):
    async with play("reorder") as exchange, exchange.open() as socket:
        assert ids(await receive(socket, COUNT)) == [number + one for number in range(1, COUNT, 2) for one in (1, 0)]


async def test_hole(play):
    async with play("hole:at=0.35,frames=3") as exchange, exchange.open() as socket:
        found = ids(await receive(socket, COUNT - 3))
        await exchange.ended()
        rows = (await exchange.get(HISTORY)).json()
    (lost,) = [number for number in ALL if number not in found and number - 1 in found]

    assert found == [number for number in ALL if not lost <= number < lost + 3]
    assert [row["id"] for row in rows] == ALL


async def test_hole_late(play):
    async with play("hole-late:at=0.35,frames=3,times=2") as exchange, exchange.open() as socket:
        found = ids(await receive(socket, COUNT - 3))
        await exchange.ended()
        answers = [[row["id"] for row in (await exchange.get(HISTORY)).json()] for _ in range(3)]

    assert answers == [found, found, ALL]


async def test_never_existed(play):
    async with play("never-existed:at=0.35,ids=100") as exchange, exchange.open() as socket:
        found = ids(await receive(socket, COUNT))
        await exchange.ended()
        rows = (await exchange.get(HISTORY)).json()

    assert [row["id"] for row in rows] == found
    assert (found[0], found[-1]) == (1, COUNT + 100)


async def test_conflict(play):
    async with play("conflict") as exchange, exchange.open() as socket:
        rows = [json.loads(frame) for frame in await receive(socket, 4)]

    assert [(row["t"], row["p"]) for row in rows] == [
        (1, "61837.63000000"), (1, "62456.00630000"), (2, "61837.63000000"), (2, "62456.00630000"),
    ]  # fmt: skip


@pytest.mark.parametrize(("price", "found"), [("0", "0"), ("nan", "NaN")])
async def test_zero_price(play, price, found):
    async with play(f"zero-price:price={price}") as exchange, exchange.open() as socket:
        assert json.loads((await receive(socket, 1))[0])["p"] == found


@pytest.mark.parametrize(
    ("form", "kind", "begin"),
    [
        ("text", str, "<html>"), ("truncated", str, '{"e":"trade"'), ("binary", bytes, b"\x00\xff\xfe"),
        ("nested", str, '{"data":[[['),
    ],
)  # fmt: skip
async def test_garbage(play, form, kind, begin):
    async with play(f"garbage:form={form}") as exchange, exchange.open() as socket:
        first, garbage, second = await receive(socket, 3)

    assert ids([first, second]) == [1, 2]
    assert isinstance(garbage, kind)
    assert garbage.startswith(begin)


async def test_burst_of_a_venue_with_lists(play):
    async with play("burst:frames=15,seconds=60") as exchange, exchange.open(KRAKEN) as socket:
        await socket.send(SUBSCRIBE_KRAKEN)
        frames: list[list[int]] = []
        while len(frames) < 2:
            frame = json.loads((await receive(socket, 1))[0])
            if frame.get("channel") == "trade":
                frames.append([row["trade_id"] for row in frame["data"]])
    numbers = [number for each in frames for number in each]

    assert numbers == ALL[: len(numbers)]
    assert all(len(each) >= 15 for each in frames)


async def test_burst_of_a_venue_without_lists(play):
    async with play("burst:frames=20,seconds=60", speed=5) as exchange, exchange.open() as socket:
        times = []
        for _ in range(20):
            await receive(socket, 1)
            times.append(time.monotonic())

    assert times[-1] - times[0] < 0.2  # of two seconds


async def test_notice(play):
    async with play("notice:at=0.1,after=0.2,close=1") as exchange, exchange.open("/ws/v5/public") as socket:
        await socket.send(SUBSCRIBE_OKX.replace("-all", ""))
        frames, closed = await until_closed(socket)

    assert [json.loads(frame).get("code") for frame in frames].count("64008") == 1
    assert closed.rcvd.code == 1001


async def test_rotation(play):
    async with play("rotation:life=0.2") as exchange, exchange.open() as socket:
        _, closed = await until_closed(socket)

    assert (closed.rcvd.code, closed.rcvd.reason) == (1001, "the connection is too old")


async def test_slow(play):
    async with play("slow:seconds=0.5") as exchange, exchange.open(OKX) as socket:
        began = time.monotonic()
        await socket.send(SUBSCRIBE_OKX)
        frames = await receive(socket, 1 + COUNT)

    assert time.monotonic() - began > 0.4 + 0.5
    assert [int(json.loads(frame)["data"][0]["tradeId"]) for frame in frames[1:]] == ALL


async def test_slow_consumer(play):
    much = ["duplicate"] * 4 + ["garbage:form=nested"]  # more than the machine keeps on the way
    async with play("slow-consumer:bytes=20000", *much, speed=1000) as exchange:
        reader, writer = await asyncio.open_connection("127.0.0.1", exchange.exchange.port, limit=1024)
        key = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        writer.write(b"GET /ws/btcusdt@trade HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + key)
        await reader.readline()
        async with asyncio.timeout(20):
            while not exchange.script.strikes["slow-consumer"]:
                await asyncio.sleep(0.01)
        writer.transport.abort()


async def test_delist(play):
    async with play("delist:at=0.4", speed=1) as exchange, exchange.open() as socket:
        await receive(socket, 1)
        while (answer := await exchange.get(HISTORY)).status_code == 200:
            await asyncio.sleep(0.02)
        async with exchange.open(OKX) as late:
            await late.send(SUBSCRIBE_OKX)
            refused = json.loads((await receive(late, 1))[0])

    assert (answer.status_code, answer.json()["code"], refused["code"]) == (400, -1121, "60018")


async def test_clock(play):
    async with play("clock:seconds=-5", speed=1000) as exchange, exchange.open() as socket:
        rows = [json.loads(frame) for frame in await receive(socket, COUNT)]
        await exchange.ended()
        told = (await exchange.get("/api/v3/time")).json()["serverTime"]

    assert [row["T"] for row in rows] == [START_MS + number * 100 - 5000 for number in ALL]
    assert told == START_MS + 4001 - 5000


async def test_rest_lag(play):
    async with play("rest-lag:seconds=2", speed=1000) as exchange, exchange.open() as socket:
        await receive(socket, COUNT)
        await exchange.ended()
        rows = (await exchange.get(HISTORY)).json()

    assert [row["id"] for row in rows] == ALL[:20]


@pytest.mark.parametrize("status", [429, 418])
async def test_rest_429_and_418(play, status):
    paths = ("/api/v3/time", "/api/v5/public/time", "/0/public/Time", "/v5/market/time")
    async with play(f"rest-{status}:retry_after=7") as exchange:
        answers = [await exchange.get(path) for path in paths]

    assert [(answer.status_code, answer.headers["Retry-After"]) for answer in answers] == [(status, "7")] * 4
    assert answers[0].json()["code"] == -1003


async def test_rest_error(play):
    async with play("rest-error") as exchange:
        okx, binance = await exchange.get("/api/v5/public/time"), await exchange.get("/api/v3/time")

    assert (okx.status_code, okx.json()["code"], binance.status_code) == (200, "50011", 503)


async def test_rest_down(play):
    async with play("rest-down") as exchange, play("rest-down:seconds=0.3") as later:
        with pytest.raises(httpx.TransportError):
            await exchange.get("/api/v3/time")
        began = time.monotonic()
        with pytest.raises(httpx.TransportError):
            await later.get("/api/v3/time")

    assert time.monotonic() - began > 0.25


def test_every_kind_was_tried():
    if len(tried) > len(KINDS) // 2:  # when the whole module runs
        assert tried == set(KINDS)
