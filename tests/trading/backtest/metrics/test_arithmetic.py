"""NaN where a figure is not defined, and nowhere an infinity."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.backtest.metrics.arithmetic import compound, ratio, varied, years


@given(st.floats(), st.floats())
def test_a_ratio_is_never_infinite(upper: float, lower: float):
    assert not np.isinf(ratio(upper, lower))


def test_a_ratio_without_a_denominator_is_not_defined_and_the_others_are():
    np.testing.assert_array_equal(ratio(np.array([1.0, 0.0, 6.0]), np.array([0.0, 0.0, 3.0])), [np.nan, np.nan, 2.0])


def test_growth_compounds():
    assert compound(1.1, 2) == pytest.approx(0.21, rel=1e-12)


@pytest.mark.parametrize("growth", [0.0, -0.5])
def test_where_nothing_is_left_all_is_lost(growth: float):
    assert compound(growth, 2) == -1


def test_growth_beyond_what_floats_hold_is_not_defined():
    assert np.isnan(compound(2.0, 10_000))


def test_rounding_is_no_variance():
    assert varied(1e-33, 1e-6) == 0
    assert varied(1e-9, 1e-6) == 1e-9


def test_a_year_of_minutes_is_a_year():
    assert years(525_600 * 60) == 1
