"""The store sink and the publish sink: what waits, what is lost, what comes back."""

import asyncio

import pytest

from market.candle import Candle
from market.errors import StoreUnreachable
from market.timeframe import Timeframe
from market.trade import Side, Trade
from streaming.backoff import Backoff
from streaming.batch import Batch
from streaming.errands import end_tasks
from streaming.persistence import Written
from streaming.publish import PublishSink
from streaming.store import StoreSink

QUICK = {"first": 0.001, "cap": 0.002, "good_after": 0.0}


def batch(*numbers: int) -> Batch:
    return Batch(trades=[Trade("OKX:A-B", number, 1.0, 1.0, Side.BUY, number, number) for number in numbers])


def candle(label: int, close: float, *, final: bool = True) -> Candle:
    return Candle("OKX:A-B", Timeframe.M1, label, 1.0, 9.0, 1.0, close, final=final)


class Database:
    """Remembers what was written; fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.failures, self.ids, self.transactions = failures, [], 0

    def write(self, written: Batch) -> Written:
        if self.failures:
            self.failures -= 1
            raise StoreUnreachable("down")
        self.transactions += 1
        self.ids += [trade.trade_id for trade in written.trades]
        return Written()


async def test_everything_put_is_written_in_order_before_the_end():
    database = Database()
    sink = StoreSink(database.write, linger=60.0)
    running = asyncio.create_task(sink.run())
    await sink.put(batch(1, 2))
    await sink.put(batch(3))

    sink.close()
    await asyncio.wait_for(running, 5)

    assert database.ids == [1, 2, 3]
    assert sink.stored_trades == 3
    assert database.transactions == 1


async def test_what_waits_while_the_database_is_down_is_written_once_it_is_back():
    database = Database(failures=4)
    sink = StoreSink(database.write, linger=0.0, backoff=Backoff(**QUICK))
    running = asyncio.create_task(sink.run())

    for number in range(10):
        await sink.put(batch(number))
    sink.close()
    await asyncio.wait_for(running, 5)

    assert database.ids == list(range(10))
    assert sink.down is False


async def test_a_full_sink_makes_its_caller_wait():
    database = Database(failures=10**9)
    sink = StoreSink(database.write, limit=3, linger=0.0, backoff=Backoff(**QUICK))
    running = asyncio.create_task(sink.run())
    await sink.put(batch(1, 2))

    blocked = asyncio.create_task(sink.put(batch(3, 4)))
    done, _ = await asyncio.wait({blocked}, timeout=0.05)
    assert not done
    database.failures = 0
    await asyncio.wait_for(blocked, 5)
    sink.close()
    await asyncio.wait_for(running, 5)

    assert database.ids == [1, 2, 3, 4]


async def test_an_error_that_waiting_does_not_cure_ends_the_sink():
    def refuse(_: Batch) -> Written:
        raise RuntimeError("column does not exist")

    sink = StoreSink(refuse, linger=0.0)
    await sink.put(batch(1))

    with pytest.raises(RuntimeError, match="column does not exist"):
        await asyncio.wait_for(sink.run(), 5)


async def test_a_sink_that_is_closed_without_a_database_ends_after_its_last_patience():
    sink = StoreSink(Database(failures=10**9).write, linger=0.0, last_patience=0.05, backoff=Backoff(**QUICK))
    await sink.put(batch(1))
    sink.close()

    with pytest.raises(StoreUnreachable):
        await asyncio.wait_for(sink.run(), 5)


class Redis:
    """Remembers what was published; fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.failures, self.candles, self.feeds, self.events = failures, [], {}, []
        self.published = asyncio.Event()

    async def publish_candles(self, candles) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreUnreachable("down")
        self.candles += candles
        self.published.set()

    async def publish_event(self, event):
        self.events.append(event)

    async def set_feeds(self, feeds) -> None:
        self.feeds |= feeds


async def until(condition) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def test_of_a_span_that_comes_again_the_newest_is_published():
    redis = Redis(failures=1)
    sink = PublishSink(redis, backoff=Backoff(**QUICK))
    sink.put([candle(1, 1.0, final=False), candle(1, 2.0, final=False)])
    running = asyncio.create_task(sink.run())
    sink.put([candle(1, 3.0), candle(2, 4.0, final=False)])

    await until(lambda: len(redis.candles) == 2)
    running.cancel()

    assert [(each.timestamp_us, each.close, each.final) for each in redis.candles] == [(1, 3.0, True), (2, 4.0, False)]


async def test_a_closed_candle_survives_a_redis_that_is_down():
    redis = Redis(failures=3)
    sink = PublishSink(redis, backoff=Backoff(**QUICK))
    running = asyncio.create_task(sink.run())
    sink.put([candle(1, 1.0)])
    sink.put_feeds({"OKX:A-B": {"state": "live"}})

    await until(lambda: redis.feeds)
    running.cancel()

    assert [each.timestamp_us for each in redis.candles] == [1]
    assert sink.down is False


async def test_candles_that_nobody_takes_do_not_pile_up():
    sink = PublishSink(Redis())

    sink.put([candle(label, 1.0) for label in range(20_000)])

    assert len(sink._waiting) == 10_000
    assert sink.dropped == 10_000


async def test_a_task_that_swallows_a_cancellation_is_ended_all_the_same():
    begun = asyncio.Event()

    async def stubborn() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.Event().wait()

    task = asyncio.create_task(stubborn())
    await begun.wait()

    await asyncio.wait_for(end_tasks(task), 5)

    assert task.cancelled()
