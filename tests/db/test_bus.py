"""Redis carries candles and events; when it is away, callers are told at once."""

import asyncio
import json
import threading

import msgspec
import pytest
from hypothesis import given

from db.bus import (
    BOT_KEY,
    BOT_SIGNALS_CHANNEL,
    BOT_STATUS_CHANNEL,
    MARKET_DATA_CHANNEL,
    SYSTEM_EVENTS_CHANNEL,
    AsyncBus,
    Bus,
    decode_candle,
    encode_candle,
)
from market.errors import StoreUnreachable
from tests.db.candles import SYMBOL, candle, stored_candles

NOBODY_THERE = "redis://:secret@127.0.0.1:1/0"


@pytest.fixture
def bus(redis_url):
    bus = Bus(redis_url)
    yield bus
    bus.close()


@pytest.fixture
async def teller(redis_url):
    bus = AsyncBus(redis_url)
    yield bus
    await bus.close()


def test_channels_have_the_names_that_others_rely_on():
    assert MARKET_DATA_CHANNEL == "market:{symbol}"
    assert BOT_SIGNALS_CHANNEL == "signals:{bot_id}"
    assert BOT_STATUS_CHANNEL == "status:{bot_id}"
    assert SYSTEM_EVENTS_CHANNEL == "system:events"


@given(stored_candles(max_size=3))
def test_candles_survive_the_journey(candles):
    assert [decode_candle(encode_candle(one)) for one in candles] == candles


def test_a_candle_travels_as_json_with_the_names_of_its_attributes():
    sent = json.loads(encode_candle(candle(1)))

    assert sent["symbol"] == SYMBOL
    assert sent["timeframe"] == "1m"
    assert sent["close"] == 2.0
    assert sent["final"] is True


@pytest.mark.redis
async def test_the_latest_candle_is_kept_for_each_timeframe(bus, teller):
    wider = msgspec.structs.replace(candle(5), timeframe="5m", final=False)

    await teller.publish_candles([candle(1), candle(2), wider])

    assert bus.latest(SYMBOL, "1m") == candle(2)
    assert bus.latest(SYMBOL, "5m") == wider
    assert bus.latest(SYMBOL, "1h") is None
    assert bus.symbols() == [SYMBOL]


@pytest.mark.redis
async def test_the_revision_of_an_older_candle_is_not_the_latest(bus, teller):
    await teller.publish_candles([candle(2)])
    await teller.publish_candles([candle(1, revision=1)])
    assert bus.latest(SYMBOL, "1m") == candle(2)

    await teller.publish_candles([candle(2, revision=1)])
    assert bus.latest(SYMBOL, "1m") == candle(2, revision=1)


@pytest.mark.redis
async def test_a_subscriber_hears_what_is_published(bus, teller):
    channel = MARKET_DATA_CHANNEL.format(symbol=SYMBOL)
    messages = bus.subscribe("market:*", SYSTEM_EVENTS_CHANNEL, quiet_seconds=5)
    assert next(messages) is None

    await teller.publish_candles([candle(1), candle(1, revision=1)])
    await teller.publish_event({"kind": "started"})

    heard = [next(messages) for _ in range(3)]
    messages.close()
    assert [one.channel for one in heard] == [channel, channel, SYSTEM_EVENTS_CHANNEL]
    assert [decode_candle(one.data) for one in heard[:2]] == [candle(1), candle(1, revision=1)]
    assert json.loads(heard[2].data) == {"kind": "started"}


@pytest.mark.redis
def test_a_quiet_subscriber_gets_its_turn(bus):
    messages = bus.subscribe(SYSTEM_EVENTS_CHANNEL, quiet_seconds=0.01)

    assert [next(messages), next(messages), next(messages)] == [None, None, None]
    messages.close()


@pytest.mark.redis
def test_a_subscription_survives_the_loss_of_its_connection(bus, redis_url):
    messages = bus.subscribe(SYSTEM_EVENTS_CHANNEL, quiet_seconds=0.05)
    assert next(messages) is None
    other = Bus(redis_url)
    other._client.client_kill_filter(_type="pubsub")

    heard = None
    for _ in range(200):
        other.publish_event({"kind": "again"})
        heard = next(messages)
        if heard is not None:
            break

    messages.close()
    other.close()
    assert json.loads(heard.data) == {"kind": "again"}


def test_a_subscriber_gets_its_turn_while_redis_is_away():
    messages = Bus(NOBODY_THERE).subscribe("market:*")

    assert [next(messages), next(messages)] == [None, None]
    messages.close()


@pytest.mark.redis
async def test_the_state_of_feeds_is_told_and_forgotten(bus, teller):
    await teller.set_feed(SYMBOL, {"state": "live"})
    await teller.set_feed("OKX:ETH-USDT", {"state": "stale"}, lifetime_seconds=1)

    assert bus.feed(SYMBOL) == {"state": "live"}
    assert bus.feeds() == {SYMBOL: {"state": "live"}, "OKX:ETH-USDT": {"state": "stale"}}
    assert bus.feed("OKX:DOGE-USDT") is None
    assert 0 < bus._client.pttl("feed:OKX:ETH-USDT") <= 1_000


@pytest.mark.redis
def test_without_feeds_there_are_none(bus):
    assert bus.feeds() == {}
    assert bus.symbols() == []


@pytest.mark.redis
def test_what_all_bots_do_is_read_at_once(bus):
    assert bus.bots() == {}

    bus.tell([], {"bot:two": {"state": "running"}, "bot:one": {"state": "waiting"}, "feed:OKX:A-B": {}}, lifetime_seconds=5)

    assert bus.bots() == {"one": {"state": "waiting"}, "two": {"state": "running"}}
    assert list(bus.bots()) == ["one", "two"]


@pytest.mark.redis
def test_redis_tells_about_itself_in_one_answer(bus):
    bus.tell([], {"bot:one": {}}, lifetime_seconds=5)

    told = bus.info()

    assert told["keys"] == 1
    assert {"redis_version", "uptime_in_seconds", "used_memory", "connected_clients", "evicted_keys"} <= set(told)


@pytest.mark.redis
async def test_health_is_an_answer(bus, teller):
    assert bus.health_check()
    assert await teller.health_check()


async def test_redis_that_is_away_is_reported_without_the_password():
    bus, teller = Bus(NOBODY_THERE), AsyncBus(NOBODY_THERE)

    with pytest.raises(StoreUnreachable, match=r"Redis does not answer at 127.0.0.1:1 ") as caught:
        bus.latest(SYMBOL, "1m")
    with pytest.raises(StoreUnreachable):
        await teller.publish_candles([candle(1)])

    assert "secret" not in str(caught.value)
    assert not bus.health_check()
    assert not await teller.health_check()
    await teller.close()


@pytest.mark.redis
async def test_tellers_do_not_wait_for_each_other(bus, teller):
    await asyncio.gather(*(teller.publish_candles([candle(minute)]) for minute in range(1, 21)))

    assert bus.latest(SYMBOL, "1m") is not None


@pytest.mark.redis
def test_one_bus_serves_many_threads(bus):
    threads = [threading.Thread(target=bus.publish_event, args=({"number": number},)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert bus.health_check()


@pytest.mark.redis
def test_bots_are_read_at_once(bus):
    assert bus.bots() == {}

    bus.tell([], {BOT_KEY.format(bot_id=bot): {"bot": bot} for bot in ("b", "a")}, lifetime_seconds=9)

    assert bus.bots() == {"a": {"bot": "a"}, "b": {"bot": "b"}}
