"""The same figures as empyrical where definitions agree, and the difference where they do not."""

from math import sqrt

import empyrical
import numpy as np
import pytest

from tests.trading.backtest.metrics.worked import run_of
from trading.backtest.metrics import measure, sums

YEAR = 365
RISK_FREE = 0.04
RATE = 1.04 ** (1 / YEAR) - 1


@pytest.fixture(scope="module")
def returns() -> np.ndarray:
    """Return daily returns of some three years."""
    return np.random.default_rng(7).normal(8e-4, 0.02, 1_000)


@pytest.fixture(scope="module")
def market(returns: np.ndarray) -> np.ndarray:
    """Return daily returns of a market that has something to do with them; the first is none."""
    moves = 0.4 * returns + np.random.default_rng(8).normal(0, 0.015, len(returns))
    moves[0] = 0
    return moves


@pytest.fixture(scope="module")
def metrics(returns: np.ndarray, market: np.ndarray) -> dict[str, float]:
    """Return our figures of these returns."""
    run = run_of(equity=100 * np.cumprod(1 + returns), close=50 * np.cumprod(1 + market), risk_free=RISK_FREE)
    return measure(run)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("total_return", empyrical.cum_returns_final),
        ("cagr", lambda r: empyrical.cagr(r, annualization=YEAR)),
        ("volatility", lambda r: empyrical.annual_volatility(r, annualization=YEAR)),
        ("sharpe_ratio", lambda r: empyrical.sharpe_ratio(r, risk_free=RATE, annualization=YEAR)),
        ("sortino_ratio", lambda r: empyrical.sortino_ratio(r, required_return=RATE, annualization=YEAR)),
        ("downside_deviation", lambda r: empyrical.downside_risk(r, required_return=RATE, annualization=YEAR)),
        ("omega_ratio", lambda r: empyrical.omega_ratio(r, risk_free=RATE, annualization=YEAR)),
        ("calmar_ratio", lambda r: empyrical.calmar_ratio(r, annualization=YEAR)),
        ("tail_ratio", empyrical.tail_ratio),
        ("value_at_risk", empyrical.value_at_risk),
        ("expected_shortfall", empyrical.conditional_value_at_risk),
    ],
)
def test_a_figure_of_the_returns_agrees(name: str, theirs, metrics: dict[str, float], returns: np.ndarray):
    assert metrics[name] == pytest.approx(theirs(returns), rel=1e-9)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("alpha", lambda r, b: empyrical.alpha_aligned(r, b, risk_free=RATE, annualization=YEAR)),
        ("beta", lambda r, b: empyrical.beta_aligned(r, b, risk_free=RATE)),
    ],
)
def test_a_figure_beside_the_market_agrees_from_the_second_bar_on(name, theirs, metrics, returns, market):
    assert metrics[name] == pytest.approx(theirs(returns[1:], market[1:]), rel=1e-9)


def test_the_information_ratio_is_their_excess_sharpe_annualised(metrics, returns, market):
    assert metrics["information_ratio"] == pytest.approx(empyrical.excess_sharpe(returns[1:], market[1:]) * sqrt(YEAR), rel=1e-9)


def test_our_drawdown_is_a_depth_and_theirs_a_return(metrics, returns):
    assert metrics["max_drawdown"] == pytest.approx(-empyrical.max_drawdown(returns), rel=1e-9)


def test_our_year_has_365_days_and_theirs_252(metrics, returns):
    assert metrics["volatility"] == pytest.approx(empyrical.annual_volatility(returns) * sqrt(365 / 252), rel=1e-9)


def test_a_ratio_without_downside_is_not_defined_here_and_infinite_there():
    rising = np.array([0.01, 0.02, 0.03])

    assert np.isnan(measure(run_of(equity=100 * np.cumprod(1 + rising)))["sortino_ratio"])
    assert np.isinf(empyrical.sortino_ratio(rising))


def test_returns_after_a_total_loss_are_none_here_and_not_a_number_there():
    equity = np.array([100.0, 0.0, 0.0])

    assert measure(run_of(equity=equity))["average_return"] == pytest.approx(-1 / 3)
    assert np.isnan(empyrical.simple_returns(equity)[-1])


def test_sums_agree_too(metrics):
    assert {"sharpe_ratio", "sortino_ratio", "volatility"} <= set(sums.names_from_sums()) <= set(metrics)
