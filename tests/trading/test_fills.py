"""Fill rules on numbers, each worked out by hand."""

from math import isnan, nan

import pytest

from trading.fills import (
    BOTH,
    NO_EXIT,
    STOP,
    TARGET,
    UNBOUNDED,
    Slippage,
    exit_inside,
    exit_price,
    limit_fill,
    limit_price,
    market_price,
    most_of,
    on_tick,
    share_of,
    whole_lots,
)


@pytest.mark.parametrize(
    ("size", "lot", "whole"),
    [
        (0.3, 0.1, 0.3),
        (0.29, 0.1, 0.2),
        (0.7 + 0.1, 0.1, 0.8),
        (5.0, 2.5, 5.0),
        (1.0, 0.4, 0.8),
        (1e9, 1e-8, 1e9),
        (7.77, 0.0, 7.77),
    ],
)
def test_sizes_are_rounded_down_to_the_lots_that_are_meant(size, lot, whole):
    assert whole_lots(size, lot) == whole


@pytest.mark.parametrize(
    ("price", "tick", "bought", "sold"),
    [(10.1, 0.25, 10.25, 10.0), (0.3, 0.1, 0.3, 0.3), (7.0, 5.0, 10.0, 5.0), (1.0, 0.4, 1.2, 0.8)],
)
def test_prices_on_the_tick_are_never_better(price, tick, bought, sold):
    assert on_tick(price, tick, 1) == pytest.approx(bought, rel=1e-15)
    assert on_tick(price, tick, -1) == pytest.approx(sold, rel=1e-15)


def test_the_market_has_to_come_to_a_limit_at_least_as_far_as_asked_for():
    assert limit_price(101.0, 1, 0.1, 1.0) == 90.0  # 90.9: buys lower
    assert limit_price(101.0, -1, 0.1, 1.0) == 112.0  # 111.1: sells higher


def test_stops_and_targets_of_a_long_position_sell_no_higher_than_their_price():
    assert exit_price(101.0, 1, -0.1, 1.0) == 90.0
    assert exit_price(101.0, 1, 0.1, 1.0) == 111.0


def test_stops_and_targets_of_a_short_position_buy_no_lower_than_their_price():
    assert exit_price(101.0, -1, -0.1, 1.0) == 112.0
    assert exit_price(101.0, -1, 0.1, 1.0) == 91.0


@pytest.mark.parametrize(
    ("side", "open_", "low", "high", "price"),
    [(1, 10.0, 9.0, 11.0, 9.0), (1, 8.0, 8.0, 11.0, 8.0), (-1, 10.0, 9.0, 11.0, 11.0), (-1, 12.0, 9.0, 12.0, 12.0)],
)
def test_a_limit_is_filled_where_it_is_touched_and_at_a_better_open(side, open_, low, high, price):
    assert limit_fill(side, 9.0 if side > 0 else 11.0, open_, low, high) == price


def test_a_limit_that_is_not_touched_is_not_filled():
    assert isnan(limit_fill(1, 9.0, 10.0, 9.01, 11.0))
    assert isnan(limit_fill(-1, 11.0, 10.0, 9.0, 10.99))


@pytest.mark.parametrize(
    ("open_", "high", "low", "found"),
    [
        (10.0, 11.9, 8.1, (NO_EXIT, nan)),
        (10.0, 10.0, 8.0, (STOP, 8.0)),
        (10.0, 12.0, 9.0, (TARGET, 12.0)),
        (10.0, 12.0, 8.0, (BOTH, 8.0)),
        (7.0, 13.0, 6.0, (STOP, 7.0)),
        (13.0, 14.0, 6.0, (TARGET, 13.0)),
    ],
)
def test_a_long_position_is_left_at_its_stop_its_target_or_the_open_behind_them(open_, high, low, found):
    kind, price = exit_inside(1, open_, high, low, 8.0, 12.0)

    assert (kind, price) == pytest.approx(found, nan_ok=True)


@pytest.mark.parametrize(
    ("open_", "high", "low", "found"),
    [
        (10.0, 12.0, 9.0, (STOP, 12.0)),
        (10.0, 11.0, 8.0, (TARGET, 8.0)),
        (10.0, 12.0, 8.0, (BOTH, 12.0)),
        (13.0, 13.0, 7.0, (STOP, 13.0)),
    ],
)
def test_a_short_position_is_left_the_other_way_round(open_, high, low, found):
    assert exit_inside(-1, open_, high, low, 12.0, 8.0) == found


def test_who_has_no_stop_and_no_target_stays():
    assert exit_inside(1, 10.0, 1e9, 1e-9, nan, nan)[0] == NO_EXIT


def test_what_may_be_filled_is_a_share_of_a_volume_that_is_known():
    assert [most_of(40.0, 0.25), most_of(0.0, 0.25)] == [10.0, 0.0]
    assert most_of(40.0, 0.0) == most_of(nan, 0.25) == UNBOUNDED


def test_nobody_is_more_than_the_whole_volume():
    assert [share_of(10.0, 40.0), share_of(100.0, 40.0), share_of(10.0, 0.0), share_of(10.0, nan)] == [0.25, 1.0, 0.0, 0.0]


def test_a_sale_gets_nothing_at_worst():
    assert market_price(1e-9, -1, Slippage.SPREAD, 1.0, 0.0, 0.0) == 0.0
