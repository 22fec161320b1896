"""What a risk-free rate does to ratios, by hand."""

from math import sqrt

import pytest

from tests.trading.backtest.metrics.worked import run_of
from trading.backtest.metrics import measure

# Bars of a year, so that the rate a bar is the rate a year: returns 0.2, -0.1, 0.15 above or below 0.05.
METRICS = measure(run_of(120, 108, 124.2, bar_seconds=365 * 86_400, risk_free=0.05))


def test_the_mean_beyond_the_rate_is_set_beside_the_deviation():
    # Mean 0.25 / 3; distances 0.35 / 3, -0.55 / 3, 0.2 / 3 with squares of 0.465 / 9 in all.
    assert METRICS["sharpe_ratio"] == pytest.approx((0.25 / 3 - 0.05) / sqrt(0.465 / 9 / 2), rel=1e-12)


def test_what_falls_short_of_the_rate_is_downside():
    assert METRICS["downside_deviation"] == pytest.approx(0.15 / sqrt(3), rel=1e-12)
    assert METRICS["sortino_ratio"] == pytest.approx((0.25 / 3 - 0.05) / (0.15 / sqrt(3)), rel=1e-12)


def test_gains_and_misses_are_counted_from_the_rate():
    assert METRICS["omega_ratio"] == pytest.approx((0.15 + 0.1) / 0.15, rel=1e-12)


def test_growth_beyond_the_rate_is_set_beside_the_ulcer_index():
    growth = 1.242 ** (1 / 3) - 1

    assert METRICS["ulcer_performance_index"] == pytest.approx((growth - 0.05) / sqrt(0.1**2 / 3), rel=1e-12)
    assert METRICS["calmar_ratio"] == pytest.approx(growth / 0.1, rel=1e-12)  # by definition not from the rate
