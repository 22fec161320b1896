"""The venue's clock, the live edge and the waits between attempts: all without a clock of their own."""

import random

import pytest
from hypothesis import given

from market.builder import CandleBuilder
from market.errors import InputError
from market.rollup import roll_up
from market.timeframe import Timeframe
from market.trade import Trade
from streaming.backoff import Backoff
from streaming.edge import LiveEdge
from streaming.venue_clock import VenueClock
from tests.generators import MINUTE_US, SYMBOL, trade_runs

SECOND_US = 1_000_000


def test_frames_of_one_symbol_close_the_quiet_minutes_of_another():
    clock = VenueClock(grace_us=2 * SECOND_US)

    clock.seen(100 * SECOND_US, 5.0)

    assert clock.closable_until(5.0) == 98 * SECOND_US


def test_local_time_alone_closes_nothing():
    clock = VenueClock()
    clock.seen(100 * SECOND_US, 5.0)

    assert clock.closable_until(5_000.0) == 98 * SECOND_US


def test_the_venue_is_asked_when_a_span_looks_over_and_not_more_often_than_agreed():
    clock = VenueClock(grace_us=2 * SECOND_US, ask_every=1.0, settle=1.0)
    clock.seen(100 * SECOND_US, 10.0)

    asked = [now for now in (11.0, 12.0, 12.5, 13.1) if clock.should_ask(100 * SECOND_US, now)]

    assert asked == [12.0, 13.1]


def test_a_silent_venue_is_asked_now_and_then_for_its_clock_may_run_faster_than_ours():
    clock = VenueClock(quiet=5.0)
    clock.seen(100 * SECOND_US, 10.0)

    asked = [now for now in (12.0, 14.9, 15.0, 16.5, 19.9, 20.1) if clock.should_ask(1000 * SECOND_US, now)]

    assert asked == [15.0, 20.1]


def test_an_answer_counts_only_after_the_frames_under_way_had_time_to_arrive():
    clock = VenueClock(grace_us=2 * SECOND_US, settle=1.0)
    clock.seen(100 * SECOND_US, 10.0)
    clock.answered(170 * SECOND_US, 20.0)

    assert clock.closable_until(20.9) == 98 * SECOND_US
    assert clock.closable_until(21.0) == 168 * SECOND_US


def test_times_far_from_all_we_know_are_impossible():
    clock, hour, day = VenueClock(), 3600 * SECOND_US, 86_400 * SECOND_US
    local = 1_767_225_600 * SECOND_US
    before_anything_was_said = [clock.is_possible(moment, local) for moment in (0, local - 6 * day, local + hour, local + hour + 1)]
    clock.seen(local + 10 * day, 0.0)

    assert before_anything_was_said == [False, True, True, False]
    assert clock.is_possible(local + 10 * day + hour, local)
    assert clock.is_possible(local + 11 * day, local + 11 * day), "after a day offline the local clock knows better"


def test_waits_double_to_a_cap_and_start_over_only_after_good_data():
    backoff = Backoff(first=1.0, cap=8.0, good_after=10.0, rng=random.Random(1))

    waits = [backoff.next() for _ in range(5)]
    backoff.good(100.0)
    backoff.good(109.0)
    still_long = backoff.next()
    backoff.good(200.0)
    backoff.good(210.0)

    assert all(low <= wait <= high for wait, (low, high) in zip(waits, [(0.5, 1), (1, 2), (2, 4), (4, 8), (4, 8)], strict=True))
    assert 4.0 <= still_long <= 8.0
    assert backoff.next() <= 1.0


@given(trade_runs(longest_pause_us=20 * MINUTE_US))
def test_the_live_edge_closes_what_rolling_up_all_minutes_closes(trades: list[Trade]):
    builder, edge = CandleBuilder(SYMBOL), LiveEdge([Timeframe.M5, Timeframe.M15, Timeframe.H1])
    minutes, closed = [], []
    for trade in trades:
        done = builder.add(trade)
        minutes += done
        closed += edge.take(done)
    forming = edge.forming(builder.forming())

    for timeframe in (Timeframe.M5, Timeframe.M15, Timeframe.H1):
        expected = roll_up([*minutes, builder.forming()], timeframe)
        found = [candle for candle in closed if candle.timeframe is timeframe]
        numbers = [(c.timestamp_us, c.open, c.high, c.low, c.close, c.trades, c.complete) for c in found]
        assert numbers == [(c.timestamp_us, c.open, c.high, c.low, c.close, c.trades, c.complete) for c in expected[:-1]]
        now = next(candle for candle in forming if candle.timeframe is timeframe)
        assert (now.open, now.high, now.low, now.close, now.trades, now.final) == (
            expected[-1].open,
            expected[-1].high,
            expected[-1].low,
            expected[-1].close,
            expected[-1].trades,
            False,
        )


def test_a_revised_last_minute_publishes_no_wider_candle_made_of_it_alone():
    builder, edge = CandleBuilder(SYMBOL), LiveEdge([Timeframe.M5])
    start = Timeframe.M5.close_of(1_767_225_600 * SECOND_US)
    trades = [Trade(SYMBOL, n, 100.0, 10.0, "buy", start + n * MINUTE_US, 0) for n in range(6)]
    closed = [wide for trade in trades for wide in edge.take(builder.add(trade))]

    revised = builder.heal([Trade(SYMBOL, 99, 90.0, 1.0, "buy", start + 5 * MINUTE_US - 1, 0)]).candles

    assert [candle.volume for candle in closed] == [50.0]
    assert revised[0].revision == 1
    assert edge.take(revised) == []


def test_live_timeframes_that_do_not_fit_into_each_other_are_refused():
    with pytest.raises(InputError, match="narrowest live timeframe is 1m; 5s can be read from stored trades"):
        LiveEdge([Timeframe.S5])
