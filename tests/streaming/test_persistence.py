"""What the worker writes to PostgreSQL and reads back: healing in the store, alarms, and where a symbol goes on."""

from dataclasses import replace

import msgspec
import pytest

from db.repositories.gaps import Gap
from db.repositories.raw_trades import RawTradeRepository
from exchanges import OKX, Bybit
from market.builder import CandleBuilder
from market.candle import Candle, Origin, flat_candle
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

    def test_only_minutes_of_ours_without_trades_are_flat_ones_behind_the_last_candle(self, database):
        store = persistence(database)
        store.write(Pipeline([SYMBOL]).take([trade(1, 0), trade(2, MINUTE_US)]))
        database.market_data.upsert_candles([flat(2), flat(3, origin=Origin.EXCHANGE), flat(4)])

        point = store.resume(SYMBOL)

        assert [(each.timestamp_us - START_US) // MINUTE_US for each in point.flats] == [2]

    def test_a_candle_without_a_count_is_no_flat_one(self, database):
        store = persistence(database)
        store.write(Pipeline([SYMBOL]).take([trade(1, 0), trade(2, MINUTE_US)]))
        database.market_data.upsert_candles([flat(2), flat(3, trades=None), flat(4)])

        point = store.resume(SYMBOL)

        assert [(each.timestamp_us - START_US) // MINUTE_US for each in point.flats] == [2]

    def test_holes_of_two_workers_that_share_ids_are_healed_once_each_and_both_end(self, database):
        store = persistence(database)
        store.write(Pipeline([SYMBOL]).take([trade(1, 0)]))
        database.watermarks.set(SYMBOL, 13, START_US + 130)
        for first_id, last_id in ((2, 8), (4, 6), (5, 12)):
            moments = {"start_us": START_US + first_id * 10 - 10, "end_us": START_US + last_id * 10 + 10}
            database.gaps.open(Gap(symbol=SYMBOL, first_id=first_id, last_id=last_id, cause="stall", **moments))
        pipeline = Pipeline([SYMBOL])

        store.write(pipeline.resume(SYMBOL, store.resume(SYMBOL)))
        taken_up = [(gap.first_id, gap.state, gap.missing) for gap in database.gaps.list()]
        batch = pipeline.recover(SYMBOL, [trade(number, number * 10) for number in range(2, 13)])
        store.write(batch)

        assert sorted(taken_up) == [(2, "open", None), (4, "filled", ()), (5, "open", ((9, 12),))]
        assert [each.trade_id for each in batch.trades] == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
        assert {gap.state for gap in database.gaps.list()} == {"filled"}

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

    @pytest.mark.parametrize("kept", [True, False])
    def test_a_long_hole_is_made_anew_as_if_nothing_had_been_missing(self, database, kept):
        tape = sparse_tape()
        truth = built(tape)
        store = persistence(database, keep_trades=kept)
        last = truth[-1].timestamp_us
        store.write(Batch(trades=tape, candles=[truth[0], flat_behind(last, 90.0)]))
        database.watermarks.set(SYMBOL, tape[-1].trade_id, tape[-1].timestamp_us, tape[0].timestamp_us + 1)
        window = Window(START_US, last)

        written = store.write(Batch(rebuilds=[Rebuild(SYMBOL, window, None if kept else tape)]))

        assert [facts(each) for each in minutes(database)] == [
            *map(facts, truth), facts(flat_behind(last, tape[-1].price))
        ]  # fmt: skip
        assert [facts(each) for each in written.candles if each.timeframe is BASE] == [*map(facts, minutes(database))][1:]

    def test_of_a_long_hole_an_hour_of_trades_is_read_at_once(self, database, monkeypatch):
        asked = []
        read = RawTradeRepository.get_trades

        def reading(self, symbol, start_us, end_us):
            asked.append(((start_us - START_US) // MINUTE_US, (end_us - START_US) // MINUTE_US))
            return read(self, symbol, start_us, end_us)

        monkeypatch.setattr(RawTradeRepository, "get_trades", reading)

        persistence(database).write(Batch(rebuilds=[Rebuild(SYMBOL, Window(START_US, START_US + 150 * MINUTE_US))]))

        assert asked == [(0, 60), (60, 120), (120, 150)]

    def test_each_part_of_a_long_hole_knows_the_holes_that_are_left_in_it(self, database):
        tape = sparse_tape()
        truth = built(tape)
        store = persistence(database)
        store.write(Batch(trades=tape, candles=truth[:1]))
        database.watermarks.set(SYMBOL, tape[-1].trade_id, tape[-1].timestamp_us, tape[0].timestamp_us + 1)
        inside = START_US + 124 * MINUTE_US
        database.gaps.open(Gap(symbol=SYMBOL, first_id=7, last_id=7, start_us=inside, end_us=inside + 1, cause="stall"))

        store.write(Batch(rebuilds=[Rebuild(SYMBOL, Window(START_US, truth[-1].timestamp_us))]))

        incomplete = [each.timestamp_us for each in minutes(database)[1:] if not each.complete]
        assert incomplete == [inside + MINUTE_US]

    def test_minutes_behind_a_hole_that_lie_in_another_one_are_not_called_complete(self, database):
        store = persistence(database)
        tape = [trade(1, -1), trade(2, 10)]
        store.write(Batch(trades=tape, candles=[*built(tape)[:1], flat(2, complete=False, close=90.0)]))
        database.watermarks.set(SYMBOL, 9, START_US + 2 * MINUTE_US, START_US)
        behind = START_US + MINUTE_US
        database.gaps.open(Gap(symbol=SYMBOL, first_id=3, last_id=8, start_us=behind, end_us=behind + 9, cause="stall"))

        store.write(Batch(rebuilds=[Rebuild(SYMBOL, Window(START_US, START_US + MINUTE_US))]))

        assert [(each.close, each.complete) for each in minutes(database)[1:]] == [(100.0, True), (100.0, False)]

    def test_a_first_minute_that_a_hole_outlived_is_made_of_its_stored_trades(self, database):
        pipeline, store = Pipeline([SYMBOL]), persistence(database)
        batch = pipeline.take([trade(1, -50_000_000), trade(2, -40_000_000), trade(3, -30_000_000)])
        batch.add(pipeline.learn(SYMBOL, 5, START_US + 2_000_000, Cause.STALL))
        store.write(batch)
        again = Pipeline([SYMBOL])

        store.write(again.resume(SYMBOL, store.resume(SYMBOL)))
        store.write(again.recover(SYMBOL, [trade(4, -10_000_000), trade(5, 1_000_000)]))
        store.write(again.take([trade(6, MINUTE_US)]))

        assert [(each.timestamp_us - START_US, each.trades, each.complete) for each in minutes(database)] == [
            (0, 4, False),  # it began with its first trade
            (MINUTE_US, 1, True),
        ]

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


def flat(minute: int, **changes) -> Candle:
    return msgspec.structs.replace(flat_candle(SYMBOL, BASE, START_US + minute * MINUTE_US, 100.0, complete=True), **changes)


def flat_behind(label: int, price: float) -> Candle:
    return flat_candle(SYMBOL, BASE, label + MINUTE_US, price, complete=True)


def sparse_tape() -> list[Trade]:
    """Return trades over two and a half hours, with an hour between two of them that holds none."""
    moments = [-1, *range(0, 50 * MINUTE_US, 7 * MINUTE_US), *range(115 * MINUTE_US, 150 * MINUTE_US, 9 * MINUTE_US)]
    return [trade(number, at_us, 100.0 + number) for number, at_us in enumerate(moments, 1)]


def built(tape: list[Trade]) -> list[Candle]:
    builder = CandleBuilder(SYMBOL)
    closed = [candle for each in tape for candle in builder.add(each)]
    return closed + builder.close_until(tape[-1].timestamp_us + MINUTE_US)


def facts(of: Candle) -> tuple:
    return tuple(getattr(of, name) for name in ("timestamp_us", "open", "high", "low", "close", "volume", "trades", "complete"))


def replace_symbol(of: Trade, symbol: str) -> Trade:
    return Trade(symbol, of.trade_id, of.price, of.size, of.side, of.timestamp_us, of.received_us)


def test_gap_keys_tell_holes_apart():
    gap = Gap(symbol=SYMBOL, first_id=None, last_id=None, start_us=1, end_us=2, cause="stall")

    assert gap.key != replace(gap, end_us=3).key


def test_a_begin_that_a_backfill_moved_back_stays_there_when_the_worker_goes_on(database):
    pipeline, store = Pipeline([SYMBOL]), persistence(database)
    store.write(pipeline.take([trade(10, 0), trade(11, 10)]))
    database.backfills.begin_tape(SYMBOL, START_US - MINUTE_US)

    pipeline.interrupt()
    store.write(pipeline.take([trade(12, 20)]))
    store.write(pipeline.take([trade(15, 30)]))

    assert database.watermarks.get(SYMBOL).since_us == START_US - MINUTE_US


def test_a_begin_that_a_backfill_moved_back_stays_there_after_a_restart_too(database):
    before = Pipeline([SYMBOL])
    persistence(database).write(before.take([trade(10, 0), trade(11, 10)]))
    pipeline, store = Pipeline([SYMBOL]), persistence(database)
    store.write(pipeline.resume(SYMBOL, store.resume(SYMBOL)))
    database.backfills.begin_tape(SYMBOL, START_US - MINUTE_US)

    store.write(pipeline.take([trade(12, 20)]))

    assert database.watermarks.get(SYMBOL).since_us == START_US - MINUTE_US
