"""What is said of the feeds, above all at the end: the last states and events, whether there is a Redis or not."""

import asyncio
import os
import socket
from typing import Any

import pytest
from redis.asyncio import Redis

from db.bus import SYSTEM_EVENTS_CHANNEL, AsyncBus, Bus
from exchanges import OKX
from market.candle import Candle
from market.clock import now_us
from market.errors import StoreUnreachable
from market.timeframe import Timeframe
from streaming.backoff import Backoff
from streaming.feed import FeedBoard
from streaming.pipeline import Pipeline
from streaming.publish import PublishSink
from streaming.subscriptions import Subscriptions
from tests.streaming.scripted import Stage, Told, okx_ack, okx_push, okx_rest, wires_of

SYMBOLS = ["OKX:BTC-USDT", "OKX:ETH-USDT"]
NOBODY = "redis://127.0.0.1:1/0"


def stage_of_two() -> Stage:
    return Stage(OKX, SYMBOLS, lambda message: [okx_ack(wire) for wire in wires_of(message)], okx_rest())


def board_of_two() -> FeedBoard:
    return FeedBoard("OKX", SYMBOLS, Subscriptions(OKX(SYMBOLS), lambda _: None))


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


# -- the last words --------------------------------------------------------------------------------------------------


def test_the_last_states_are_events_where_they_change():
    board = board_of_two()
    lanes = Pipeline(SYMBOLS).lanes

    feeds = board.stopped()

    assert [(feed.symbol, feed.state, feed.reason) for feed in feeds] == [
        (symbol, "down", "the worker stopped") for symbol in SYMBOLS
    ]
    assert board.take_events() == []  # it was down before: it never had a line
    assert {state["reason"] for state in board.states(lanes, 1).values()} == {"the worker stopped"}


def test_what_waits_for_the_database_is_told_at_every_symbol_of_the_worker():
    board = board_of_two()
    lanes = Pipeline(SYMBOLS).lanes
    board.waits(70, 100)

    states = board.states(lanes, 1)

    assert {(state["queue"], state["queue_limit"]) for state in states.values()} == {(70, 100)}
    assert {state["worker"] for state in states.values()} == {f"{socket.gethostname()}-{os.getpid()}"}
    assert all(0 < state["started_us"] <= now_us() for state in states.values())


def test_a_worker_tells_how_much_of_its_queue_is_full():
    stage = stage_of_two()

    async def trade() -> None:
        await asyncio.sleep(1.0)
        stage.venue.lines[0].push(okx_push("BTC-USDT", 100, now_us()))
        await asyncio.sleep(1.0)

    stage.run(trade)

    assert {(feed["queue"], feed["queue_limit"]) for feed in stage.told.feeds.values()} == {(0, 100_000)}


def test_a_worker_that_stops_says_so_to_redis_and_on_the_system_channel():
    stage = stage_of_two()

    async def trade() -> None:
        await asyncio.sleep(1.0)
        for number in range(20):
            stage.venue.lines[0].push(okx_push("BTC-USDT", 100 + number, now_us()))
            await asyncio.sleep(1.0)

    took = stage.run(trade)

    assert took <= 2.0
    assert {symbol: feed["state"] for symbol, feed in stage.told.feeds.items()} == dict.fromkeys(SYMBOLS, "down")
    assert stage.told.feeds[SYMBOLS[0]]["last_id"] == 119
    last = {event["symbol"]: (event["was"], event["state"], event["reason"]) for event in stage.told.events}
    assert last == {
        SYMBOLS[0]: ("live", "down", "the worker stopped"),
        SYMBOLS[1]: ("quiet", "down", "the worker stopped"),
    }
    stored = [feed.state for batch in stage.database.batches for feed in batch.feeds]
    assert stored[-2:] == ["down", "down"]


@pytest.mark.redis
async def test_the_keys_in_redis_say_down_once_a_worker_stopped(redis_url: str):
    stage, reader = stage_of_two(), Bus(redis_url)

    async def trade() -> None:
        await until(lambda: stage.venue.said)
        for number in range(20):
            stage.venue.lines[0].push(okx_push("BTC-USDT", 100 + number, now_us()))
        await until(lambda: (reader.feed(SYMBOLS[0]) or {}).get("state") == "live")

    async with Redis.from_url(redis_url) as redis, redis.pubsub() as channel:
        await channel.subscribe(SYSTEM_EVENTS_CHANNEL)
        bus = AsyncBus(redis_url)
        await stage.live(trade, bus)
        await bus.close()
        messages = []
        while (message := await channel.get_message(ignore_subscribe_messages=True, timeout=0.2)) or not messages:
            messages += [message["data"]] if message else []

    assert {symbol: feed["state"] for symbol, feed in reader.feeds().items()} == dict.fromkeys(SYMBOLS, "down")
    ends = [message for message in messages if b'"the worker stopped"' in message]
    assert len(ends) == 2
    assert messages[-2:] == ends
    reader.close()


async def test_a_worker_stops_at_once_where_redis_is_not_there():
    stage, bus = stage_of_two(), AsyncBus(NOBODY)

    took = await stage.live(lambda: until(lambda: stage.venue.said), bus)
    await bus.close()

    assert took < 2.0
    assert [feed.state for feed in stage.database.batches[-1].feeds] == ["down", "down"]


class Deaf(Told):
    """A Redis that does not answer; the stubborn one swallows a cancellation, as redis-py may."""

    def __init__(self, *, stubborn: bool) -> None:
        super().__init__()
        self._stubborn = stubborn

    async def set_feeds(self, feeds: dict[str, dict[str, Any]]) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if not self._stubborn:
                raise
            self._stubborn = False
            await asyncio.Event().wait()


@pytest.mark.parametrize("stubborn", [False, True])
def test_a_redis_that_does_not_answer_holds_up_no_stop(stubborn: bool):
    stage = stage_of_two()

    took = stage.run(lambda: asyncio.sleep(5.0), Deaf(stubborn=stubborn))

    assert took <= 2.0
    assert [feed.state for feed in stage.database.batches[-1].feeds] == ["down", "down"]


# -- the sink --------------------------------------------------------------------------------------------------------


class Failing(Told):
    """Fails as often as it is told to."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures, self.order = failures, []

    async def publish_candles(self, candles) -> None:
        self.order.append(("candles", [candle.timestamp_us for candle in candles]))

    async def set_feeds(self, feeds) -> None:
        self.order.append(("feeds", sorted(feeds)))
        await super().set_feeds(feeds)

    async def publish_event(self, event) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreUnreachable("away")
        await super().publish_event(event)


def candle(label: int) -> Candle:
    return Candle("OKX:A-B", Timeframe.M1, label, 1.0, 1.0, 1.0, 1.0)


async def test_the_last_words_come_before_the_candles_that_wait_and_behind_the_events_that_wait():
    redis = Failing(0)
    sink = PublishSink(redis)
    sink.put([candle(1), candle(2)])
    sink.put_events([{"event": "first"}])

    await sink.last({"OKX:A-B": {"state": "down"}}, [{"event": "last"}])

    assert redis.order == [("feeds", ["OKX:A-B"]), ("candles", [1, 2])]
    assert redis.events == [{"event": "first"}, {"event": "last"}]


async def test_the_last_words_are_tried_once():
    redis = Failing(1)
    sink = PublishSink(redis)

    await sink.last({}, [{"event": "last"}])

    assert redis.events == []
    assert redis.failures == 0


async def test_an_event_that_failed_is_published_later_and_in_its_place():
    redis = Failing(1)
    sink = PublishSink(redis, backoff=Backoff(first=0.001, cap=0.002, good_after=0.0))
    sink.put_events([{"event": "first"}, {"event": "second"}])
    running = asyncio.create_task(sink.run())

    await until(lambda: len(redis.events) == 2)
    running.cancel()

    assert redis.events == [{"event": "first"}, {"event": "second"}]
