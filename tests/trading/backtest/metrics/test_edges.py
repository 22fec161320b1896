"""What comes out of runs at the edge, on purpose: not defined is NaN, and nothing is infinite."""

from math import isinf, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading.backtest.metrics.worked import DAY, FEBRUARY_US, days_until, run_of, trips_of
from trading.backtest.metrics import METRICS, RoundTrips, Run, measure

OF_TRIPS = {
    "win_rate", "long_win_rate", "short_win_rate", "profit_factor", "expectancy", "expectancy_per_risk", "average_trade_return",
    "average_win", "average_loss", "payoff_ratio", "kelly_fraction", "system_quality_number", "average_holding", "largest_win",
    "largest_loss", "median_holding", "longest_holding", "average_adverse_excursion", "average_favourable_excursion", "fees_share",
}  # fmt: skip
OF_TIMES = {
    "best_day", "worst_day", "positive_days", "value_at_risk_day", "sharpe_ratio_days",
    "best_month", "worst_month", "positive_months",
}  # fmt: skip
OF_MARKET = {
    "benchmark_return", "benchmark_drawdown", "excess_return", "alpha", "beta", "correlation",
    "tracking_error", "information_ratio",
}  # fmt: skip
OF_EXPOSURE = {"exposure_time", "average_exposure", "net_exposure", "highest_exposure"}


def undefined(run: Run) -> set[str]:
    """Return the names of what is NaN."""
    return {name for name, value in measure(run).items() if isnan(value)}


def test_what_was_not_given_is_not_defined():
    assert undefined(run_of(110, 99, 118.8)) == OF_TRIPS | OF_TIMES | OF_MARKET | OF_EXPOSURE | {"deflated_sharpe_ratio"}


def test_without_trades_counts_and_sums_are_zero():
    metrics = measure(run_of(110, 99, 118.8))

    assert {
        metrics[name] for name in ("total_trades", "gross_profit", "gross_loss", "fees", "turnover", "longest_winning_streak")
    } == {0}


def test_no_bar_at_all_leaves_the_balance():
    metrics = measure(run_of())

    assert (metrics["final_value"], metrics["total_return"], metrics["max_drawdown"]) == (100, 0, 0)
    assert isnan(metrics["sharpe_ratio"])
    assert isnan(metrics["best_bar"])


def test_one_bar_has_a_return_and_no_deviation():
    run = run_of(
        90.0, close=np.array([5.0]), timestamps_us=np.array([FEBRUARY_US]), exposure=np.array([1.0]), trips=trips_of(-10.0)
    )  # fmt: skip
    metrics = measure(run)

    assert (
        metrics["total_return"] == metrics["worst_day"] == metrics["worst_month"] == metrics["value_at_risk"] == pytest.approx(-0.1)
    )
    assert metrics["benchmark_return"] == 0
    for name in ("volatility", "sharpe_ratio", "skew", "kurtosis", "probabilistic_sharpe_ratio", "beta", "sharpe_ratio_days"):
        assert isnan(metrics[name]), name


def test_constant_equity_has_no_risk_and_no_ratio():
    metrics = measure(run_of(100, 100, 100, timestamps_us=days_until(FEBRUARY_US, 3), close=np.array([1.0, 2.0, 1.0])))

    for name in (
        "total_return",
        "cagr",
        "volatility",
        "downside_deviation",
        "max_drawdown",
        "drawdowns",
        "time_under_water",
        "beta",
    ):
        assert metrics[name] == 0, name
    for name in ("sharpe_ratio", "sortino_ratio", "calmar_ratio", "omega_ratio", "ulcer_performance_index", "recovery_factor"):
        assert isnan(metrics[name]), name
    for name in ("skew", "correlation", "tail_ratio", "average_drawdown", "recovery_time", "minimum_track_record"):
        assert isnan(metrics[name]), name
    assert isnan(metrics["probabilistic_sharpe_ratio"])
    assert isnan(metrics["sharpe_ratio_days"])


def test_growth_that_never_varies_has_no_sharpe_ratio_by_rounding():
    metrics = measure(run_of(*(100 * 1.01 ** np.arange(1, 200))))

    assert isnan(metrics["sharpe_ratio"])
    assert metrics["volatility"] == 0


def test_equity_that_reaches_zero_has_lost_everything():
    metrics = measure(run_of(120, 0, 0, timestamps_us=days_until(FEBRUARY_US, 3)))

    assert metrics["total_return"] == metrics["cagr"] == metrics["worst_bar"] == metrics["worst_day"] == -1
    assert metrics["max_drawdown"] == metrics["current_drawdown"] == 1
    assert metrics["max_drawdown_value"] == 120
    assert metrics["average_return"] == pytest.approx((0.2 - 1 + 0) / 3)


def test_equity_below_zero_is_a_fall_by_more_than_everything_and_earns_nothing_after():
    metrics = measure(run_of(120, -60, 30, 90, 30, timestamps_us=days_until(FEBRUARY_US, 5)))

    assert metrics["max_drawdown"] == 1.5
    assert metrics["worst_bar"] == metrics["worst_day"] == -1.5
    assert metrics["best_bar"] == metrics["best_day"] == pytest.approx(0.2)
    assert metrics["total_return"] == pytest.approx(-0.7)  # what is there at the end is there
    assert metrics["average_return"] == pytest.approx((0.2 - 1.5 + 0 + 0 + 0) / 5)


def test_debts_at_the_end_are_a_growth_of_minus_everything():
    assert measure(run_of(120, -60))["cagr"] == -1


def test_where_all_trades_win_ratios_to_losses_are_not_defined():
    metrics = measure(run_of(110, trips=trips_of(1, 2, 3)))

    assert metrics["win_rate"] == 1
    assert metrics["longest_winning_streak"] == 3
    for name in ("profit_factor", "payoff_ratio", "kelly_fraction", "expectancy_per_risk", "average_loss", "largest_loss"):
        assert isnan(metrics[name]), name


def test_where_all_trades_lose_the_profit_factor_is_zero():
    metrics = measure(run_of(90, trips=trips_of(-1, -2, -3)))

    assert metrics["win_rate"] == metrics["profit_factor"] == metrics["longest_winning_streak"] == 0
    assert metrics["expectancy_per_risk"] == -1
    assert metrics["longest_losing_streak"] == 3
    for name in ("payoff_ratio", "kelly_fraction", "average_win", "largest_win", "fees_share"):
        assert isnan(metrics[name]), name


def test_equal_profits_have_no_quality_number():
    assert isnan(measure(run_of(90, trips=trips_of(0.1, 0.1, 0.1)))["system_quality_number"])


def test_one_trade_has_no_quality_number():
    assert isnan(measure(run_of(90, trips=trips_of(5)))["system_quality_number"])


def test_a_run_shorter_than_a_day_says_nothing_about_a_year_but_keeps_its_part_of_the_day():
    hours = FEBRUARY_US + 3_600_000_000 * np.arange(1, 4)
    metrics = measure(run_of(101, 102, 101, bar_seconds=3_600, timestamps_us=hours))

    assert metrics["total_return"] == metrics["best_day"] == metrics["best_month"] == pytest.approx(0.01)
    assert metrics["positive_days"] == 1
    for name in ("cagr", "calmar_ratio", "ulcer_performance_index", "sharpe_ratio_days"):
        assert isnan(metrics[name]), name


def test_a_whole_day_is_enough_for_a_yearly_rate():
    metrics = measure(run_of(100.1, bar_seconds=DAY))

    assert metrics["cagr"] == pytest.approx(1.001**365 - 1, rel=1e-12)


def test_holding_what_the_market_does_has_no_tracking_error():
    close = np.array([50.1, 55.3, 49.7, 53.9])
    metrics = measure(run_of(*(close / 3), close=close))  # a third: returns differ by rounding

    assert metrics["beta"] == pytest.approx(1, rel=1e-12)
    assert metrics["correlation"] == pytest.approx(1, rel=1e-12)
    assert metrics["tracking_error"] == metrics["alpha"] == pytest.approx(0, abs=1e-12)
    assert isnan(metrics["information_ratio"])


def test_an_account_that_was_in_debt_on_average_has_no_turnover():
    metrics = measure(run_of(10, -50, trips=trips_of(-10)))

    assert isnan(metrics["turnover"])
    assert isnan(metrics["turnover_a_year"])


def test_what_floats_cannot_hold_is_not_defined():
    assert isnan(measure(run_of(-1.7e308, balance=1.7e308))["net_profit"])


values = st.one_of(st.floats(-1e6, 1e6), st.integers(-3, 300).map(float), st.just(100.0))


@given(st.lists(st.tuples(values, st.floats(1e-3, 1e6), values), max_size=20), st.lists(values, max_size=8), st.floats(-0.5, 2))
def test_no_metric_is_ever_infinite(bars: list[tuple[float, float, float]], profits: list[float], risk_free: float):
    equity, close, exposure = np.array(bars, np.float64).reshape(-1, 3).T
    run = run_of(
        equity=equity, close=close, exposure=exposure, timestamps_us=days_until(FEBRUARY_US, len(bars)), risk_free=risk_free,
        trips=trips_of(*profits) if profits else RoundTrips(),
    )  # fmt: skip

    assert [name for name, value in measure(run).items() if isinf(value)] == []


def test_what_is_undefined_prints_as_nan():
    assert str(measure(run_of(100))["win_rate"]) == str(nan) == "nan"
    assert "win_rate" in METRICS


def test_days_that_are_missing_are_part_of_the_year_and_no_bars():
    # Ten days of bars, the last at the end of the 365th day: 21 % in a year, whatever is not known of the days between.
    closes = days_until(FEBRUARY_US, 365)[np.r_[0:9, 364]]
    equity = np.array([100.0, 110, 100, 110, 100, 110, 100, 110, 100, 121])
    holes, none = (measure(run_of(equity=equity, trips=trips_of(7), timestamps_us=times)) for times in (closes, None))

    assert holes["cagr"] == pytest.approx(0.21)
    assert none["cagr"] == pytest.approx(1.21 ** (365 / 10) - 1)
    assert holes["turnover_a_year"] == holes["turnover"]
    assert (holes["trades_a_day"], none["trades_a_day"]) == (1 / 365, 1 / 10)
    for name in ("volatility", "sharpe_ratio", "sortino_ratio"):
        assert holes[name] == none[name], name


def test_fees_and_trades_of_an_open_position_count_where_they_are_known():
    # Bought for 95 and still held; the only round trip was bought for 100 and sold for 100.
    metrics = measure(run_of(90, 110, trips=trips_of(-3, fees=np.array([2.0])), fees=2.5, traded=295.0))

    assert metrics["fees"] == 2.5
    assert metrics["turnover"] == 2.95
    assert metrics["turnover_a_year"] == pytest.approx(2.95 * 365 / 2)


def test_the_kelly_fraction_grows_fastest_with_trades_that_break_even_or_without():
    profits = [20.0, 20.0, 20.0, -10.0, -10.0, 0.0, 0.0, 0.0]
    stakes = np.arange(1, 1_000) / 1_000  # a loss costs the stake, a win brings twice as much
    growth = 3 * np.log1p(2 * stakes) + 2 * np.log1p(-stakes)

    found = measure(run_of(90, trips=trips_of(*profits)))["kelly_fraction"]

    assert found == pytest.approx(0.4) == pytest.approx(stakes[growth.argmax()])
    assert measure(run_of(90, trips=trips_of(*profits[:5])))["kelly_fraction"] == pytest.approx(found)
