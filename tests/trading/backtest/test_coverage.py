"""What is known of a window, and where its holes are."""

import pandas as pd
import pytest

from market.clock import parse_time
from market.timeframe import Timeframe
from market.window import Window
from tests.trading.bars import MINUTE, START, bars
from trading.backtest.backtest import Backtest
from trading.backtest.coverage import HolesError, coverage_of, refuse_holes
from trading.registry import Registry
from trading.rules import Rules

START_US = START.value // 1000 - MINUTE  # where the first minute opens
NAME = "OKX:BTC-USDT"


def minute(number: int) -> int:
    return START_US + number * MINUTE


def test_minutes_without_trades_are_no_hole():
    found = coverage_of({NAME: bars([1.0] * 5, volumes=[1, 0, 0, 1, 0])}, Timeframe.M1)[0]

    assert (found.expected, found.present, found.missing, found.without_trades, found.holes) == (5, 5, 0, 3, ())
    assert found.window == Window(minute(0), minute(5))


def test_what_is_missing_and_what_lacks_trades_is_a_hole():
    frame = bars([1.0] * 6, steps=[1, 1, 3, 1, 1, 1]).assign(complete=pd.array([True, True, None, False, True, True], "boolean"))
    found = coverage_of({NAME: frame}, Timeframe.M1)[0]

    assert (found.expected, found.present, found.missing, found.incomplete, found.unproven) == (8, 5, 2, 1, 1)
    assert found.holes == (Window(minute(2), minute(4)), Window(minute(5), minute(6)))
    assert [found.bars(hole) for hole in found.holes] == [2, 1]


def test_what_was_asked_for_and_lies_outside_of_the_candles_is_a_hole():
    frame = bars([1.0] * 4)
    found = coverage_of({NAME: frame}, Timeframe.M1, start_us=minute(-2), end_us=minute(5))[0]

    assert found.holes == (Window(minute(-2), minute(0)), Window(minute(4), minute(5)))
    assert (found.expected, found.present) == (7, 4)


def test_a_window_is_made_of_whole_candles():
    found = coverage_of({NAME: bars([1.0] * 10)}, Timeframe.M1, start_us=minute(2) + 1, end_us=minute(6) - 1)[0]

    assert (found.window, found.expected, found.holes) == (Window(minute(3), minute(5)), 2, ())


def test_a_window_without_any_candle_is_one_hole():
    found = coverage_of({NAME: bars([1.0] * 3)}, Timeframe.M1, start_us=minute(10), end_us=minute(12))[0]

    assert (found.present, found.holes) == (0, (Window(minute(10), minute(12)),))


def test_holes_are_refused_with_where_and_what_to_do():
    whole, broken = bars([1.0] * 6), bars([1.0] * 3, steps=[1, 1, 4])

    refuse_holes(coverage_of({NAME: whole}, Timeframe.M1))
    with pytest.raises(HolesError) as refused:
        refuse_holes(coverage_of({"OKX:ETH-USDT": whole, NAME: broken}, Timeframe.M1))

    assert [each.symbol for each in refused.value.coverage] == [NAME]
    assert str(refused.value) == (
        "OKX:BTC-USDT lacks 3 of 6 candles of 1m: 2024-08-09T00:02:00Z to 2024-08-09T00:05:00Z (3); fetch them with "
        "`tcpdash backfill OKX:BTC-USDT --from 2024-08-09T00:02:00Z --to 2024-08-09T00:05:00Z`, or choose another window; or allow "
        "holes (--allow-holes): nothing is held over one, and trades that touch one are marked"
    )
    assert minute(2) == parse_time("2024-08-09T00:02:00Z")


def test_of_many_holes_the_first_are_told():
    frame = bars([1.0] * 20, steps=2)

    with pytest.raises(HolesError, match=r"and 14 more"):
        refuse_holes(coverage_of({NAME: frame}, Timeframe.M1))


def test_a_symbol_that_ends_before_another_has_a_hole_there_and_one_that_begins_later_has_none():
    whole, early, late = bars([1.0] * 6), bars([1.0] * 4), bars([1.0] * 6).iloc[2:]
    found = coverage_of({NAME: whole, "OKX:ETH-USDT": early, "OKX:XRP-USDT": late}, Timeframe.M1)

    assert [each.holes for each in found] == [(), (Window(minute(4), minute(6)),), ()]


def test_what_is_held_of_a_symbol_that_ends_is_left_there():
    frames = {NAME: bars([1.0] * 6), "OKX:ETH-USDT": bars([1.0, 1.0, 2.0, 3.0])}
    hold = Registry().create("buy_and_hold")
    result = Backtest(hold, Timeframe.M1, rules=Rules(size=0.5, taker_fee=0.0), allow_holes=True).run(frames)

    assert result.trips.touches_hole.tolist() == [True]
    assert [each.symbol for each in result.trips.open] == [0]
    assert (result.trips.closed.left_us.tolist(), result.trips.closed.exit_price.tolist()) == ([minute(4)], [3.0])


def test_a_candle_within_which_the_feed_began_is_before_the_window_and_no_hole():
    frame = bars([1.0] * 4).assign(complete=pd.array([False, True, False, True], "boolean"))

    found = coverage_of({NAME: frame}, Timeframe.M1)[0]
    asked = coverage_of({NAME: frame}, Timeframe.M1, start_us=minute(0))[0]
    nothing = coverage_of({NAME: frame.assign(complete=False)}, Timeframe.M1)[0]

    assert (found.window, found.holes) == (Window(minute(1), minute(4)), (Window(minute(2), minute(3)),))
    assert asked.holes == (Window(minute(0), minute(1)), Window(minute(2), minute(3)))
    assert (nothing.expected, nothing.present, nothing.incomplete) == (4, 0, 4)
