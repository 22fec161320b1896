import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.timeframe import Timeframe
from tests.trading.markets import market_from
from trading.backtest.volatility import scale_of, volatility_scales
from trading.rules import Rules


@given(st.lists(st.floats(0.5, 2.0), min_size=1, max_size=40), st.integers(2, 10))
def test_the_newest_scale_is_that_of_all_bars_to_the_last_bit(closes, bars):
    rules = Rules(volatility_bars=bars)
    all_of_them = volatility_scales(market_from([(close, close, close, close, 1.0) for close in closes]), rules)[:, 0]

    np.testing.assert_equal(scale_of(np.array(closes), rules, Timeframe.M1), all_of_them[-1])


def test_two_returns_of_ten_percent_up_and_down():
    # returns 0.1 and -0.1: their deviation is sqrt(0.02) = 0.1414, and a year has 525,600 minutes (525,960 of 365.25 days)
    scale = scale_of(np.array([1.0, 1.1, 0.99]), Rules(volatility_bars=2), Timeframe.M1)

    assert scale == pytest.approx(1.0 / (0.02**0.5 * 525_600**0.5), rel=1e-3)


@pytest.mark.parametrize("closes", [[1.0, 2.0], [1.0, 1.0, 1.0]])
def test_it_is_not_known_of_too_few_closes_or_where_nothing_moves(closes):
    assert np.isnan(scale_of(np.array(closes), Rules(volatility_bars=2), Timeframe.M1))
