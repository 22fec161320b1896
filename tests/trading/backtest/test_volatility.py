"""How large a position is by volatility depends on so many bars and nothing before them."""

import numpy as np
import pytest

from market.timeframe import Timeframe
from tests.trading.bars import bars, walk
from trading.backtest.market import market_of
from trading.backtest.volatility import runs_of, volatility_scales
from trading.rules import Rules, Sizing

RULES = Rules(sizing=Sizing.VOLATILITY, volatility_bars=3)


def test_a_scale_is_one_by_the_yearly_deviation():
    market = market_of({"": bars([100.0, 101.0, 99.0, 102.0, 103.0])}, Timeframe.M1)
    returns = np.array([101 / 100, 99 / 101, 102 / 99, 103 / 102]) - 1.0

    found = volatility_scales(market, RULES)[:, 0]

    yearly = [returns[start : start + 3].std(ddof=1) * np.sqrt(365 * 24 * 60) for start in range(2)]
    assert np.isnan(found[:3]).all()
    assert found[3:].tolist() == pytest.approx([1 / each for each in yearly])


def test_of_prices_that_do_not_move_nothing_is_known():
    assert np.isnan(volatility_scales(market_of({"": bars([5.0] * 10)}, Timeframe.M1), RULES)).all()


def test_behind_a_hole_it_begins_anew():
    market = market_of({"": walk(40).drop(walk(40).index[20:25])}, Timeframe.M1)

    found = volatility_scales(market, RULES)[:, 0]

    assert np.flatnonzero(np.isnan(found)).tolist() == [0, 1, 2, 20, 21, 22]
    assert [run.tolist() for run in runs_of(market, 0)] == [list(range(20)), list(range(20, 35))]


def test_the_last_bars_alone_decide_to_the_last_bit():
    whole, rules = walk(70_000), Rules(sizing=Sizing.VOLATILITY, volatility_bars=20)
    found = volatility_scales(market_of({"": whole}, Timeframe.M1), rules)[:, 0]

    for end in (21, 500, 65_535, 65_536, 65_537, 65_560, 70_000):
        recent = market_of({"": whole.iloc[end - 21 : end]}, Timeframe.M1)
        assert volatility_scales(recent, rules)[-1, 0] == found[end - 1]
