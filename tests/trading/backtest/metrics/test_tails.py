"""The ends of a distribution are those of a whole sort, however they are found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.backtest.metrics.tails import tails_of


def assert_as_sorted(values: np.ndarray) -> None:
    """Compare with numpy's quantiles and a whole sort."""
    tails = tails_of(values)

    np.testing.assert_allclose([tails.low, tails.high], np.quantile(values, [0.05, 0.95]), rtol=1e-12, atol=1e-15)
    lowest = np.sort(values)[: int(0.05 * (len(values) - 1)) + 1]
    assert tails.mean_low == pytest.approx(lowest.mean(), rel=1e-12, abs=1e-15)


@given(st.lists(st.integers(-1_000, 1_000), min_size=1, max_size=200))
def test_the_ends_of_few_values_are_those_of_a_sort(values: list[int]):
    assert_as_sorted(np.array(values) / 1_000)


@given(st.integers(1, 5_000), st.integers(0, 2**32))
def test_the_ends_of_shuffled_values_are_those_of_a_sort(count: int, seed: int):
    assert_as_sorted(np.random.default_rng(seed).permutation(count) / count)


@pytest.mark.parametrize("flat", [0.0, 0.5, 0.97])
def test_the_ends_of_many_values_are_those_of_a_sort(flat: float):
    generator = np.random.default_rng(3)
    values = generator.standard_t(3, 100_000) / 1_000
    values[generator.random(len(values)) < flat] = 0

    assert_as_sorted(values)


@pytest.mark.parametrize("ordered", [1, -1])
def test_the_ends_of_values_in_order_are_those_of_a_sort(ordered: int):
    assert_as_sorted(ordered * np.arange(50_000) / 50_000)


def test_a_guess_that_is_too_low_costs_time_and_nothing_else():
    values = np.random.default_rng(3).normal(0, 1, 61 * 1_000)
    values[::61] = -100 - np.arange(1_000)  # just the values that are looked at for the guess

    assert_as_sorted(values)


def test_the_ends_of_nothing_are_not_defined():
    tails = tails_of(np.empty(0))

    assert np.isnan([tails.low, tails.high, tails.mean_low]).all()
