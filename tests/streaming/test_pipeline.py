from hypothesis import given
from hypothesis import strategies as st

from market.builder import CandleBuilder
from market.trade import Side, Trade
from streaming.ledger import Cause, Hole, State
from streaming.pipeline import Pipeline
from streaming.resume import Resume
from tests.generators import MINUTE_US, START_US, SYMBOL, trade_runs

OTHER = "OKX:ETH-USDT"


def trade(number: int, at_us: int, price: float = 100.0, symbol: str = SYMBOL, count: int = 1) -> Trade:
    return Trade(symbol, number, price, 1.0, Side.BUY, START_US + at_us, START_US + at_us, count, count)


def test_a_trade_that_comes_twice_counts_once():
    pipeline = Pipeline([SYMBOL])

    batch = pipeline.take([trade(1, 0), trade(2, 1), trade(2, 1), trade(1, 0), trade(3, 2)])

    assert [each.trade_id for each in batch.trades] == [1, 2, 3]
    assert [each.trade_id for each in batch.duplicates] == [2, 1]
    assert pipeline.lanes[SYMBOL].builder.forming().trades == 3


def test_a_jump_in_the_ids_is_a_hole_with_its_ids_and_times():
    pipeline = Pipeline([SYMBOL])

    batch = pipeline.take([trade(1, 0), trade(2, 10), trade(5, 30)])

    assert batch.holes == [Hole(SYMBOL, 3, 4, START_US + 10, START_US + 30, Cause.SEQUENCE)]
    assert pipeline.lanes[SYMBOL].builder.forming().complete is False


def test_merged_fills_are_contiguous_by_the_ids_they_stand_for():
    pipeline = Pipeline([SYMBOL])

    batch = pipeline.take([trade(10, 0), trade(13, 1, count=3), trade(15, 2, count=1)])

    assert [(hole.first_id, hole.last_id) for hole in batch.holes] == [(14, 14)]
    assert pipeline.lanes[SYMBOL].builder.forming().trades == 5


def test_trades_overtaken_by_one_fill_the_hole_they_left():
    pipeline = Pipeline([SYMBOL])

    pipeline.take([trade(1, -1), trade(2, 0), trade(4, 2)])
    batch = pipeline.take([trade(3, 1), trade(5, MINUTE_US)])

    assert [each.trade_id for each in batch.trades] == [3, 5]
    assert [(candle.trades, candle.complete, candle.revision) for candle in batch.candles] == [(3, True, 0)]


def test_a_disconnect_without_a_lost_trade_leaves_whole_minutes():
    pipeline = Pipeline([SYMBOL])
    pipeline.take([trade(1, -1), trade(2, 5)])

    pipeline.interrupt()
    quiet = pipeline.close_until(START_US + 2 * MINUTE_US, 0.0)
    batch = pipeline.take([trade(3, 3 * MINUTE_US)])

    assert quiet.candles == []
    assert [(candle.trades, candle.complete) for candle in batch.candles] == [(1, True), (0, True), (0, True)]
    assert batch.holes == []


def test_a_disconnect_that_lost_trades_leaves_a_hole_with_its_cause_and_no_invented_minutes():
    pipeline = Pipeline([SYMBOL])
    pipeline.take([trade(1, -1), trade(2, 5)])

    pipeline.interrupt()
    batch = pipeline.take([trade(9, 3 * MINUTE_US)])
    later = pipeline.take([trade(10, 4 * MINUTE_US), trade(11, 5 * MINUTE_US)])

    assert [(hole.first_id, hole.last_id, hole.cause) for hole in batch.holes] == [(3, 8, Cause.DISCONNECT)]
    assert [(candle.timestamp_us - START_US, candle.complete) for candle in batch.candles + later.candles] == [
        (MINUTE_US, False),
        (4 * MINUTE_US, False),
        (5 * MINUTE_US, True),
    ]


def test_the_clock_closes_a_symbol_that_is_quiet_while_another_one_trades():
    pipeline = Pipeline([SYMBOL, OTHER])
    pipeline.take([trade(1, 0), trade(7, 0, symbol=OTHER), trade(8, 1, symbol=OTHER), trade(2, MINUTE_US)])

    pipeline.prove(OTHER, START_US + MINUTE_US)
    batch = pipeline.close_until(START_US + MINUTE_US, 0.0)

    assert [(candle.symbol, candle.complete) for candle in batch.candles] == [(OTHER, False)]  # its first minute
    assert pipeline.next_close_us() == START_US + 2 * MINUTE_US


def test_a_minute_that_is_over_waits_for_a_proof_and_is_then_complete():
    pipeline = Pipeline([SYMBOL])
    pipeline.take([trade(1, -1), trade(2, 5)])

    early = pipeline.close_until(START_US + MINUTE_US, 100.0)
    behind = pipeline.prove(SYMBOL, START_US + MINUTE_US - 1)
    later = pipeline.close_until(START_US + MINUTE_US, 104.9)
    waits_since = pipeline.lanes[SYMBOL].waits_since
    pipeline.prove(SYMBOL, START_US + MINUTE_US)
    proven = pipeline.close_until(START_US + MINUTE_US, 104.9)

    assert early.candles == behind.candles == later.candles == []
    assert (waits_since, pipeline.lanes[SYMBOL].waits_since) == (100.0, None)
    assert [(candle.complete, candle.revision) for candle in proven.candles] == [(True, 0)]


def test_without_a_proof_a_minute_is_not_complete_until_a_trade_goes_on_from_it():
    pipeline = Pipeline([SYMBOL])
    pipeline.take([trade(1, -1), trade(2, 5)])

    pipeline.close_until(START_US + MINUTE_US, 100.0)
    closed = pipeline.close_until(START_US + 2 * MINUTE_US, 105.0)
    at_once = pipeline.close_until(START_US + 3 * MINUTE_US, 105.1)
    revised = pipeline.take([trade(3, 3 * MINUTE_US + 5), trade(4, 4 * MINUTE_US)])

    assert [(candle.trades, candle.complete) for candle in closed.candles + at_once.candles] == [(1, False), (0, False), (0, False)]
    assert [(candle.trades, candle.complete, candle.revision) for candle in revised.candles] == [
        (1, True, 1),
        (0, True, 1),
        (0, True, 1),
        (1, True, 0),
    ]


def test_what_the_venue_says_proves_minutes_up_to_the_moment_of_its_saying():
    pipeline = Pipeline([SYMBOL])
    pipeline.take([trade(1, -1), trade(2, 5)])
    pipeline.close_until(START_US + 3 * MINUTE_US, 100.0)
    pipeline.close_until(START_US + 3 * MINUTE_US, 105.0)

    first = pipeline.prove(SYMBOL, START_US + 2 * MINUTE_US + 7)
    second = pipeline.prove(SYMBOL, START_US + 3 * MINUTE_US)

    assert [(candle.timestamp_us - START_US, candle.complete) for candle in first.candles] == [
        (MINUTE_US, True),
        (2 * MINUTE_US, True),
    ]
    assert [(candle.timestamp_us - START_US, candle.complete) for candle in second.candles] == [(3 * MINUTE_US, True)]


def test_minutes_without_a_proof_are_in_the_hole_that_shows_behind_them():
    pipeline = Pipeline([SYMBOL])
    pipeline.take([trade(1, -1), trade(2, 5)])
    pipeline.close_until(START_US + 2 * MINUTE_US, 100.0)
    pipeline.close_until(START_US + 2 * MINUTE_US, 105.0)

    batch = pipeline.take([trade(5, 2 * MINUTE_US + 5), trade(6, 3 * MINUTE_US)])
    healed = pipeline.recover(SYMBOL, [trade(3, 7), trade(4, MINUTE_US + 7)])

    assert [(candle.timestamp_us - START_US, candle.complete) for candle in batch.candles] == [(3 * MINUTE_US, False)]
    assert [(candle.trades, candle.complete, candle.revision) for candle in healed.candles] == [
        (2, True, 1),
        (1, True, 1),
        (1, True, 1),
    ]


def test_a_trade_of_a_hole_that_ended_without_it_is_taken_and_noted():
    pipeline = Pipeline([SYMBOL])
    pipeline.take([trade(1, -1), trade(2, 5), trade(5, 9), trade(6, MINUTE_US)])
    [opened] = pipeline.open_holes()
    pipeline.settle(SYMBOL, opened, State.NEVER_EXISTED, {})

    first = pipeline.take([trade(4, 8)])
    again = pipeline.take([trade(4, 8)])
    second = pipeline.recover(SYMBOL, [trade(3, 7)])

    assert [each.trade_id for each in first.trades + second.trades] == [4, 3]
    assert [each.trade_id for each in again.duplicates] == [4]
    assert [(step.state, step.recovered, step.missing) for step in first.progress + second.progress] == [
        (State.NEVER_EXISTED, 1, ((3, 3),)),
        (State.FILLED, 2, ()),
    ]
    assert [(candle.trades, candle.complete) for candle in first.candles + second.candles] == [(3, True), (4, True)]


def test_the_last_trade_of_an_unrecoverable_hole_makes_its_minute_complete():
    pipeline = Pipeline([SYMBOL])
    pipeline.take([trade(1, -1), trade(2, 5), trade(4, 9), trade(5, MINUTE_US)])
    [opened] = pipeline.open_holes()
    pipeline.settle(SYMBOL, opened, State.UNRECOVERABLE, {})

    batch = pipeline.take([trade(3, 8)])

    assert [(candle.trades, candle.complete) for candle in batch.candles] == [(3, True)]
    assert [step.state for step in batch.progress] == [State.FILLED]


def test_minutes_stored_without_a_proof_are_proven_after_a_restart_too():
    before = Pipeline([SYMBOL])
    stored = before.take([trade(1, -1), trade(2, 5)])
    before.close_until(START_US + 2 * MINUTE_US, 100.0)
    closed = before.close_until(START_US + 2 * MINUTE_US, 105.0).candles
    after = Pipeline([SYMBOL])
    after.resume(SYMBOL, Resume(2, START_US + 5, stored.marks[SYMBOL].since_us, closed[0], closed[1:]))

    batch = after.take([trade(3, 2 * MINUTE_US + 5)])

    assert [(candle.trades, candle.complete, candle.revision) for candle in batch.candles] == [(1, True, 1), (0, True, 1)]


def test_an_old_trade_repeated_to_a_new_subscriber_opens_no_bar():
    pipeline = Pipeline([SYMBOL])

    batch = pipeline.take([trade(5, -60 * MINUTE_US), trade(90, 10), trade(91, MINUTE_US)])

    assert [(hole.first_id, hole.last_id) for hole in batch.holes] == [(6, 89)]
    assert [(candle.timestamp_us - START_US, candle.complete) for candle in batch.candles] == [(MINUTE_US, False)]


def test_the_clock_closes_nothing_behind_a_lone_trade_that_may_be_an_echo():
    pipeline = Pipeline([SYMBOL])
    pipeline.take([trade(5, -60 * MINUTE_US)])

    assert pipeline.close_until(START_US, 0.0).candles == []
    assert pipeline.next_close_us() is None


def test_a_hole_behind_the_first_trade_of_a_broken_feed_is_noted_and_revises_its_candle():
    pipeline = Pipeline([SYMBOL])
    pipeline.take([trade(5, 0)])
    pipeline.interrupt()

    batch = pipeline.take([trade(495, 2 * MINUTE_US)])

    assert [(hole.first_id, hole.last_id, hole.cause) for hole in batch.holes] == [(6, 494, Cause.DISCONNECT)]
    assert [(candle.timestamp_us - START_US, candle.complete) for candle in batch.candles] == [(MINUTE_US, False)]


def test_ids_that_start_over_are_followed_and_noted():
    pipeline = Pipeline([SYMBOL])
    pipeline.take([trade(900, 0), trade(901, 1)])

    batch = pipeline.take([trade(1, 5 * MINUTE_US), trade(2, 5 * MINUTE_US + 1)])

    assert [each.trade_id for each in batch.trades] == [1, 2]
    assert [(hole.first_id, hole.cause) for hole in batch.holes] == [(None, Cause.RESET)]
    assert [step.state for step in batch.progress] == [State.UNRECOVERABLE]
    assert batch.marks[SYMBOL].restart is True


def test_one_old_id_at_a_new_time_is_not_believed():
    pipeline = Pipeline([SYMBOL])
    pipeline.take([trade(900, 0), trade(901, 1)])

    batch = pipeline.take([trade(5, 5 * MINUTE_US), trade(902, 5 * MINUTE_US + 1), trade(7, 20 * MINUTE_US)])

    assert [each.trade_id for each in batch.trades] == [902]
    assert batch.holes == []


def test_one_id_far_ahead_of_all_others_is_not_believed_and_two_that_go_on_are():
    pipeline = Pipeline([SYMBOL])
    pipeline.take([trade(1, 0), trade(2, 1)])

    alone = pipeline.take([trade(2**61, 2), trade(3, 3)])
    moved = pipeline.take([trade(10**12, 4), trade(10**12 + 1, 5), trade(10**12 + 2, 6)])

    assert [each.trade_id for each in alone.trades] == [3]
    assert alone.holes == []
    assert [each.trade_id for each in moved.trades] == [10**12, 10**12 + 1, 10**12 + 2]
    assert [hole.cause for hole in moved.holes] == [Cause.RESET]
    assert pipeline.learn(SYMBOL, 2**61, START_US + 7, Cause.STALL).holes == []


def test_without_kept_trades_and_without_a_candle_the_forming_minute_is_not_complete():
    after = Pipeline([SYMBOL])
    after.resume(SYMBOL, Resume(50, START_US + 10, START_US - 5, trades=None))

    batch = after.take([trade(51, 20), trade(52, MINUTE_US), trade(53, 2 * MINUTE_US)])

    assert [candle.complete for candle in batch.candles] == [False, True]


def test_where_the_tape_begins_is_noted_with_the_end_of_the_hole_that_hid_it():
    pipeline = Pipeline([SYMBOL])
    first = pipeline.take([trade(4, 25)])
    behind = pipeline.take([trade(20, 2 * MINUTE_US)])  # the hole may reach back to before the tape
    [opened] = pipeline.open_holes()

    settled = pipeline.settle(SYMBOL, opened, State.NEVER_EXISTED, {})

    known = [batch.marks[SYMBOL].since_us for batch in (first, behind, settled)]
    assert known == [START_US + 26, START_US + 2 * MINUTE_US + 1, START_US + 26]


def test_the_minutes_of_a_hole_between_the_first_two_trades_of_a_tape_are_made_of_what_is_stored():
    pipeline = Pipeline([SYMBOL])
    pipeline.take([trade(4, 25), trade(20, 2 * MINUTE_US)])
    recovered = pipeline.recover(SYMBOL, [trade(19, 2 * MINUTE_US - 1)])
    [opened] = pipeline.open_holes()

    settled = pipeline.settle(SYMBOL, opened, State.NEVER_EXISTED, {})

    windows = [
        [(each.window.start_us - START_US, each.window.end_us - START_US) for each in batch.rebuilds]
        for batch in (recovered, settled)
    ]
    assert windows == [[(MINUTE_US, 2 * MINUTE_US)], [(0, 2 * MINUTE_US)]]
    assert settled.marks[SYMBOL].since_us == START_US + 26


def test_ids_behind_the_last_candle_that_are_not_stored_are_a_hole_after_a_restart():
    before = Pipeline([SYMBOL])
    stored = before.take([trade(1, -1), trade(2, 5), trade(3, MINUTE_US)])
    after = Pipeline([SYMBOL])
    kept = [trade(6, MINUTE_US + 30)]

    point = Resume(6, START_US + MINUTE_US + 30, stored.marks[SYMBOL].since_us, stored.candles[-1], trades=kept)
    batch = after.resume(SYMBOL, point)

    assert [(hole.first_id, hole.last_id, hole.cause) for hole in batch.holes] == [(3, 5, Cause.CRASH)]


def test_without_ids_a_page_that_ends_before_the_hole_does_proves_nothing():
    symbol = "BYBIT:BTC-USDT"
    pipeline = Pipeline([symbol], provable=False)
    first = [trade(number, at, symbol=symbol) for number, at in ((50, 0), (7, 10))]
    pipeline.take(first)
    pipeline.interrupt()
    pipeline.take([trade(99, 1000, symbol=symbol)])

    early = pipeline.recover(symbol, [*first, trade(3, 500, symbol=symbol)])
    late = pipeline.recover(symbol, [*first, trade(3, 500, symbol=symbol), trade(99, 1000, symbol=symbol)])

    assert (early.trades, early.progress) == ([], [])
    assert [each.trade_id for each in late.trades] == [3]
    assert [(step.state, step.recovered) for step in late.progress] == [(State.FILLED, 1)]


def test_a_symbol_goes_on_behind_what_is_stored():
    trades = [trade(number, number * 9_000_000, 100.0 + number) for number in range(1, 40)]
    straight = Pipeline([SYMBOL])
    expected = straight.take(trades).candles
    before = Pipeline([SYMBOL])
    stored = before.take(trades[:25])

    after = Pipeline([SYMBOL])
    last = stored.candles[-1]
    behind = [each for each in stored.trades if each.timestamp_us >= last.timestamp_us]
    again = after.resume(SYMBOL, Resume(25, trades[24].timestamp_us, stored.marks[SYMBOL].since_us, last, trades=behind))
    rest = after.take(trades[20:])

    assert again.trades == again.holes == again.candles == []
    assert len(rest.duplicates) == 5
    assert stored.candles + rest.candles == expected


def test_what_was_missed_while_stopped_is_a_hole_of_the_crash():
    pipeline = Pipeline([SYMBOL])
    pipeline.resume(SYMBOL, Resume(2, START_US + 10, trades=[trade(1, 0), trade(2, 10)]))

    batch = pipeline.take([trade(5, MINUTE_US + 1)])

    assert [(hole.first_id, hole.last_id, hole.cause) for hole in batch.holes] == [(3, 4, Cause.CRASH)]


def test_without_stored_trades_the_forming_minute_is_not_complete_after_a_restart():
    first = Pipeline([SYMBOL])
    stored = first.take([trade(1, -1), trade(2, 0), trade(3, MINUTE_US), trade(4, MINUTE_US + 5)])
    after = Pipeline([SYMBOL])

    since_us = stored.marks[SYMBOL].since_us
    again = after.resume(SYMBOL, Resume(4, START_US + MINUTE_US + 5, since_us, stored.candles[-1], trades=None))
    batch = after.take([trade(5, MINUTE_US + 9), trade(6, 2 * MINUTE_US), trade(7, 3 * MINUTE_US)])

    assert stored.candles[-1].complete is True
    assert [(hole.first_id, hole.last_id, hole.cause) for hole in again.holes] == [(3, 4, Cause.CRASH)]
    assert batch.holes == []
    assert [candle.complete for candle in batch.candles] == [False, True]


def test_stored_minutes_without_trades_are_revised_by_a_hole_found_after_the_restart():
    before = Pipeline([SYMBOL])
    stored = before.take([trade(1, -1), trade(2, 5), trade(3, 6)])
    before.prove(SYMBOL, START_US + 3 * MINUTE_US)
    closed = before.close_until(START_US + 3 * MINUTE_US, 0.0).candles
    after = Pipeline([SYMBOL])
    after.resume(SYMBOL, Resume(3, START_US + 6, stored.marks[SYMBOL].since_us, closed[0], closed[1:]))

    batch = after.take([trade(9, 4 * MINUTE_US)])

    assert stored.holes == []
    assert [(candle.timestamp_us - START_US, candle.complete, candle.revision) for candle in batch.candles] == [
        (MINUTE_US, False, 1),
        (2 * MINUTE_US, False, 1),
        (3 * MINUTE_US, False, 1),
    ]


def test_stored_trades_whose_times_go_back_make_no_false_hole():
    trades = [trade(1, -1), trade(2, 10), trade(4, MINUTE_US - 1), trade(3, MINUTE_US), trade(5, MINUTE_US + 1)]
    straight = Pipeline([SYMBOL])
    closed = straight.take(sorted(trades, key=lambda each: each.trade_id)).candles
    newest = {candle.timestamp_us: candle for candle in closed}
    after = Pipeline([SYMBOL])

    again = after.resume(SYMBOL, Resume(5, START_US + MINUTE_US + 1, START_US - 1, newest[START_US + MINUTE_US], trades=trades))

    assert again.holes == []
    assert after.take([trade(6, MINUTE_US + 2)]).holes == []


@given(trade_runs(), st.lists(st.integers(1, 20), min_size=1, max_size=10))
def test_however_trades_are_cut_into_frames_the_candles_are_the_same(trades: list[Trade], sizes: list[int]):
    builder = CandleBuilder(SYMBOL)
    expected = [candle for each in trades for candle in builder.add(each)]
    pipeline = Pipeline([SYMBOL])

    candles, start = [], 0
    while start < len(trades):
        size = sizes[start % len(sizes)]
        candles += pipeline.take(trades[start : start + size]).candles
        start += size

    assert candles == expected
    assert pipeline.lanes[SYMBOL].builder.forming() == builder.forming()


@given(trade_runs(max_size=40), st.randoms(use_true_random=False))
def test_lost_and_doubled_trades_never_make_a_complete_candle_that_is_wrong(trades: list[Trade], random):
    truth = {candle.timestamp_us: candle for candle in _candles(trades)}
    received = [each for each in trades for _ in range(random.choice([0, 1, 1, 1, 2]))]
    pipeline = Pipeline([SYMBOL])

    batch = pipeline.take(received)

    newest = {candle.timestamp_us: candle for candle in batch.candles}
    for label, candle in newest.items():
        if candle.complete:
            assert (candle.volume, candle.trades, candle.open, candle.close) == (
                truth[label].volume,
                truth[label].trades,
                truth[label].open,
                truth[label].close,
            )
    missing = {each.trade_id for each in trades} - {each.trade_id for each in received}
    noted = {number for hole in batch.holes for number in range(hole.first_id, hole.last_id + 1)}
    seen = [each.trade_id for each in received]
    if seen:
        assert {number for number in missing if min(seen) < number < max(seen)} == noted


def _candles(trades: list[Trade]):
    builder = CandleBuilder(SYMBOL)
    return [candle for each in trades for candle in builder.add(each)] + [builder.forming()]


def test_a_piece_of_a_long_hole_makes_only_its_own_minutes_anew():
    day = 1440
    pipeline = Pipeline([SYMBOL])
    pipeline.take([trade(1, 0), trade(2, 10), trade(1000, 9 * day * MINUTE_US), trade(1001, 9 * day * MINUTE_US + 1)])
    pipeline.take([trade(1002 + number, (9 * day + 1 + number) * MINUTE_US) for number in range(2 * day)])

    first = pipeline.recover(SYMBOL, [trade(3, MINUTE_US + 5), trade(4, 3 * MINUTE_US + 5)])
    middle = pipeline.recover(SYMBOL, [trade(500, 4000 * MINUTE_US + 5)])

    windows = [each.window for batch in (first, middle) for each in batch.rebuilds]
    assert [((each.start_us - START_US) // MINUTE_US, (each.end_us - START_US) // MINUTE_US) for each in windows] == [
        (0, 4),
        (4000, 4001),
    ]
