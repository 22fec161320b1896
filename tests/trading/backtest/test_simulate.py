"""The kernel does what the broker does, to the last bit, whatever the bars, the rules and the wishes."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trading.markets import by_broker, listings, market_from, plain_rules, random_market, random_scales, random_targets, rules
from trading.backtest.simulate import simulate, summarise
from trading.broker import Broker
from trading.fills import Reason
from trading.rules import Listing, Rules, Sizing


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rules(),
    listings(),
    st.integers(0, 2**32 - 1),
    st.integers(2, 100),
    st.floats(0.05, 1),
    st.sampled_from([0.0, 0.2, 0.5]),
    st.booleans(),
)
def test_the_kernel_is_the_broker(rules, listings, seed, bars, busy, quiet, holes):
    market = random_market(seed, bars, len(listings), quiet=quiet, missing=0.1 if holes else 0.0)
    targets = random_targets(seed, market, busy)
    scales = random_scales(seed, targets) if rules.sizing is Sizing.VOLATILITY else None
    broker = Broker(rules, listings, 10_000.0)

    expected = by_broker(market, targets, broker, scales)
    found = simulate(market, targets, rules, listings=listings, scales=scales)

    assert found.fills == tuple(broker.fills)
    assert found.equity.tolist() == expected
    assert (found.sums.both, found.sums.refused, found.sums.bars) == (broker.both, broker.refused, bars)
    assert (found.sums.equity, found.sums.fills) == (expected[-1], len(broker.fills))


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    plain_rules(), listings(), st.integers(0, 2**32 - 1), st.integers(2, 100), st.floats(0.05, 1), st.sampled_from([0.0, 0.2, 0.5])
)
def test_the_short_way_of_the_kernel_is_the_broker(rules, listings, seed, bars, busy, quiet):
    market = random_market(seed, bars, 1, quiet=quiet)
    targets, broker = random_targets(seed, market, busy), Broker(rules, listings[:1], 10_000.0)

    expected = by_broker(market, targets, broker)
    found = simulate(market, targets, rules, listings=listings[:1])

    assert found.fills == tuple(broker.fills)
    assert found.equity.tolist() == expected
    assert summarise(market, targets, rules, listings=listings[:1]) == found.sums
    assert (found.sums.refused, found.sums.bars, found.sums.fees) == (broker.refused, bars, sum(fill.fee for fill in broker.fills))


def test_more_fills_than_there_was_room_for_are_all_returned():
    bars = 5_000
    market = market_from([(100.0, 101.0, 99.0, 100.0, 10.0)] * bars)
    targets = np.resize([1.0, 0.0], (bars, 1))

    found = simulate(market, targets, Rules(taker_fee=0.0))

    assert len(found.fills) == bars - 1
    assert (found.sums.trips, found.equity[-1]) == ((bars - 1) // 2, 10_000.0)


def test_nothing_is_held_over_a_hole_and_its_jump_gains_nothing():
    calm, far = (100.0, 100.0, 100.0, 100.0, 10.0), (300.0, 300.0, 300.0, 300.0, 10.0)
    market = market_from([calm, calm, calm, None, far, far, far])
    targets = np.array([[1.0]] * 7)

    found = simulate(market, targets, Rules(taker_fee=0.0))

    assert [(fill.bar, fill.reason, fill.price) for fill in found.fills] == [
        (1, Reason.ENTRY, 100.0), (2, Reason.HOLE, 100.0), (5, Reason.ENTRY, 300.0),
    ]  # fmt: skip
    assert set(found.equity.tolist()) == {10_000.0}


def test_what_a_hole_ended_is_not_inside_any_more():
    calm = (100.0, 100.0, 100.0, 100.0, 10.0)
    market = market_from([calm, calm, calm, None, calm, calm])

    found = simulate(market, np.array([[1.0], [1.0], [0.0], [0.0], [0.0], [0.0]]), Rules(taker_fee=0.0))

    assert [fill.reason for fill in found.fills] == [Reason.ENTRY, Reason.HOLE]
    assert found.sums.inside == 1


@pytest.mark.parametrize(
    ("rules", "volume"),
    [(Rules(), 10.0), (Rules(stop_loss=0.1), 10.0), (Rules(volume_share=1.0), 1e-13)],
    ids=["plain", "long way", "hardly any volume"],
)
def test_what_would_be_dust_is_not_bought(rules, volume):
    market, balance = market_from([(100.0, 100.0, 100.0, 100.0, volume)] * 4), 10_000.0 if volume < 1.0 else 1e-11
    targets, broker = np.array([[1.0], [0.0], [1.0], [0.0]]), Broker(rules, [Listing()], balance)

    expected = by_broker(market, targets, broker)
    found = simulate(market, targets, rules, balance=balance)

    assert (found.fills, found.sums.trips, found.equity.tolist()) == ((), 0, [balance] * 4)
    assert (broker.fills, broker.refused, expected) == ([], found.sums.refused, [balance] * 4)


def test_sums_are_those_of_the_returns_and_the_deepest_fall():
    # 100 held from the first close on: 10,000, then 11,000, 9,900 and 12,100: returns 10 %, -10 %, 2 / 9.
    bars = [(price, price, price, price, 10.0) for price in (100.0, 100.0, 110.0, 99.0, 121.0)]
    sums = summarise(market_from(bars), np.ones((5, 1)), Rules(taker_fee=0.0))

    returns = np.array([0.1, -0.1, 2.0 / 9.0])
    assert [sums.first, sums.second, sums.third, sums.fourth] == pytest.approx([(returns**n).sum() for n in (1, 2, 3, 4)])
    assert (sums.below, sums.drawdown, sums.inside, sums.equity) == pytest.approx((0.01, 0.1, 4, 12_100.0))


@pytest.mark.parametrize("rules", [Rules(short=True), Rules(short=True, time_exit=100)])
def test_an_account_that_lost_everything_is_over(rules):
    bars = [(price, price, price, price, 10.0) for price in (10.0, 10.0, 30.0, 25.0, 5.0, 5.0)]
    market, broker = market_from(bars), Broker(rules, [Listing()], 10_000.0)
    targets = np.array([[-1.0], [-1.0], [-1.0], [1.0], [-1.0], [1.0]])

    expected, found = by_broker(market, targets, broker), simulate(market, targets, rules)

    assert found.equity.tolist() == expected
    assert [fill.bar for fill in found.fills] == [fill.bar for fill in broker.fills] == [1, 3]
    assert found.sums.refused == 0


def test_symbols_share_the_cash():
    bar = (100.0, 100.0, 100.0, 100.0, 1e6)
    market = market_from([bar] * 4, [bar] * 4)
    targets = np.array([[1.0, 1.0]] * 4)

    found = simulate(market, targets, Rules(taker_fee=0.0, size=0.6), listings=[Listing(lot=1.0)] * 2)

    assert [(fill.symbol, fill.size) for fill in found.fills] == [(0, 60.0), (1, 40.0)]
    assert found.sums.refused == 0


@pytest.mark.parametrize("wanted", [np.nan, 0.0])
def test_who_wants_nothing_keeps_the_balance(wanted):
    market = random_market(1, 50, 2)
    found = simulate(market, np.full((50, 2), wanted), Rules())

    assert (found.fills, set(found.equity.tolist()), found.sums.inside) == ((), {10_000.0}, 0)
