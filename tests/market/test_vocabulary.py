"""Symbols, timeframes, times, windows and id sequences."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.clock import from_datetime, isoformat, parse_time, to_datetime
from market.continuity import IdHole, IdSequence, Standing
from market.errors import SymbolError, TimeError, TimeframeError
from market.symbol import Symbol, full_symbol
from market.timeframe import Timeframe, parse_timeframe
from market.window import Window, united


@pytest.mark.parametrize("text", ["OKX:BTC-USDT", "BINANCE:1000SHIB-USDT", "BYBIT:BTC-USDT-SWAP", "BINANCE:币安人生-USDT"])
def test_a_symbol_keeps_its_one_spelling(text: str):
    assert str(Symbol.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "BTC-USDT", "OKX:BTCUSDT", "okx:btc-usdt", "OKX:BTC-", "OKX:-USDT", "OKX:BTC-USDT\n", "OKX:B TC-USDT"]
)
def test_what_is_no_symbol_is_refused_with_an_example(text: str):
    with pytest.raises(SymbolError, match=r"is not EXCHANGE:BASE-QUOTE in upper case, for example OKX:BTC-USDT"):
        Symbol.parse(text)


def test_a_pair_gets_the_venue_it_is_asked_of():
    assert full_symbol("okx", "btc-usdt") == "OKX:BTC-USDT"
    with pytest.raises(SymbolError):
        full_symbol("OKX", "BINANCE:BTC-USDT")


def test_every_timeframe_of_the_design_is_known():
    assert " ".join(Timeframe) == "1s 5s 15s 30s 1m 5m 15m 30m 1h 4h 12h 1d 1w"


def test_an_unknown_timeframe_gets_a_suggestion():
    with pytest.raises(TimeframeError, match=r"timeframe '7m' is not one of 1s, .*; did you mean '"):
        parse_timeframe("7m")


@given(st.sampled_from(Timeframe), st.integers(0, 4_102_444_800_000_000))
def test_a_moment_lies_in_its_span(timeframe: Timeframe, moment: int):
    assert timeframe.open_of(moment) <= moment < timeframe.close_of(moment)
    assert timeframe.is_close(timeframe.close_of(moment))


def test_spans_begin_where_the_calendar_says():
    monday = from_datetime(datetime(2024, 8, 12, tzinfo=UTC))

    assert Timeframe.W1.open_of(monday) == monday
    assert Timeframe.W1.close_of(monday - 1) == monday
    assert Timeframe.D1.open_of(monday) == monday
    assert Timeframe.H4.open_of(monday + 1) == monday


def test_times_are_read_as_utc():
    expected = from_datetime(datetime(2024, 8, 9, tzinfo=UTC))

    assert {parse_time(text) for text in ("2024-08-09", "2024-08-09T00:00:00Z", "2024-08-09 02:00+02:00", "1723161600")} == {
        expected
    }
    assert isoformat(expected) == "2024-08-09T00:00:00Z"
    assert from_datetime(to_datetime(expected + 1)) == expected + 1


@pytest.mark.parametrize("text", ["", "yesterday", "2024-13-01", "12", "9" * 400, "0001-01-01T00:00+05:00"])
def test_what_is_no_time_is_refused(text: str):
    with pytest.raises(TimeError, match=r"UTC is assumed$"):
        parse_time(text)


@pytest.mark.parametrize(
    ("text", "unit"),
    [("1700000000000", "milli"), (" 1700000000000.5", "milli"), ("1700000000000000", "micro"), ("17" + "0" * 17, "nano")],
)
def test_epoch_time_in_a_smaller_unit_is_refused_with_the_seconds_that_are_meant(text: str, unit: str):
    with pytest.raises(TimeError, match=f"is not ISO 8601 .*; it looks like {unit}seconds, did you mean '1700000000'\\?$"):
        parse_time(text)


def test_a_window_is_half_open_and_splits_without_rest():
    window = Window(0, 25)

    assert 0 in window
    assert 25 not in window
    assert list(window.split(10)) == [Window(0, 10), Window(10, 20), Window(20, 25)]


def test_windows_that_touch_are_united():
    windows = [Window(7, 9), Window(0, 3), Window(2, 5), Window(5, 6), Window(8, 8), Window(20, 25)]

    assert united(windows) == [Window(0, 6), Window(7, 9), Window(20, 25)]
    assert united([]) == []
    assert not Window(0, 10).overlaps(Window(10, 20))
    with pytest.raises(ValueError, match="cannot end"):
        Window(1, 0)


def test_ids_have_the_standing_that_their_order_gives():
    ids = IdSequence()
    seen = [ids.standing(5, 5)]
    ids.take(5, 5, 100)
    seen.append(ids.standing(6, 8))
    ids.take(6, 8, 200)
    seen += [ids.standing(8, 8), ids.standing(7, 7), ids.standing(12, 12)]
    hole = ids.take(12, 12, 300)
    seen += [ids.standing(10, 10), ids.standing(12, 12)]

    assert seen == [
        Standing.FIRST,
        Standing.NEXT,
        Standing.DUPLICATE,
        Standing.DUPLICATE,
        Standing.AFTER_HOLE,
        Standing.LATE,
        Standing.DUPLICATE,
    ]
    assert (hole.first_id, hole.last_id, hole.start_us, hole.end_us, hole.missing) == (9, 11, 200, 300, [(9, 11)])


def test_a_hole_is_filled_from_the_middle_and_then_whole():
    ids = IdSequence()
    ids.take(1, 1, 0)
    hole = ids.take(5, 5, 9)

    assert hole.fill(3, 3) == 1
    assert hole.missing == [(2, 2), (4, 4)]
    assert hole.fill(1, 3) == 1
    assert ids.standing(4, 4) is Standing.LATE
    assert ids.standing(3, 3) is Standing.DUPLICATE
    assert hole.fill(4, 9) == 1
    assert (hole.missing, hole.recovered) == ([], 3)
    ids.close(hole)
    assert ids.holes == []


def test_merged_fills_of_which_some_were_seen_are_told_apart():
    ids = IdSequence()
    ids.take(4, 4, 0)
    ids.take(9, 9, 9)

    assert ids.standing(5, 8) is Standing.LATE
    assert ids.standing(3, 6) is Standing.OVERLAP
    assert ids.standing(8, 9) is Standing.OVERLAP
    assert ids.standing(9, 12) is Standing.OVERLAP


def test_a_hole_is_found_among_many_by_its_ids():
    ids = IdSequence()
    ids.take(0, 0, 0)
    for number in range(10, 1000, 10):
        ids.take(number, number, number)

    assert [hole.first_id for hole in ids.touched(35, 51)] == [31, 41, 51]
    assert ids.touched(30, 30) == []


def test_a_hole_that_is_taken_up_again_lacks_nothing_that_another_one_lacks():
    ids = IdSequence()
    ids.take(0, 0, 0)
    first, second = ids.take(10, 10, 10), ids.take(20, 20, 20)
    third = IdHole(5, 25, 0, 30, [(5, 14), (16, 16), (22, 25)])

    others = ids.reopen(third)

    assert (others, third.missing) == ([first, second], [(10, 10), (22, 25)])
    assert ids.holes == [first, third, second]
    assert ids.touched(10, 10) == [third]
    assert ids.touched(9, 11) == [first, third, second]


def test_a_hole_inside_another_one_is_forgotten_alone():
    ids = IdSequence()
    ids.last_id = 50
    inner, outer = IdHole(5, 6, 0, 9, [(5, 6)]), IdHole(1, 9, 0, 9, [(1, 9)])
    ids.reopen(inner)
    ids.reopen(outer)

    ids.close(inner)

    assert (ids.holes, outer.missing) == ([outer], [(1, 4), (7, 9)])
    assert [ids.standing(number, number) is Standing.LATE for number in (4, 5, 6, 7)] == [True, False, False, True]


@given(st.permutations(range(1, 12)))
def test_every_id_is_taken_once_in_any_order(order: list[int]):
    ids = IdSequence()
    ids.take(0, 0, 0)
    taken = []
    for number in [*order, *order]:
        standing = ids.standing(number, number)
        if standing in {Standing.NEXT, Standing.AFTER_HOLE}:
            ids.take(number, number, number)
        elif standing is Standing.LATE:
            (hole,) = ids.touched(number, number)
            hole.fill(number, number)
            if not hole.missing:
                ids.close(hole)
        else:
            continue
        taken.append(number)

    assert taken == order
    assert ids.holes == []
