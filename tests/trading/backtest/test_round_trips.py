"""What was filled becomes round trips, and what is left of them positions that are open."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.timeframe import MINUTE_US
from tests.trading.markets import START_US, listings, market_from, random_market, random_targets, rules
from trading.backtest.round_trips import exposure_of, last_known, trips_of
from trading.backtest.simulate import simulate
from trading.fills import Reason
from trading.rules import FillAt, Rules


def flat(price: float, *, high: float = 0.0, low: float = 0.0) -> tuple[float, float, float, float, float]:
    return price, high or price, low or price, price, 10.0


def fills(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, np.float64).reshape(-1, 6)


def test_a_round_trip_is_reckoned_as_by_hand():
    market = market_from([flat(100.0), flat(100.0, high=130.0, low=90.0), flat(110.0, high=125.0), flat(120.0)])
    table = fills(
        (1, 0, Reason.ENTRY, 100.0, 2.0, 0.2), (2, 0, Reason.ENTRY, 110.0, 2.0, 0.22), (3, 0, Reason.TIME, 120.0, -4.0, 0.48)
    )

    found = trips_of(market, table, Rules())

    trips = found.closed
    assert (trips.side.tolist(), trips.bars.tolist(), trips.size.tolist()) == ([1], [2], [4.0])
    assert (trips.entry_price[0], trips.exit_price[0], trips.value[0]) == (105.0, 120.0, 420.0)
    assert trips.fees[0] == pytest.approx(0.9)
    assert trips.profit[0] == pytest.approx(480.0 - 420.0 - 0.9)
    assert trips.entered_us[0] == START_US + MINUTE_US  # when the second bar opened
    assert trips.left_us[0] == START_US + 3 * MINUTE_US
    assert trips.best[0] == pytest.approx(130.0 / 105.0 - 1.0)
    assert trips.worst[0] == pytest.approx(90.0 / 105.0 - 1.0)
    assert (found.symbol.tolist(), found.touches_hole.tolist(), found.open) == ([0], [False], ())


def test_a_short_trip_wins_when_the_price_falls():
    market = market_from([flat(100.0), flat(100.0), flat(80.0)])
    table = fills((1, 0, Reason.ENTRY, 100.0, -3.0, 0.3), (2, 0, Reason.TAKE_PROFIT, 80.0, 3.0, 0.24))

    trips = trips_of(market, table, Rules(short=True)).closed

    assert (trips.side[0], trips.profit[0]) == (-1, pytest.approx(60.0 - 0.54))
    assert trips.left_us[0] == START_US + 3 * MINUTE_US  # somewhere inside the bar: its close is taken
    assert (trips.best[0], trips.worst[0]) == (pytest.approx(0.2), 0.0)


def test_a_position_that_is_turned_round_is_two_trips():
    market = market_from([flat(100.0)] * 4)
    table = fills(
        (1, 0, Reason.ENTRY, 100.0, 1.0, 0.0), (2, 0, Reason.TARGET_CHANGED, 100.0, -1.0, 0.0),
        (2, 0, Reason.ENTRY, 100.0, -1.0, 0.0), (3, 0, Reason.TARGET_CHANGED, 100.0, 1.0, 0.0),
    )  # fmt: skip

    assert trips_of(market, table, Rules(short=True)).closed.side.tolist() == [1, -1]


def test_what_is_still_held_is_open_and_no_trip():
    market = market_from([flat(100.0), flat(100.0), flat(90.0)])

    found = trips_of(market, fills((1, 0, Reason.ENTRY, 100.0, 2.0, 0.2)), Rules())

    assert len(found.closed) == 0
    assert (found.open[0].size, found.open[0].price, found.open[0].profit) == (2.0, 90.0, pytest.approx(-20.2))


def test_a_trip_that_a_hole_ends_or_that_begins_right_behind_one_touches_it():
    market = market_from([flat(100.0), flat(100.0), None, flat(50.0), flat(50.0), flat(50.0)])
    table = fills(
        (0, 0, Reason.ENTRY, 100.0, 1.0, 0.0), (1, 0, Reason.HOLE, 100.0, -1.0, 0.0),
        (3, 0, Reason.ENTRY, 50.0, 1.0, 0.0), (4, 0, Reason.TARGET_CHANGED, 50.0, -1.0, 0.0),
        (4, 0, Reason.ENTRY, 50.0, 1.0, 0.0), (5, 0, Reason.TARGET_CHANGED, 50.0, -1.0, 0.0),
    )  # fmt: skip

    assert trips_of(market, table, Rules()).touches_hole.tolist() == [True, True, False]


def test_of_a_bar_that_was_entered_inside_only_its_close_is_looked_at():
    market = market_from([flat(100.0), flat(100.0, high=150.0, low=50.0), flat(100.0)])
    table = fills((1, 0, Reason.ENTRY, 100.0, 1.0, 0.0), (2, 0, Reason.TARGET_CHANGED, 100.0, -1.0, 0.0))

    found = trips_of(market, table, Rules(limit_offset=0.01)).closed
    at_close = trips_of(market, table, Rules(fill_at=FillAt.CLOSE)).closed

    assert (found.best[0], found.worst[0], at_close.best[0]) == (0.0, 0.0, 0.0)
    assert found.entered_us[0] == at_close.entered_us[0] == START_US + 2 * MINUTE_US


@settings(max_examples=200)
@given(rules(), listings(), st.integers(0, 2**32 - 1), st.integers(2, 80), st.booleans())
def test_trips_and_open_positions_are_all_that_the_account_won(rules, listings, seed, bars, holes):
    market = random_market(seed, bars, len(listings), missing=0.1 if holes else 0.0)
    found = simulate(market, random_targets(seed, market, 0.5), rules, listings=listings)
    trips = trips_of(market, found.table, rules)

    won = trips.closed.profit.sum() + sum(position.profit for position in trips.open)

    if rules.fill_at is FillAt.NEXT_OPEN:  # what is filled at the last close is paid behind its equity
        assert 10_000.0 + won == pytest.approx(found.sums.equity, rel=1e-9, abs=1e-6)
    held = sum(position.size * position.price for position in trips.open)
    assert 10_000.0 + won == pytest.approx(10_000.0 - (found.table[:, 3] * found.table[:, 4] + found.table[:, 5]).sum() + held)
    assert len(trips.closed) == found.sums.trips
    assert (trips.closed.profit > 0.0).sum() == pytest.approx(found.sums.wins, abs=1)  # a profit of nothing is rounded either way
    assert (trips.closed.best >= 0.0).all()
    assert (trips.closed.worst <= 0.0).all()
    assert (trips.closed.left_us >= trips.closed.entered_us).all()


@settings(max_examples=100)
@given(rules(), st.integers(0, 2**32 - 1), st.integers(2, 80))
def test_exposure_is_what_the_positions_are_worth(rules, seed, bars):
    market = random_market(seed, bars, 2)
    found = simulate(market, random_targets(seed, market, 0.5), rules)
    exposure, cash, sizes = exposure_of(market, found.table, found.equity), 10_000.0, np.zeros(2)

    for bar in range(bars):
        for fill in (fill for fill in found.fills if fill.bar == bar):
            sizes[fill.symbol] += fill.size
            cash -= fill.size * fill.price + fill.fee
        marks = np.array([last_known(market.close[:, number])[bar] for number in range(2)])
        value = found.equity[bar]
        if value > 0.0:
            assert exposure[bar] * value == pytest.approx((sizes * marks).sum(), rel=1e-6, abs=1e-4)


def test_closes_that_are_not_known_are_those_before_and_at_the_begin_the_first():
    closes = np.array([np.nan, 1.0, np.nan, np.nan, 2.0, np.nan])

    assert last_known(closes).tolist() == [1.0, 1.0, 1.0, 1.0, 2.0, 2.0]


def test_what_was_left_of_a_stop_comes_behind_what_was_left_at_the_same_open():
    market = random_market(1, 6, 2)
    table = fills(
        (1, 0, Reason.ENTRY, 100.0, 1.0, 0.0),
        (1, 1, Reason.ENTRY, 100.0, 1.0, 0.0),
        (3, 0, Reason.STOP_LOSS, 90.0, -1.0, 0.0),
        (3, 1, Reason.TARGET_CHANGED, 110.0, -1.0, 0.0),
    )

    found = trips_of(market, table, Rules())

    assert found.symbol.tolist() == [1, 0]
    assert found.closed.profit.tolist() == [10.0, -10.0]
    assert found.closed.left_us.tolist() == [market.closes_us[3] - MINUTE_US, market.closes_us[3]]
