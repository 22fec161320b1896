"""A warm-up before the window lets the first bar decide, trades nothing, and gives the same in both engines."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.errors import InputError
from market.timeframe import MINUTE_US, Timeframe
from tests.trading.bars import bars, strategies, walk
from tests.trading.markets import frame_of, order_styles, random_market
from trading.backtest.backtest import Backtest, Engine, Result
from trading.backtest.coverage import HolesError
from trading.backtest.document import document
from trading.backtest.sweep.ground import ground_of
from trading.frames import timestamps_us
from trading.registry import Registry
from trading.rules import Rules, Sizing
from trading.strategies import SHIPPED

NAME, OTHER = "OKX:C0-USDT", "OKX:C1-USDT"
CROSS = Registry().create("sma_cross", {"fast": 5, "slow": 20})
STYLES = order_styles()


def after(frame: pd.DataFrame, bars_: int) -> int:
    """Return the close of a bar: a window that begins there begins with the next one."""
    return int(timestamps_us(frame)[bars_ - 1])


def same(one: Result, other: Result) -> None:
    """Hold two results equal, whatever else the tests are called."""
    np.testing.assert_array_equal(one.targets, other.targets)
    np.testing.assert_array_equal(one.outcome.equity, other.outcome.equity)
    np.testing.assert_array_equal(one.outcome.table, other.outcome.table)
    np.testing.assert_equal(one.outcome.sums, other.outcome.sums)
    assert one.market.closes_us.tolist() == other.market.closes_us.tolist()


@cache
def coarse_and_fine(seed: int) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    """Return bars of five minutes of two symbols, and the minutes that they are made of."""
    coarse, fine = {}, {}
    for number, symbol in enumerate((NAME, OTHER)):
        minutes = walk(1_500, seed=10 * seed + number)
        groups = minutes.resample("5min", closed="right", label="right")
        made = groups.agg({"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"})
        coarse[symbol], fine[symbol] = made[groups["open"].count() == 5], minutes
    return coarse, fine


@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=30)
@given(data=st.data(), kind=st.sampled_from(SHIPPED), seed=st.integers(0, 2**32 - 1), missing=st.sampled_from([0.0, 0.1]))
def test_both_engines_give_the_same_behind_a_warm_up(style, data, kind, seed, missing):
    market = random_market(seed, data.draw(st.integers(4, 60)), 2, missing=missing)
    frames = {NAME: frame_of(market, 0), OTHER: frame_of(market, 1)}
    start_us = int(market.closes_us[data.draw(st.integers(0, len(market) - 2))])
    test = Backtest(
        data.draw(strategies(kind)), Timeframe.M1, rules=replace(data.draw(STYLES[style]), volatility_bars=3), allow_holes=True,
        start_us=start_us, warm_up=data.draw(st.integers(1, 50)),
    )  # fmt: skip
    if not any(after(frame, len(frame)) > start_us for frame in frames.values() if len(frame)):
        return

    by_kernel, by_events = (replace(test, engine=engine).run(frames) for engine in Engine)

    same(by_kernel, by_events)
    assert by_kernel.market.closes_us[0] > start_us


@pytest.mark.parametrize("engine", Engine)
@pytest.mark.parametrize("rules", [Rules(), Rules(sizing=Sizing.VOLATILITY, size=0.5), Rules(trailing_stop=0.002, short=True)])
def test_finer_candles_fill_the_same_in_both_engines_behind_a_warm_up(engine, rules):
    coarse, fine = coarse_and_fine(1)
    test = Backtest(
        CROSS, Timeframe.M5, rules=rules, inside=Timeframe.M1, start_us=after(coarse[NAME], 101), warm_up=40, engine=engine
    )

    found = test.run(coarse, finer=fine)

    same(found, replace(test, engine=Engine.EVENTS).run(coarse, finer=fine))
    assert found.finer.apart == len(found.market)
    assert not np.isnan(found.targets[0]).any()
    assert np.isnan(replace(test, warm_up=0).run(coarse, finer=fine).targets[:19]).all()
    assert len(found.outcome.fills) > 10


@given(seed=st.integers(0, 99), begin=st.integers(60, 150), name=st.sampled_from([each.name for each in SHIPPED]))
@settings(max_examples=30)
def test_what_is_wanted_in_the_window_is_what_a_longer_run_wants_there(seed, begin, name):
    frame = frame_of(random_market(seed, 200, 1, quiet=0.1), 0)
    strategy = Registry().create(name)
    test = Backtest(strategy, Timeframe.M1, start_us=after(frame, begin), warm_up=strategy.lookback)

    np.testing.assert_array_equal(
        test.run({NAME: frame}).targets, Backtest(strategy, Timeframe.M1).run({NAME: frame}).targets[begin:]
    )


def test_nothing_is_traded_in_a_warm_up_and_the_first_bar_decides():
    frame = bars([100.0] * 30 + [*range(101, 131)])
    test = Backtest(CROSS, Timeframe.M1, start_us=after(frame, 40), warm_up=20, rules=Rules(taker_fee=0.0))

    found = test.run({NAME: frame})

    assert len(found.market) == found.coverage[0].expected == 20
    assert [(fill.bar, fill.price) for fill in found.outcome.fills] == [(1, found.market.open[1, 0])]


@pytest.mark.parametrize("engine", Engine)
def test_a_hole_in_the_warm_up_only_shortens_it(engine):
    frame = walk(200)
    test = Backtest(CROSS, Timeframe.M1, start_us=after(frame, 100), warm_up=60, engine=engine)

    found = test.run({NAME: frame.drop(frame.index[80:90])})

    assert np.isnan(found.targets[:9, 0]).all()  # ten bars are behind the hole: the twentieth is the tenth of the window
    assert not np.isnan(found.targets[9, 0])
    assert found.coverage[0].holes == ()
    with pytest.raises(HolesError):
        test.run({NAME: frame.drop(frame.index[120:130])})


@pytest.mark.parametrize("engine", Engine)
def test_a_warm_up_that_does_not_touch_the_window_is_not_seen(engine):
    frame = walk(200)
    test = Backtest(CROSS, Timeframe.M1, start_us=after(frame, 100), warm_up=60, engine=engine, allow_holes=True)

    found = test.run({NAME: frame.drop(frame.index[99:101])})

    same(found, replace(test, warm_up=0).run({NAME: frame.drop(frame.index[99:101])}))


def test_bars_before_the_warm_up_change_nothing():
    frame = walk(200)
    test = Backtest(CROSS, Timeframe.M1, start_us=after(frame, 100), warm_up=30)

    assert document(test.run({NAME: frame})) == document(test.run({NAME: frame.iloc[70:]}))


def test_a_warm_up_and_its_candles_are_in_the_name_of_a_run():
    frame = walk(200)
    test = Backtest(CROSS, Timeframe.M1, start_us=after(frame, 100), warm_up=30)
    other = frame.copy()
    other.iloc[80, :4] *= 1.0001

    told, without = document(test.run({NAME: frame})), document(replace(test, warm_up=0).run({NAME: frame}))

    assert told["warm_up"] == 30
    assert "warm_up" not in without
    assert len({told["id"], without["id"], document(test.run({NAME: other}))["id"]}) == 3
    assert document(replace(test, warm_up=0).run({NAME: other}))["id"] == without["id"]


def test_with_a_warm_up_the_window_begins_with_the_first_whole_candle():
    coarse, _ = coarse_and_fine(2)
    test = Backtest(CROSS, Timeframe.M5, start_us=after(coarse[NAME], 100) - MINUTE_US, warm_up=20)

    assert test.run(coarse).market.closes_us[0] == after(coarse[NAME], 101)


def test_a_warm_up_needs_a_begin_and_is_no_negative_number():
    with pytest.raises(InputError, match=r"a warm-up of 20 bars needs to know before which moment; say .* \(--start\)"):
        Backtest(CROSS, Timeframe.M1, warm_up=20)
    with pytest.raises(InputError, match="the warm-up is -1 bars; expected was 0 or more"):
        Backtest(CROSS, Timeframe.M1, start_us=0, warm_up=-1)


def test_a_search_refuses_a_warm_up():
    frame = walk(200)

    with pytest.raises(InputError, match="leave the warm-up of 30 out"):
        ground_of(Backtest(CROSS, Timeframe.M1, start_us=after(frame, 100), warm_up=30), {NAME: frame})
