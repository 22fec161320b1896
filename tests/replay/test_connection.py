"""The local exchange's port at the level of bytes: each HTTP request gets an answer in JSON, and no error is logged."""

import asyncio
import json
import logging
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from replay import LocalExchange, SyntheticMarket

KEY = "sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"


@pytest.fixture
async def exchange(caplog: pytest.LogCaptureFixture) -> AsyncIterator[LocalExchange]:
    async with LocalExchange(SyntheticMarket(), speed=20) as opened:
        yield opened

    assert not [record for record in caplog.records if record.levelno >= logging.WARNING or record.exc_info]


async def talk(exchange: LocalExchange, request: str | bytes, *, half_close: bool = False) -> tuple[int, bytes]:
    """Send bytes and return status and body of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", exchange.port)
    writer.write(request if isinstance(request, bytes) else request.encode())
    if half_close:
        writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


@pytest.mark.parametrize(
    "first",
    [
        "GET /api/v3/time HTTP/1.0", "GET //api/v3/time HTTP/1.1", "GET /api/v3/time/?x=1&=&%ff=%zz&x=2#top HTTP/1.1",
        "GET http://api.example.com/api/v3/time HTTP/1.1", "GET /api/v3/%74ime HTTP/1.1",
    ],
)  # fmt: skip
async def test_a_question_may_be_spelled_in_several_ways(exchange, first):
    status, body = await talk(exchange, f"{first}\r\nX-Odd: é\r\n\r\n")

    assert (status, list(json.loads(body))) == (200, ["serverTime"])


async def test_a_body_that_nobody_reads_does_no_harm(exchange):
    status, body = await talk(exchange, "GET /api/v3/ping HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")

    assert (status, body) == (200, b"{}")


async def test_a_client_that_has_said_all_is_answered(exchange):
    assert await talk(exchange, "GET /api/v3/ping HTTP/1.1\r\n\r\n", half_close=True) == (200, b"{}")


async def test_the_answer_to_head_has_no_body(exchange):
    async with httpx.AsyncClient(base_url=exchange.rest_url, trust_env=False) as client:
        answer = await client.head("/api/v3/time")

    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", "28")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"POST /api/v3/order HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 405),
        (b"OPTIONS * HTTP/1.1\r\n\r\n", 405),
        (b"POST /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", 405),
        (b"GET /ws HTTP/1.0\r\nUpgrade: websocket\r\n\r\n", 400),
        (b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", 426),
        (b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 400),
        (b"GET /api/v3/time HTTP/1.1\r\nno header\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET //[ HTTP/1.1\r\n\r\n", 404),
        (b"GET /api/v3/\xff\xfe%ED%A0%80%00 HTTP/1.1\r\n\r\n", 404),
        (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n", 431),
        (b"GET /" + b"a" * 100_000, 431),
    ],
)
async def test_what_is_no_question_is_refused_in_json(exchange, request_, status):
    found, body = await talk(exchange, request_)

    assert (found, bool(json.loads(body)["msg"])) == (status, True)


async def test_connections_that_are_given_up_leave_no_trace(exchange):
    for sent in (b"", b"GET /api", b"GET /api/v3/exchangeInfo HTTP/1.1\r\n\r\n") * 5:
        _, writer = await asyncio.open_connection("127.0.0.1", exchange.port)
        writer.write(sent)
        await asyncio.sleep(0)
        writer.transport.abort()

    assert (await talk(exchange, "GET /api/v3/ping HTTP/1.1\r\n\r\n"))[0] == 200


async def test_an_open_port_is_closed_at_once_with_a_silent_client():
    async with LocalExchange(SyntheticMarket()) as exchange:
        _, writer = await asyncio.open_connection("127.0.0.1", exchange.port)
        await talk(exchange, "GET /api/v3/ping HTTP/1.1\r\n\r\n")
        await asyncio.wait_for(exchange.stop(), 5)
        writer.close()


async def test_headers_of_a_websocket_are_read_in_any_case(exchange):
    reader, writer = await asyncio.open_connection("127.0.0.1", exchange.port)
    headers = f"host: x\r\nUPGRADE: WebSocket\r\nconnection: keep-alive, upgrade\r\n{KEY}"
    writer.write(f"GET //ws/btcusdt%40trade HTTP/1.1\r\n{headers}\r\n".encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    frame = await asyncio.wait_for(reader.readuntil(b"}"), 20)
    writer.close()

    assert head.startswith(b"HTTP/1.1 101 ")
    assert b'"e":"trade"' in frame


@pytest.mark.parametrize("path", ["/ws", "/ws/v5/public"])
@pytest.mark.parametrize("sent", ["", "null", '{"method":"SUBSCRIBE","op":"x","params":[' + "[" * 20_000, b"\xff\x00"])
async def test_garbage_is_answered_and_the_connection_stays(exchange, path, sent):
    async with connect(exchange.ws_url + path) as socket:
        for _ in range(2):
            await socket.send(sent)
            answer = json.loads(await asyncio.wait_for(socket.recv(), 20))

            assert answer["code"] in {2, "60012"}


async def test_a_frame_of_a_megabyte_closes_its_connection_only(exchange):
    async with connect(f"{exchange.ws_url}/ws/btcusdt@trade") as other, connect(f"{exchange.ws_url}/ws") as socket:
        await socket.send("x" * 1_000_000)
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 20)
        await asyncio.wait_for(other.recv(), 20)

    assert closed.value.rcvd.code == 1009


async def test_two_hundred_streams_are_asked_for_at_once(exchange):
    names = [f"coin{number}usdt@trade" for number in range(198)] + ["btcusdt@trade", "btcusdt@kline_1m"]
    async with connect(f"{exchange.ws_url}/stream") as socket:
        await socket.send(json.dumps({"method": "SUBSCRIBE", "params": names, "id": "all"}))
        frames = [json.loads(await asyncio.wait_for(socket.recv(), 20)) for _ in range(10)]

    assert frames[0] == {"result": None, "id": "all"}
    assert {frame["stream"] for frame in frames[1:]} <= set(names[-2:])


async def test_two_hundred_clients_are_served(exchange):
    sockets = await asyncio.gather(*[connect(f"{exchange.ws_url}/ws/btcusdt@aggTrade", open_timeout=30) for _ in range(200)])
    frames = await asyncio.gather(*[asyncio.wait_for(socket.recv(), 30) for socket in sockets])
    count = exchange.connections
    for socket in sockets:
        socket.transport.abort()

    assert (count, {json.loads(frame)["e"] for frame in frames}) == (200, {"aggTrade"})


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    """Return the files of a certificate for 127.0.0.1 and of its key."""
    openssl = shutil.which("openssl") or pytest.skip("openssl is not installed")
    files = str(tmp_path / "certificate.pem"), str(tmp_path / "key.pem")
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-out", files[0], "-keyout", files[1], *subject]
    subprocess.run(command, check=True, capture_output=True)
    return files


async def test_clients_that_refuse_plain_text_are_served_over_tls(certificate):
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(*certificate)
    theirs = ssl.create_default_context(cafile=certificate[0])

    async with LocalExchange(SyntheticMarket(), speed=20, tls=ours) as exchange:
        async with connect(f"{exchange.ws_url}/ws/btcusdt@trade", ssl=theirs) as socket:
            frame = await asyncio.wait_for(socket.recv(), 20)
        async with httpx.AsyncClient(base_url=exchange.rest_url, trust_env=False, verify=theirs) as client:
            rows = (await client.get("/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1000")).json()

    assert exchange.ws_url.startswith("wss://")
    assert (json.loads(frame)["e"], len(rows)) == ("trade", 1000)
