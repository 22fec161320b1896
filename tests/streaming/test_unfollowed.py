"""Holes of symbols that nobody follows are healed; those that a worker holds are left to it."""

import asyncio
from contextlib import closing

import pytest

import streaming.unfollowed
from db.bus import MARKET_DATA_CHANNEL, Bus, decode_candle
from db.child import free_port
from db.claims import Claims, Purpose
from exchanges import Binance
from exchanges.base import Endpoints
from market.timeframe import BASE
from replay import LocalExchange
from replay.small import SmallMarket
from streaming.persistence import Persistence
from streaming.pipeline import Pipeline
from streaming.unfollowed import Swept, heal_unfollowed, with_open_holes

pytestmark = pytest.mark.postgres
BTC, ETH = "BINANCE:BTC-USDT", "BINANCE:ETH-USDT"


@pytest.fixture
def market() -> SmallMarket:
    return SmallMarket("BINANCE", ["BTC-USDT", "ETH-USDT"], seconds=240.0, rate=2.0, seed=3)


@pytest.fixture
async def exchange(market: SmallMarket):
    async with LocalExchange(market, speed=1e6) as exchange:
        exchange._core._clock.release(hold_seconds=0.0)
        while not exchange.ended.is_set():
            await asyncio.sleep(0.01)
        yield exchange


@pytest.fixture
def provider(exchange: LocalExchange) -> Binance:
    return Binance(["BTC-USDT", "ETH-USDT"], endpoints=exchange.endpoints)


@pytest.fixture
def holes(database, market: SmallMarket, provider: Binance) -> dict[str, list[str]]:
    """Leave a hole in each symbol, as a worker does that was stopped."""
    store = Persistence(database.transaction, provider)
    for symbol in market.symbols:
        pipeline = Pipeline([symbol])
        store.write(pipeline.take([trade for number, trade in enumerate(market.trades(symbol)) if not 100 <= number < 130]))
    return with_open_holes(database)


async def test_holes_that_nobody_looks_after_are_healed(database, provider: Binance, holes):
    swept = await heal_unfollowed(database, provider, holes["BINANCE"])

    assert holes == {"BINANCE": [BTC, ETH]}
    assert swept == [Swept(BTC, 1, 0), Swept(ETH, 1, 0)]
    assert {gap.state for gap in database.gaps.list()} == {"filled"}
    assert database.raw_trades.contiguity(BTC).missing == 0


@pytest.mark.redis
async def test_candles_that_changed_are_published_and_the_latest_stays_the_latest(database, provider: Binance, holes, redis_url):
    newest = database.market_data.get_latest_candle(BTC, "1m")
    bus = Bus(redis_url)
    bus.publish_candle(newest)
    with closing(bus.subscribe(MARKET_DATA_CHANNEL.format(symbol=BTC), quiet_seconds=0.2)) as messages:
        next(messages)
        await heal_unfollowed(database, provider, [BTC], bus=bus)
        heard = [decode_candle(message.data) for message in iter(lambda: next(messages), None)]
    latest = bus.latest(BTC, "1m")
    bus.close()

    revised = [candle for candle in database.market_data.get_series(BTC, BASE).candles() if candle.revision]
    assert revised != []
    assert {candle.timestamp_us: candle for candle in heard if candle.timeframe is BASE and candle.revision} == {
        candle.timestamp_us: candle for candle in revised
    }
    assert latest.timestamp_us == newest.timestamp_us


async def test_without_redis_the_holes_are_healed_all_the_same(database, provider: Binance, holes):
    bus = Bus(f"redis://127.0.0.1:{free_port()}/0")
    swept = await heal_unfollowed(database, provider, [BTC], bus=bus)
    bus.close()

    assert swept == [Swept(BTC, 1, 0)]


async def test_a_symbol_that_a_worker_follows_is_left_to_it(database, provider: Binance, holes):
    worker = Claims(database.engine, Purpose.FOLLOW)
    worker.claim([BTC])
    try:
        swept = await heal_unfollowed(database, provider, holes["BINANCE"])
    finally:
        worker.close()

    assert swept == [Swept(BTC, 1, 1, followed=True), Swept(ETH, 1, 0)]
    assert {gap.symbol: gap.state for gap in database.gaps.list()} == {BTC: "open", ETH: "filled"}


async def test_afterwards_a_worker_may_follow_the_symbols(database, provider: Binance, holes):
    await heal_unfollowed(database, provider, holes["BINANCE"])

    worker = Claims(database.engine, Purpose.FOLLOW)
    refused = worker.claim([BTC, ETH])
    worker.close()
    assert refused == []


async def test_a_venue_that_does_not_answer_does_not_keep_a_worker_waiting(database, holes, monkeypatch):
    monkeypatch.setattr(streaming.unfollowed, "_TURN_SECONDS", 0.3)
    over = asyncio.Event()

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    mute = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        async with asyncio.timeout(5):
            swept = await heal_unfollowed(database, Binance(["BTC-USDT"], endpoints=Endpoints("ws://127.0.0.1:1", mute)), [BTC])
    finally:
        over.set()
        server.close()

    worker = Claims(database.engine, Purpose.FOLLOW)
    refused = worker.claim([BTC])
    worker.close()
    assert swept == [Swept(BTC, 1, 1)]
    assert refused == []
