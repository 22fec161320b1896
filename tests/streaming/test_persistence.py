"""What the worker writes to PostgreSQL and reads back: healing in the store, alarms, and where a symbol goes on."""

from dataclasses import replace

import pytest

from db.repositories.gaps import Gap
from exchanges import OKX, Bybit
from market.candle import Origin
from market.timeframe import BASE, Timeframe
from market.trade import Side, Trade
from market.window import Window
from streaming.batch import Batch, Rebuild
from streaming.ledger import Cause, State
from streaming.persistence import Persistence
from streaming.pipeline import Pipeline
from tests.generators import MINUTE_US, START_US, SYMBOL

pytestmark = pytest.mark.postgres


def trade(number: int, at_us: int, price: float = 100.0) -> Trade:
    return Trade(SYMBOL, number, price, 1.0, Side.BUY, START_US + at_us, START_US + at_us)


def persistence(database, *, keep_trades: bool = True) -> Persistence:
    return Persistence(database.transaction, OKX([SYMBOL]), keep_trades=keep_trades, timeframes=[Timeframe.M5])


def minutes(database):
    return list(database.market_data.get_series(SYMBOL, BASE).candles())


class TestPersistence:
    def test_a_hole_that_is_healed_is_closed_with_its_trades_and_candles_in_one_transaction(self, database):
        pipeline, store = Pipeline([SYMBOL]), persistence(database)
        store.write(pipeline.take([trade(1, -1), trade(2, 10), trade(5, 50), trade(6, MINUTE_US)]))
        before = minutes(database)[-1]

        store.write(pipeline.recover(SYMBOL, [trade(2, 10), trade(3, 20, 101.0), trade(4, 30)]))

        [gap] = database.gaps.list()
        after = minutes(database)[-1]
        assert (gap.state, gap.recovered, gap.missing, gap.cause) == ("filled", 2, (), "sequence")
        assert (before.complete, before.trades, before.revision) == (False, 2, 0)
        assert (after.complete, after.trades, after.revision, after.origin, after.high) == (True, 4, 1, Origin.HEALED, 101.0)

    def test_wider_candles_that_follow_a_revised_minute_are_handed_on(self, database):
        pipeline, store = Pipeline([SYMBOL]), persistence(database)
        first = Timeframe.M5.close_of(START_US) - START_US
        trades = [trade(1, -1), trade(2, 10)] + [trade(4 + n, first + n * MINUTE_US) for n in range(7)]
        store.write(pipeline.take(trades))

        written = store.write(pipeline.recover(SYMBOL, [trade(3, 20, 500.0)]))

        wider = [candle for candle in written.candles if candle.timeframe is Timeframe.M5]
        assert next((candle.timestamp_us - START_US, candle.high) for candle in wider) == (first, 500.0)
        assert wider[0].revision > 0

    def test_minutes_that_nobody_remembers_are_made_anew_from_stored_trades(self, database):
        store = persistence(database)
        first = Pipeline([SYMBOL])
        store.write(first.take([trade(1, -1), trade(2, 10), trade(5, 50), *(trade(6 + n, (n + 1) * MINUTE_US) for n in range(4))]))
        again = Pipeline([SYMBOL])
        again.resume(SYMBOL, store.resume(SYMBOL))

        batch = again.recover(SYMBOL, [trade(3, 20, 90.0), trade(4, 30)])
        written = store.write(batch)

        assert [(each.window.start_us - START_US, each.window.end_us - START_US) for each in batch.rebuilds] == [(0, MINUTE_US)]
        assert [(each.low, each.trades, each.complete, each.revision) for each in written.candles if each.timeframe is BASE] == [
            (90.0, 4, True, 1)
        ]
        assert next(each for each in minutes(database) if each.timestamp_us == START_US + MINUTE_US).trades == 4

    def test_an_id_that_comes_with_another_payload_is_an_alarm_and_changes_nothing(self, database):
        pipeline, store = Pipeline([SYMBOL]), persistence(database)
        store.write(pipeline.take([trade(1, 0), trade(2, 10)]))

        written = store.write(pipeline.take([trade(2, 10, 777.0)]))

        [gap] = database.gaps.list()
        assert (gap.state, gap.cause, gap.first_id) == ("alarm", "conflict", 2)
        assert (gap.evidence["stored"]["price"], gap.evidence["other"]["price"]) == (100.0, 777.0)
        assert [other.price for _, other in written.alarms] == [777.0]
        assert [each.price for each in database.raw_trades.get_trades(SYMBOL, START_US, START_US + 100)] == [100.0, 100.0]

    def test_the_same_trade_again_is_no_alarm(self, database):
        pipeline, store = Pipeline([SYMBOL]), persistence(database)
        store.write(pipeline.take([trade(1, 0), trade(2, 10)]))

        written = store.write(pipeline.take([trade(2, 10), trade(1, 0)]))

        assert written.alarms == []
        assert database.gaps.list() == []

    def test_a_batch_that_comes_twice_is_stored_once(self, database):
        pipeline, store = Pipeline([SYMBOL]), persistence(database)
        batch = pipeline.take([trade(1, -1), trade(2, 10), trade(5, 50), trade(6, MINUTE_US)])
        batch.add(pipeline.recover(SYMBOL, [trade(3, 20), trade(4, 30)]))

        store.write(batch)
        first = (minutes(database), database.gaps.list(), database.watermarks.get(SYMBOL))
        store.write(batch)

        assert (minutes(database), database.gaps.list(), database.watermarks.get(SYMBOL)) == first

    def test_open_and_lost_holes_are_taken_up_again_with_what_is_missing(self, database):
        pipeline, store = Pipeline([SYMBOL]), persistence(database)
        store.write(pipeline.take([trade(1, 0), trade(5, 50), trade(9, 90)]))
        store.write(pipeline.recover(SYMBOL, [trade(3, 30)]))
        lost = next(opened for opened in pipeline.open_holes() if opened.hole.first_id == 6)
        store.write(pipeline.settle(SYMBOL, lost, State.UNRECOVERABLE, {"reason": "a test"}))

        point = store.resume(SYMBOL)

        assert {(known.hole.first_id, known.state, known.missing) for known in point.holes} == {
            (2, State.OPEN, ((2, 2), (4, 4))), (6, State.UNRECOVERABLE, ((6, 8),)),
        }  # fmt: skip
        assert (point.last_id, point.since_us) == (9, START_US + 1)

    def test_ids_of_minutes_are_those_between_the_candles_around_them(self, database):
        pipeline, store = Pipeline([SYMBOL]), persistence(database, keep_trades=False)
        trades = [trade(1, -1), trade(2, 10), trade(5, MINUTE_US + 1), trade(8, 2 * MINUTE_US + 1), trade(9, 3 * MINUTE_US)]
        store.write(pipeline.take(trades))

        ids = store.ids_of(SYMBOL, Window(START_US + MINUTE_US, START_US + 2 * MINUTE_US))

        assert ids == (3, 7)

    def test_minutes_whose_trades_are_not_kept_are_made_of_those_fetched(self, database):
        pipeline, store = Pipeline([SYMBOL]), persistence(database, keep_trades=False)
        store.write(pipeline.take([trade(1, -1), trade(2, 10), trade(5, 50), trade(6, MINUTE_US)]))
        window = Window(START_US, START_US + MINUTE_US)
        whole = [trade(number, number * 5) for number in range(2, 6)]

        alone = store.write(Batch(rebuilds=[Rebuild(SYMBOL, window)]))
        helped = store.write(Batch(rebuilds=[Rebuild(SYMBOL, window, whole)]))

        assert (alone.candles, alone.short) == ([], [(SYMBOL, window)])
        assert [each.trades for each in helped.candles if each.timeframe is BASE] == [4]

    def test_without_ids_a_symbol_goes_on_by_time(self, database):
        symbol = "BYBIT:BTC-USDT"
        store = Persistence(database.transaction, Bybit([symbol]), timeframes=[])
        trades = [
            replace_symbol(trade(number, at), symbol) for number, at in ((900, 0), (7, 10), (55, MINUTE_US), (3, 2 * MINUTE_US))
        ]
        pipeline = Pipeline([symbol], provable=False)
        store.write(pipeline.take(trades))
        again = Pipeline([symbol], provable=False)

        point = store.resume(symbol)
        again.resume(symbol, point)
        batch = again.take([*trades[2:], replace_symbol(trade(4, 3 * MINUTE_US), symbol)])

        assert point.last_id == START_US + 2 * MINUTE_US
        assert [each.trade_id for each in batch.duplicates] == [55, 3]
        assert [(hole.first_id, hole.cause) for hole in batch.holes] == [(None, Cause.CRASH)]


def replace_symbol(of: Trade, symbol: str) -> Trade:
    return Trade(symbol, of.trade_id, of.price, of.size, of.side, of.timestamp_us, of.received_us)


def test_gap_keys_tell_holes_apart():
    gap = Gap(symbol=SYMBOL, first_id=None, last_id=None, start_us=1, end_us=2, cause="stall")

    assert gap.key != replace(gap, end_us=3).key
