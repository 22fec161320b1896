"""One websocket against servers that misbehave; deadlines are short, nothing is waited for longer than it takes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from exchanges import OKX
from exchanges.base import ControlKind, Endpoints, KeepAlive
from streaming.backoff import Backoff
from streaming.connection import Connected, Connection, Disconnected, Event, Received
from tests.generators import START_US

QUICK = KeepAlive(ping="ping", ping_after=0.1, pong_within=0.1)


def push(number: int) -> str:
    return (
        f'{{"arg":{{"channel":"trades-all","instId":"BTC-USDT"}},"data":[{{"instId":"BTC-USDT","tradeId":"{number}","px":"61000.1",'
        f'"sz":"0.5","side":"buy","ts":"{START_US // 1000 + number}"}}]}}'
    )


@asynccontextmanager
async def venue(behave: Callable[[ServerConnection], Awaitable[None]], rules: KeepAlive = QUICK) -> AsyncIterator[Connection]:
    """Yield a connection to a server of one's own."""

    async def handle(socket: ServerConnection) -> None:
        try:
            await behave(socket)
        except ConnectionClosed:
            return

    async with serve(handle, "127.0.0.1", 0, close_timeout=0.1) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        endpoints = Endpoints(f"ws://127.0.0.1:{port}", f"http://127.0.0.1:{port}")
        waits = Backoff(first=0.01, cap=0.02)
        yield Connection(OKX(["OKX:BTC-USDT"], endpoints=endpoints), keep_alive=rules, backoff=waits, overlap=0.05)


async def first_events(connection: Connection, until: Callable[[list[Event]], bool]) -> list[Event]:
    """Return what happens until a condition holds."""
    seen: list[Event] = []
    async with asyncio.timeout(10), aclosing(connection.events()) as events:
        async for event in events:
            seen.append(event)
            if until(seen):
                return seen
    raise AssertionError(seen)


def ids(events: list[Event]) -> list[int]:
    return [trade.trade_id for event in events if isinstance(event, Received) for trade in event.parsed.trades]


def reasons(events: list[Event]) -> list[str]:
    return [event.reason for event in events if isinstance(event, Disconnected)]


async def test_every_frame_of_a_burst_arrives_in_order():
    async def burst(socket: ServerConnection) -> None:
        assert '"op":"subscribe"' in await socket.recv()
        for number in range(20_000):
            await socket.send(push(number))
        await socket.wait_closed()

    async with venue(burst) as connection:
        events = await first_events(connection, lambda seen: len(ids(seen[-1:])) > 0 and len(ids(seen)) >= 20_000)

    assert isinstance(events[0], Connected)
    assert ids(events) == list(range(20_000))


async def test_acknowledgements_refusals_and_notices_are_values():
    async def talk(socket: ServerConnection) -> None:
        await socket.send('{"event":"subscribe","arg":{"channel":"trades-all","instId":"BTC-USDT"},"connId":"a"}')
        await socket.send('{"event":"error","code":"60018","msg":"channel:trades-all,instId:FOO-BAR doesn\'t exist","connId":"a"}')
        await socket.send('{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade."}')
        await socket.wait_closed()

    def kinds(seen: list[Event]) -> list[ControlKind]:
        return [control.kind for event in seen if isinstance(event, Received) for control in event.parsed.controls]

    async with venue(talk) as connection:
        events = await first_events(connection, lambda seen: len(kinds(seen)) == 3)

    assert kinds(events) == [ControlKind.SUBSCRIBED, ControlKind.REFUSED, ControlKind.CLOSING]


async def test_a_bad_frame_does_not_cost_the_good_ones_around_it():
    async def talk(socket: ServerConnection) -> None:
        for frame in (push(1), "not json", push(2), push(3).replace("61000.1", "NaN"), push(4)):
            await socket.send(frame)
        await socket.wait_closed()

    async with venue(talk) as connection:
        events = await first_events(connection, lambda seen: len(ids(seen)) == 3)

    refused = [error for event in events if isinstance(event, Received) for error in event.parsed.refused]
    assert ids(events) == [1, 2, 4]
    assert [b"not json" in error.frame or b"NaN" in error.frame for error in refused] == [True, True]


async def test_a_line_that_says_nothing_at_all_is_given_up():
    async def silent(socket: ServerConnection) -> None:
        await socket.send(push(1))
        await socket.wait_closed()

    async with venue(silent, KeepAlive(silence=0.3)) as connection:
        events = await first_events(connection, lambda seen: bool(reasons(seen)))

    assert reasons(events) == ["no frame for 0.3 s"]


async def test_pongs_keep_a_line_whose_symbols_are_quiet():
    pings = 0

    async def quiet(socket: ServerConnection) -> None:
        nonlocal pings
        async for frame in socket:
            if frame == "ping":
                pings += 1
                await socket.send(push(1) if pings == 5 else "pong")

    async with venue(quiet) as connection:
        events = await first_events(connection, lambda seen: bool(ids(seen)))

    assert reasons(events) == []


async def test_a_line_that_answers_no_ping_is_given_up():
    async def dead(socket: ServerConnection) -> None:
        await socket.wait_closed()

    rules = KeepAlive(ping="ping", ping_after=0.05, pong_within=0.05)
    async with venue(dead, rules) as connection:
        events = await first_events(connection, lambda seen: bool(reasons(seen)))

    assert reasons(events) == ["no answer to a ping within 0.05 s"]


async def test_a_connection_that_is_dropped_again_and_again_is_tried_for_ever():
    lives = 0

    async def drop(socket: ServerConnection) -> None:
        nonlocal lives
        lives += 1
        await socket.send(push(lives))
        if lives % 2:
            socket.transport.abort()
        else:
            await socket.close(4006)

    async with venue(drop) as connection:
        events = await first_events(connection, lambda seen: len(reasons(seen)) == 8)

    assert lives == 8
    assert [type(event) for event in events if not isinstance(event, Received)] == [Connected, Disconnected] * 8
    assert all(event.reached for event in events if isinstance(event, Disconnected))


async def test_nobody_there_is_said_and_tried_again():
    connection = Connection(
        OKX(["OKX:BTC-USDT"], endpoints=Endpoints("ws://127.0.0.1:9", "http://127.0.0.1:9")), backoff=Backoff(first=0.01, cap=0.02)
    )

    events = await first_events(connection, lambda seen: len(seen) == 3)

    assert all(isinstance(event, Disconnected) and not event.reached for event in events)
    assert "Connect call failed" in events[0].reason


@pytest.mark.parametrize("code", [403, 503])
async def test_a_refused_handshake_is_said_and_tried_again(code: int):
    async def never(socket: ServerConnection) -> None:
        await socket.wait_closed()

    def refuse(socket: ServerConnection, _: object) -> object:
        return socket.respond(code, "go away")

    async with serve(never, "127.0.0.1", 0, process_request=refuse) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        endpoints = Endpoints(f"ws://127.0.0.1:{port}", f"http://127.0.0.1:{port}")
        connection = Connection(OKX(["OKX:BTC-USDT"], endpoints=endpoints), backoff=Backoff(first=0.01, cap=0.02))
        events = await first_events(connection, lambda seen: len(seen) == 2)

    assert str(code) in reasons(events)[0]


def _count(kind: type[Event], events: list[Event]) -> int:
    return sum(isinstance(event, kind) for event in events)


async def test_a_line_is_renewed_before_its_life_ends_and_no_trade_is_missed():
    lines: list[ServerConnection] = []
    number = 0

    async def numbered(socket: ServerConnection) -> None:
        lines.append(socket)
        await socket.wait_closed()

    async def feed() -> None:
        nonlocal number
        while True:
            number += 1
            for line in lines:
                with suppress(ConnectionClosed):
                    await line.send(push(number))
            await asyncio.sleep(0.005)

    feeding = asyncio.create_task(feed())
    async with venue(numbered, KeepAlive(life=0.4)) as connection:
        events = await first_events(connection, lambda seen: _count(Connected, seen) == 4 and bool(ids(seen[-1:])))
    feeding.cancel()

    assert [event.renewed for event in events if isinstance(event, Connected)] == [False, True, True, True]
    assert reasons(events) == []
    seen = list(dict.fromkeys(ids(events)))
    assert seen == list(range(seen[0], seen[-1] + 1))


async def test_a_successor_on_the_way_takes_over_at_once_when_the_first_line_breaks():
    lines: list[ServerConnection] = []

    async def numbered(socket: ServerConnection) -> None:
        lines.append(socket)
        if len(lines) == 1:
            await socket.send(push(1))
        else:  # it is subscribed and delivers nothing yet
            await socket.recv()
            lines[0].transport.abort()
            await asyncio.sleep(0.1)
            await socket.send(push(2))
        await socket.wait_closed()

    async with venue(numbered) as connection:
        events: list[Event] = []
        async with asyncio.timeout(10), aclosing(connection.events()) as happened:
            async for event in happened:
                events.append(event)
                if len(events) == 2:
                    connection.renew("a test")
                if 2 in ids(events):
                    break

    assert [type(event) for event in events] == [Connected, Received, Disconnected, Connected, Received]
    assert connection.opened == 2


async def test_numbers_that_jump_are_told():
    from exchanges.base import Parsed

    class Counting(OKX):
        def parse_all(self, frames, received_us) -> Parsed:
            parsed = super().parse_all(frames, received_us)
            parsed.numbers = [trade.trade_id for trade in parsed.trades]
            return parsed

    async def jumps(socket: ServerConnection) -> None:
        for number in (1, 2, 5, 6):
            await socket.send(push(number))
            await asyncio.sleep(0.02)
        await socket.wait_closed()

    async with serve(jumps, "127.0.0.1", 0, close_timeout=0.1) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        provider = Counting(["OKX:BTC-USDT"], endpoints=Endpoints(f"ws://127.0.0.1:{port}", "http://127.0.0.1:9"))
        events = await first_events(Connection(provider, keep_alive=QUICK), lambda seen: 6 in ids(seen))

    assert sum(event.skipped for event in events if isinstance(event, Received)) == 2


async def test_a_successor_that_is_deaf_does_not_take_over_from_a_line_that_delivers(monkeypatch):
    monkeypatch.setattr("streaming.connection._FIRST_DATA", 0.2)
    lines = 0

    async def second_is_deaf(socket: ServerConnection) -> None:
        nonlocal lines
        lines += 1
        if lines == 1:
            for number in range(1, 200):
                await socket.send(push(number))
                await asyncio.sleep(0.005)
        await socket.wait_closed()

    async with venue(second_is_deaf) as connection:
        events: list[Event] = []
        async with asyncio.timeout(10), aclosing(connection.events()) as happened:
            async for event in happened:
                events.append(event)
                if len(events) == 2:
                    connection.renew("a test")
                if 199 in ids(events[-1:]):
                    break

    assert connection.opened == 2
    assert _count(Connected, events) == 1
    assert ids(events) == list(range(1, 200))


async def test_a_line_that_ends_as_soon_as_it_is_renewed_is_not_renewed_for_ever():
    async def announces(socket: ServerConnection) -> None:
        await socket.send(push(1))
        await socket.wait_closed()

    async with venue(announces) as connection, asyncio.timeout(10), aclosing(connection.events()) as happened:
        async for event in happened:
            for _ in range(50):
                connection.renew("again")
            if isinstance(event, Connected) and event.renewed:
                break

    assert connection.opened == 2
