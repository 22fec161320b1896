"""What is missing, what the venues answered, conflicts, and how far each backfill came; on both kinds of server."""

from collections.abc import Iterable
from itertools import count, pairwise

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from db.repositories.backfills import Conflict, Quiet
from market.candle import Origin
from market.timeframe import Timeframe
from market.window import Window
from tests.db.candles import MINUTE_US, START_US, SYMBOL, candle

pytestmark = pytest.mark.postgres
M1 = Timeframe.M1


def at(minute: int) -> int:
    return START_US + minute * MINUTE_US


def window(start: int, end: int) -> Window:
    return Window(at(start), at(end))


def store(database, closes: Iterable[int]) -> None:
    database.market_data.upsert_candles([candle(minute, origin=Origin.EXCHANGE) for minute in closes])


def test_of_an_empty_store_the_whole_window_is_missing(database):
    assert database.backfills.missing(SYMBOL, M1, window(0, 10)) == [window(0, 10)]


def test_what_is_stored_is_not_missing_whatever_its_origin(database):
    database.market_data.upsert_candles([candle(2), candle(3, origin=Origin.EXCHANGE), candle(7, complete=False)])

    assert database.backfills.missing(SYMBOL, M1, window(0, 10)) == [window(0, 1), window(3, 6), window(7, 10)]


def test_rows_at_the_borders_of_the_window_count_by_their_span(database):
    store(database, [0, 1, 10, 11])

    assert database.backfills.missing(SYMBOL, M1, window(0, 10)) == [window(1, 9)]


def test_rows_of_other_symbols_and_timeframes_do_not_count(database):
    store(database, range(1, 11))

    assert database.backfills.missing("OKX:ETH-USDT", M1, window(0, 10)) == [window(0, 10)]
    assert database.backfills.missing(SYMBOL, Timeframe.M5, window(1, 11)) == [window(1, 11)]


def test_what_the_venue_answered_is_not_missing_unless_it_is_asked_for_again(database):
    store(database, [5])
    database.backfills.answered(SYMBOL, M1, window(-3, 3))
    database.backfills.answered(SYMBOL, M1, window(8, 20))

    assert database.backfills.missing(SYMBOL, M1, window(0, 10)) == [window(3, 4), window(5, 8)]
    assert database.backfills.missing(SYMBOL, M1, window(0, 10), again=True) == [window(0, 4), window(5, 10)]


def test_spans_that_touch_become_one_and_others_stay(database):
    for start, end in ((0, 5), (10, 15), (20, 25), (5, 10), (24, 30)):
        database.backfills.answered(SYMBOL, M1, window(start, end))

    assert database.backfills.spans(SYMBOL, M1) == [window(0, 15), window(20, 30)]
    assert database.backfills.spans("OKX:ETH-USDT", M1) == []


def test_the_same_span_may_be_noted_again(database):
    for _ in range(2):
        database.backfills.answered(SYMBOL, M1, window(0, 5))
    database.backfills.answered(SYMBOL, M1, window(1, 2))

    assert database.backfills.spans(SYMBOL, M1) == [window(0, 5)]


pairs = st.tuples(st.integers(-5, 45), st.integers(1, 12)).map(lambda pair: (pair[0], pair[0] + pair[1]))


numbers = count(1)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(closes=st.sets(st.integers(-3, 45), max_size=30), answered=st.lists(pairs, max_size=5), again=st.booleans())
def test_missing_is_what_is_neither_stored_nor_answered(plain_database, closes, answered, again):
    symbol = f"OKX:T{next(numbers)}-USDT"
    with plain_database.transaction() as work:
        work.market_data.upsert_candles([replace(candle(minute), symbol=symbol) for minute in closes])
        for start, end in answered:
            work.backfills.answered(symbol, M1, window(start, end))
        found = work.backfills.missing(symbol, M1, window(0, 40), again=again)
        spans = work.backfills.spans(symbol, M1)

    known = set(closes) | (set() if again else {close for start, end in answered for close in range(start + 1, end + 1)})
    minutes = [close for each in found for close in range(each.start_us // MINUTE_US + 1, each.end_us // MINUTE_US + 1)]
    assert minutes == [at(close) // MINUTE_US for close in range(1, 41) if close not in known]
    assert all(first.end_us < second.start_us for first, second in pairwise(found))
    assert all(first.end_us < second.start_us for first, second in pairwise(spans))


@pytest.fixture
def plain_database(plain_engine):
    from db.operations import DatabaseOperations

    return DatabaseOperations(plain_engine)


def test_holes_are_quiet_where_the_venue_answered_and_has_candles_on_both_sides(database):
    store(database, [1, 5, 6, 9, 12])
    database.backfills.answered(SYMBOL, M1, window(0, 9))

    assert database.backfills.quiet(SYMBOL, M1, window(0, 20)) == [
        Quiet(before_us=at(1), behind_us=at(5), price=2.0), Quiet(before_us=at(6), behind_us=at(9), price=2.0)
    ]  # fmt: skip


def test_a_hole_that_reaches_over_the_border_of_the_window_is_quiet_too(database):
    store(database, [1, 9])
    database.backfills.answered(SYMBOL, M1, window(0, 9))

    for start, end in ((5, 20), (0, 5), (4, 6)):
        assert database.backfills.quiet(SYMBOL, M1, window(start, end)) == [Quiet(before_us=at(1), behind_us=at(9), price=2.0)]
    assert database.backfills.quiet(SYMBOL, M1, window(9, 20)) == []


def test_a_hole_of_which_a_part_was_not_answered_is_not_quiet(database):
    store(database, [1, 9])
    database.backfills.answered(SYMBOL, M1, window(0, 4))
    database.backfills.answered(SYMBOL, M1, window(5, 9))

    assert database.backfills.quiet(SYMBOL, M1, window(0, 20)) == []


def conflict(minute: int, close: float) -> Conflict:
    ours = {"open": 2.0, "high": 3.0, "low": 1.0, "close": 2.0, "volume": 0.5}
    return Conflict(symbol=SYMBOL, timeframe=M1, timestamp_us=at(minute), ours=ours, theirs=ours | {"close": close})


def test_of_a_conflict_that_is_noted_twice_the_newer_word_counts(database):
    database.backfills.note_conflicts([])
    database.backfills.note_conflicts([conflict(1, 2.5), conflict(2, 2.5)])
    database.backfills.note_conflicts([conflict(2, 2.75)])

    assert database.backfills.conflicts(SYMBOL) == [conflict(1, 2.5), conflict(2, 2.75)]
    assert database.backfills.conflicts(SYMBOL, at(2), at(2)) == [conflict(2, 2.75)]
    assert database.backfills.conflicts("OKX:ETH-USDT") == []
    assert database.backfills.conflicts() == [conflict(1, 2.5), conflict(2, 2.75)]
    assert database.backfills.conflicts(newest=1) == [conflict(2, 2.75)]


def test_a_backfill_is_listed_with_what_it_did(database):
    number = database.backfills.begin(SYMBOL, M1, "candles", window(0, 10), 10)
    database.backfills.advance(number, fetched=4, stored=3, requests=1)
    database.backfills.advance(number, fetched=6, stored=6, requests=3, conflicts=1)
    database.backfills.advance(number, requests=2)  # a page that was asked for before, and stored later
    database.backfills.end(number, "failed", "OKX refused")

    [found] = database.backfills.list()
    assert (found.id, found.symbol, found.timeframe, found.source) == (number, SYMBOL, "1m", "candles")
    assert (found.start_us, found.end_us) == (at(0), at(10))
    assert (found.wanted, found.fetched, found.stored, found.requests, found.conflicts) == (10, 10, 9, 3, 1)
    assert (found.state, found.error) == ("failed", "OKX refused")


def test_the_newest_backfills_are_listed_in_their_order(database):
    numbers = [database.backfills.begin(symbol, M1, "candles", window(0, 1), 1) for symbol in (SYMBOL, "OKX:ETH-USDT", SYMBOL)]

    assert [each.id for each in database.backfills.list(newest=2)] == numbers[1:]
    assert [each.id for each in database.backfills.list(SYMBOL)] == [numbers[0], numbers[2]]


@pytest.mark.parametrize(("silent", "state"), [(29, "running"), (31, "interrupted")])
def test_a_running_one_that_is_silent_for_half_a_minute_is_interrupted(database, engine, silent, state):
    number = database.backfills.begin(SYMBOL, M1, "candles", window(0, 1), 1)
    with engine.begin() as connection:
        connection.execute(sa.text(f"update backfills set updated_at = now() - interval '{silent} seconds'"))

    assert database.backfills.list()[0].state == state
    database.backfills.advance(number)
    assert database.backfills.list()[0].state == "running"


def test_who_begins_after_another_knows_that_it_is_gone(database):
    database.backfills.begin(SYMBOL, M1, "trades", window(0, 1), 1)
    database.backfills.begin(SYMBOL, Timeframe.H1, "candles", window(0, 1), 1)
    database.backfills.begin(SYMBOL, M1, "candles", window(0, 1), 1)

    assert [each.state for each in database.backfills.list()] == ["interrupted", "running", "running"]


def test_the_begin_of_a_tape_moves_back_and_never_forward(database):
    database.watermarks.set(SYMBOL, 7, at(9), at(5))
    for minute in (3, 8):
        database.backfills.begin_tape(SYMBOL, at(minute))

    assert database.watermarks.get(SYMBOL).since_us == at(3)
    assert database.watermarks.get(SYMBOL).trade_id == 7
