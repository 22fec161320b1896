"""The local exchange as a server: what a client sees over real sockets."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from market.clock import now_us, parse_time
from market.errors import InputError
from replay import Faults, LocalExchange, SyntheticMarket, Tape, core, read_tape, serve
from replay import client as clients
from replay.answer import Answer, Question, json_answer
from replay.deeds import Reply
from replay.faults.seam import Piece
from replay.line import Line
from replay.okx import OkxSession
from replay.source import Market, Slice
from tests.replay.tapes import START_MS, binance_fill, okx_trade, recorded, timed_lines

SUBSCRIBE = '{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}'
SUBSCRIBE_OKX = '{"op":"subscribe","args":[{"channel":"trades-all","instId":"BTC-USDT"}]}'
FILLS = [binance_fill(number, START_MS + number * 100) for number in range(1, 31)]
LATE = parse_time("2025-06-15T04:10:30")


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    (tmp_path / "tape").write_bytes(timed_lines([(START_MS, frame) for frame in FILLS]))
    return read_tape(tmp_path / "tape")


def open_socket(exchange: LocalExchange, path: str) -> connect:
    return connect(exchange.ws_url + path, ping_interval=None, max_queue=None)


async def receive(socket: ClientConnection, count: int) -> list[str]:
    async with asyncio.timeout(20):
        return [await socket.recv() for _ in range(count)]


async def get(exchange: LocalExchange, target: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=exchange.rest_url, trust_env=False) as client:
        return await client.get(target)


async def test_a_tape_is_played_whole_and_byte_for_byte(tape):
    async with LocalExchange(tape, speed=100) as exchange, open_socket(exchange, "/stream") as socket:
        await socket.send(SUBSCRIBE)
        frames = await receive(socket, 1 + len(FILLS))

    assert json.loads(frames[0]) == {"result": None, "id": 1}
    assert frames[1:] == FILLS


async def test_a_tape_waits_for_its_first_listener(tape):
    async with LocalExchange(tape, speed=1000) as exchange:
        first = await get(exchange, "/api/v3/time")
        async with open_socket(exchange, "/ws") as idle:
            assert (await get(exchange, "/api/v3/trades?symbol=BTCUSDT")).json() == []
            async with open_socket(exchange, "/ws/btcusdt@trade") as socket:
                await receive(socket, len(FILLS))
            await idle.send('{"method":"LIST_SUBSCRIPTIONS","id":1}')
            await receive(idle, 1)

    assert first.json() == {"serverTime": START_MS + 100}


async def test_time_stands_still_at_the_end_and_the_connection_stays(tape):
    async with LocalExchange(tape, speed=1000) as exchange, open_socket(exchange, "/ws/btcusdt@trade") as socket:
        await receive(socket, len(FILLS))
        await asyncio.wait_for(exchange.ended.wait(), 20)
        times = [(await get(exchange, "/api/v3/time")).json()["serverTime"] for _ in range(2)]
        pong = await socket.ping()
        await asyncio.wait_for(pong, 20)

        assert times == [START_MS + 3001, START_MS + 3001]
        assert len((await get(exchange, "/api/v3/trades?symbol=BTCUSDT")).json()) == 30


async def test_rest_knows_what_was_played_and_nothing_later(tape):
    async with LocalExchange(tape, speed=5) as exchange, open_socket(exchange, "/ws/btcusdt@trade") as socket:
        await receive(socket, 12)
        exchange.pause()
        known = (await get(exchange, "/api/v3/trades?symbol=BTCUSDT")).json()

        assert 12 <= len(known) < 30
        assert all(row["time"] * 1000 < exchange.now_us for row in known)


async def test_a_pause_loses_nothing(tape):
    async with LocalExchange(tape, speed=10) as exchange, open_socket(exchange, "/ws/btcusdt@trade") as socket:
        frames = await receive(socket, 5)
        exchange.pause()
        before = exchange.now_us
        held = (await get(exchange, "/api/v3/time")).json()["serverTime"]
        exchange.resume()
        frames += await receive(socket, len(FILLS) - 5)

    assert held * 1000 - before < 1_000_000
    assert [json.loads(frame)["t"] for frame in frames] == list(range(1, 31))


async def test_a_dropped_client_finds_the_missed_trades_over_rest(tape):
    async with LocalExchange(tape, speed=10) as exchange:
        async with open_socket(exchange, "/ws/btcusdt@trade") as socket:
            seen = [json.loads(frame)["t"] for frame in await receive(socket, 3)]
            dropped = exchange.drop_connections()
            with pytest.raises(ConnectionClosed) as closed:
                await receive(socket, 30)
        await asyncio.wait_for(exchange.ended.wait(), 20)
        rows = (await get(exchange, f"/api/v3/historicalTrades?symbol=BTCUSDT&fromId={seen[-1] + 1}")).json()

    assert dropped == 1
    assert closed.value.rcvd is None
    assert [row["id"] for row in rows] == list(range(4, 31))


async def test_two_clients_of_two_venues_are_told_the_same(tape):
    async with (
        LocalExchange(tape, speed=100) as exchange,
        open_socket(exchange, "/ws/v5/business") as okx,
        open_socket(exchange, "/ws/btcusdt@trade") as binance,
    ):
        await okx.send(SUBSCRIBE_OKX)
        theirs = [json.loads(frame) for frame in await receive(binance, 30)]
        ours = [json.loads(frame)["data"][0] for frame in (await receive(okx, 31))[1:]]

    assert [int(row["tradeId"]) for row in ours] == [row["t"] for row in theirs]


async def test_a_shifted_tape_happens_now(tape):
    begun = now_us()
    async with LocalExchange(tape, speed=100, shift_to_now=True) as exchange:
        before = await get(exchange, "/api/v3/trades?symbol=BTCUSDT")
        async with open_socket(exchange, "/ws/btcusdt@trade") as socket:
            label = socket.response.headers["X-Tape"]
            rows = [json.loads(frame) for frame in await receive(socket, 30)]

    assert (before.json(), before.headers["X-Tape"], label) == ([], "shifted", "shifted")
    assert 0 <= rows[0]["T"] * 1000 - begun < 10_000_000
    assert [row["T"] - rows[0]["T"] for row in rows] == [number * 100 for number in range(30)]
    assert [row["p"] for row in rows] == ["61837.63000000"] * 30


async def test_a_generated_market_begins_where_it_is_told_and_is_labelled():
    source = SyntheticMarket()
    fills = source.fills("SYNTHETIC:BTC-USDT")
    async with LocalExchange(source, speed=60, start_us=LATE) as exchange, open_socket(exchange, "/ws/v5/business") as socket:
        await socket.send(SUBSCRIBE_OKX)
        ids = [int(json.loads(frame)["data"][0]["tradeId"]) for frame in (await receive(socket, 21))[1:]]
        answer = await get(exchange, "/api/v5/public/time")

    assert (socket.response.headers["X-Tape"], answer.headers["X-Tape"]) == ("synthetic", "synthetic")
    assert ids == list(range(ids[0], ids[0] + 20))
    assert fills.at(LATE) < ids[0] < fills.at(LATE) + 5000


async def test_a_recorded_night_arrives_whole_at_high_speed():
    tape = read_tape(*(recorded(f"binance/hft_spot_btcusdt_{day}.gz") for day in ("20240808", "20240809")))
    async with LocalExchange(tape, speed=500) as exchange, open_socket(exchange, "/ws/btcusdt@trade") as socket:
        ids = [json.loads(frame)["t"] for frame in await receive(socket, 19_904)]

    assert ids == list(range(3735683259, 3735703163))


@pytest.mark.parametrize("target", ["/", "/api/v5/moods", "/api/v3/moods", "/ws/btcusdt@trade"])
async def test_an_unknown_path_is_answered_with_json(tape, target):
    async with LocalExchange(tape) as exchange:
        answer = await get(exchange, target)

    assert (answer.status_code, answer.headers["Content-Type"], answer.headers["X-Tape"]) == (404, "application/json", "recorded")
    assert answer.json()["msg"]


async def test_a_websocket_on_another_path_is_refused_with_the_known_ones(tape):
    async with LocalExchange(tape) as exchange:
        with pytest.raises(InvalidStatus) as refused:
            await open_socket(exchange, "/ws/v5/moods2")
        with pytest.raises(InvalidStatus) as other:
            await open_socket(exchange, "/realtime")

    assert refused.value.response.status_code == other.value.response.status_code == 404
    assert b"/ws/v5/business" in other.value.response.body


async def test_weight_is_counted(tape):
    async with LocalExchange(tape) as exchange:
        used = [
            (await get(exchange, f"/api/v3/{path}")).headers["X-MBX-USED-WEIGHT-1M"] for path in ("time", "exchangeInfo", "time")
        ]
        okx = await get(exchange, "/api/v5/public/time")

    assert used == ["1", "21", "22"]
    assert "X-MBX-USED-WEIGHT-1M" not in okx.headers


async def test_an_idle_okx_connection_is_closed_with_4004(tape, monkeypatch):
    monkeypatch.setattr(OkxSession, "idle_seconds", 0.3)
    async with LocalExchange(tape) as exchange, open_socket(exchange, "/ws/v5/public") as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await receive(socket, 1)

    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4004, "No data received in 30s")


async def test_pings_keep_an_idle_okx_connection_open(tape, monkeypatch):
    monkeypatch.setattr(OkxSession, "idle_seconds", 0.5)
    async with LocalExchange(tape) as exchange, open_socket(exchange, "/ws/v5/public") as socket:
        pongs = []
        for _ in range(8):
            await socket.send("ping")
            pongs += await receive(socket, 1)
            await asyncio.sleep(0.1)

    assert pongs == ["pong"] * 8


async def test_a_client_that_does_not_read_is_cut_off(monkeypatch):
    monkeypatch.setattr(core, "MOST_UNREAD", 200_000)
    monkeypatch.setattr(clients, "_CLOSE_SECONDS", 0.1)
    async with LocalExchange(SyntheticMarket(), speed=20_000) as exchange:
        reader, writer = await asyncio.open_connection("127.0.0.1", exchange.port, limit=1024)
        writer.write(
            b"GET /ws/btcusdt@trade HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        await reader.readline()
        async with asyncio.timeout(20), connect(f"{exchange.ws_url}/ws", ping_interval=20) as other:
            while exchange.connections > 1:
                await other.ping()
                await asyncio.sleep(0.01)
        writer.transport.abort()

    assert exchange.sent > 200_000 // 150


async def test_a_taken_port_is_told(tape):
    async with LocalExchange(tape) as exchange:
        with pytest.raises(InputError, match=f"port {exchange.port} of 127.0.0.1 cannot be used .*; choose another one"):
            await LocalExchange(tape, port=exchange.port).start()


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf")])
def test_a_speed_that_is_none_is_refused(tape, speed):
    with pytest.raises(InputError, match="is not above zero"):
        LocalExchange(tape, speed=speed)


async def test_serving_goes_on_until_it_is_cancelled(tape):
    opened: asyncio.Future[LocalExchange] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(tape, port=0, on_open=opened.set_result))
    exchange = await asyncio.wait_for(opened, 20)
    answer = await get(exchange, "/api/v3/ping")
    task.cancel()
    await asyncio.wait([task])

    assert (answer.json(), task.cancelled()) == ({}, True)
    with pytest.raises(httpx.ConnectError):
        await get(exchange, "/api/v3/ping")


async def test_whoever_serves_a_tape_is_told_of_its_end(tape):
    opened: asyncio.Future[LocalExchange] = asyncio.get_running_loop().create_future()
    ended = asyncio.Event()
    task = asyncio.create_task(serve(tape, port=0, speed=1e6, on_open=opened.set_result, on_end=ended.set))
    exchange = await asyncio.wait_for(opened, 20)
    told_before = ended.is_set()
    async with open_socket(exchange, "/ws/btcusdt@trade"):
        await asyncio.wait_for(ended.wait(), 20)
    still_open = await get(exchange, "/api/v3/ping")
    task.cancel()
    await asyncio.wait([task])

    assert (told_before, still_open.json()) == (False, {})


class Gremlin(Faults):
    """Says every trade twice, shouts, and refuses to tell the time."""

    def data(self, line: Line, pieces: Sequence[Piece], span: Slice | None) -> Sequence[Piece]:
        return [piece for piece in pieces for _ in range(2)]

    def control(self, line: Line, frames: Sequence[bytes]) -> Sequence[bytes]:
        return [frame.upper() for frame in frames]

    def answer(self, question: Question, market: Market, answer: Answer) -> Answer:
        return json_answer({"code": -1003, "msg": "slow down"}, 429) if question.path.endswith("time") else answer

    def refusal(self, question: Question) -> Reply | None:
        return Reply(json_answer({}, 503)) if question.path.endswith("private") else None


async def test_everything_passes_the_seam_for_faults(tape):
    async with LocalExchange(tape, speed=100, faults=Gremlin()) as exchange:
        async with open_socket(exchange, "/ws/btcusdt@trade") as socket:
            frames = await receive(socket, 4)
        async with open_socket(exchange, "/ws/v5/public") as socket:
            await socket.send("ping")
            pong = await receive(socket, 1)
        answer = await get(exchange, "/api/v3/time")
        with pytest.raises(InvalidStatus) as refused:
            await open_socket(exchange, "/ws/v5/private")

    assert pong == ["PONG"]
    assert [json.loads(frame)["t"] for frame in frames] == [1, 1, 2, 2]
    assert (answer.status_code, refused.value.response.status_code) == (429, 503)


async def test_a_tape_of_okx_is_played_to_binances_clients(tmp_path):
    (tmp_path / "tape").write_bytes(
        timed_lines([(START_MS, okx_trade(7, START_MS, count=2)), (START_MS, okx_trade(8, START_MS + 5))])
    )
    async with LocalExchange(read_tape(tmp_path / "tape")) as exchange, open_socket(exchange, "/ws/btcusdt@trade") as socket:
        rows = [json.loads(frame) for frame in await receive(socket, 3)]

    assert [(row["s"], row["t"], row["p"], row["q"], row["m"]) for row in rows] == [
        ("BTCUSDT", 6, "42219.90000000", "0.06000000", False), ("BTCUSDT", 7, "42219.90000000", "0.06000000", False),
        ("BTCUSDT", 8, "42219.90000000", "0.12000000", False),
    ]  # fmt: skip
