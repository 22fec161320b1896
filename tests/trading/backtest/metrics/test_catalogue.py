"""Every metric on one run that is small enough for pencil and paper, and what the list says of each."""

from math import sqrt

import pytest

from tests.trading.backtest.metrics.worked import DAY, RUN
from trading.backtest.metrics import METRICS, Trials, Unit, measure

# Returns: 0.1, -0.1, 0.2, -0.05; mean 0.15 / 4 = 0.0375; distances from it 0.0625, -0.1375, 0.1625, -0.0875;
# their squares add up to 0.056875, their cubes to 0.001265625, their fourth powers to 0.00112861328125.
SHARPE_OF_A_BAR = 0.0375 / sqrt(0.056875 / 3)
SECOND, THIRD, FOURTH = 0.056875 / 4, 0.001265625 / 4, 0.00112861328125 / 4
GROWTH = 1.1286 ** (365 / 4) - 1  # 100 became 112.86 in 4 days
# Beside the market from the second day on: distances -0.35/3, 0.55/3, -0.2/3 and 0.05, -0.1, 0.05;
# products add up to -0.0275, squares to 0.465/9 and 0.015; the differences -0.2, 0.25, -0.15 have the mean -0.1/3,
# the squares of their distances from it add up to 1.095/9.
TRACKING = sqrt(1.095 / 9 / 2 * 365)

WORKED = {
    "final_value": 112.86,
    "net_profit": 12.86,
    "total_return": 0.1286,
    "cagr": GROWTH,
    "average_return": 0.0375,
    "volatility": sqrt(0.056875 / 3) * sqrt(365),
    "downside_deviation": sqrt((0.1**2 + 0.05**2) / 4) * sqrt(365),
    "skew": THIRD / SECOND**1.5,
    "kurtosis": FOURTH / SECOND**2 - 3,
    "best_bar": 0.2,
    "worst_bar": -0.1,
    "value_at_risk": -0.1 + 0.15 * 0.05,  # place 0.05 * 3 = 0.15 between -0.1 and -0.05
    "expected_shortfall": -0.1,  # floor(0.15) + 1 = 1 bar
    "tail_ratio": (0.1 + 0.85 * 0.1) / 0.0925,  # place 0.95 * 3 = 2.85 between 0.1 and 0.2
    "sharpe_ratio": SHARPE_OF_A_BAR * sqrt(365),
    "sortino_ratio": 0.0375 / sqrt(0.0125 / 4) * sqrt(365),
    "calmar_ratio": GROWTH / 0.1,
    "omega_ratio": 0.3 / 0.15,
    "ulcer_index": sqrt((0.1**2 + 0.05**2) / 4),
    "ulcer_performance_index": GROWTH / sqrt(0.0125 / 4),
    "recovery_factor": 12.86 / 11,
    # s = 0.272352389701, skew 0.186617740164, kurtosis with the 3 1.395604395604,
    # so scatter 1 - 0.0508258 + 0.0073361 = 0.956510283029;
    # s * sqrt(3) / sqrt(0.956510283029) = 0.482333021879, of which the normal distribution makes
    "probabilistic_sharpe_ratio": 0.685215303634332,
    # Ten trials: quantiles 1.281551565545 at 0.9 and 1.789241764582 at 1 - 0.1 / e,
    # s0 = 0.2 * (0.4227843 * 1.2815516 + 0.5772157 * 1.7892418) = 0.314919660269;
    # (s - s0) * sqrt(3) / sqrt(0.956510283029) = -0.075386157870
    "deflated_sharpe_ratio": 0.469953736144342,
    "minimum_track_record": 1 + 0.956510283028712 * (1.644853626951473 / 0.272352389700961) ** 2,
    "max_drawdown": 0.1,
    "max_drawdown_value": 11.0,
    "average_drawdown": (0.1 + 0.05) / 2,
    "drawdowns": 2,
    "longest_drawdown": 2,  # peak at bar 0, back at bar 2
    "average_drawdown_length": (2 + 1) / 2,  # the second lasts from bar 2 to the end
    "recovery_time": 1,  # from bar 1 to bar 2
    "time_under_water": 2 / 4,
    "current_drawdown": 0.05,
    "best_day": 0.2,
    "worst_day": -0.1,
    "positive_days": 2 / 4,
    "value_at_risk_day": -0.0925,
    "sharpe_ratio_days": SHARPE_OF_A_BAR * sqrt(365),
    "best_month": 112.86 / 99 - 1,
    "worst_month": 99 / 100 - 1,
    "positive_months": 1 / 2,
    "benchmark_return": 57.475 / 50 - 1,
    "benchmark_drawdown": 0.05,
    "excess_return": 0.1286 - 0.1495,
    "alpha": (1 + 0.05 / 3 + 0.0275 / 0.015 * 0.05) ** 365 - 1,
    "beta": -0.0275 / 0.015,
    "correlation": -0.0275 / sqrt(0.465 / 9 * 0.015),
    "tracking_error": TRACKING,
    "information_ratio": -0.1 / 3 * 365 / TRACKING,
    "exposure_time": 3 / 4,
    "average_exposure": (1 + 0.5 + 0.25) / 4,
    "net_exposure": (1 - 0.5 + 0.25) / 4,
    "highest_exposure": 1.0,
    "turnover": (410 + 121 + 92 + 44 + 101 + 62) / (440.66 / 4),  # values at entry, then size * price of each exit
    "turnover_a_year": 830 / 110.165 * 365 / 4,
    "fees": 8.0,
    "fees_share": 8 / (21 + 6 + 1),  # before fees: 21, -8, 6, 1, 0
    "trades_a_day": 5 / 4,
    "total_trades": 5,
    "long_trades": 3,
    "short_trades": 2,
    "winning_trades": 2,
    "losing_trades": 2,
    "win_rate": 2 / 5,
    "long_win_rate": 1 / 3,
    "short_win_rate": 1 / 2,
    "gross_profit": 25.0,
    "gross_loss": 13.0,
    "profit_factor": 25 / 13,
    "expectancy": 12 / 5,
    "expectancy_per_risk": 2.4 / 6.5,
    "average_trade_return": (0.2 - 0.1 + 0.1 + 0 - 0.05) / 5,
    "average_win": 25 / 2,
    "average_loss": 13 / 2,
    "payoff_ratio": 12.5 / 6.5,
    "kelly_fraction": 0.5 - 0.5 / (12.5 / 6.5),  # of two that won and two that lost
    # Distances from 2.4: 17.6, -12.4, 2.6, -2.4, -5.4; squares add up to 505.2.
    "system_quality_number": sqrt(5) * 2.4 / sqrt(505.2 / 4),
    "average_holding": 9 / 5 * DAY,
    "largest_win": 20.0,
    "largest_loss": 10.0,
    "longest_winning_streak": 1,
    "longest_losing_streak": 1,
    "median_holding": 2 * DAY,
    "longest_holding": 3 * DAY,
    "average_adverse_excursion": -0.25 / 5,
    "average_favourable_excursion": 0.42 / 5,
}
LOWER_IS_BETTER = {
    "volatility", "downside_deviation", "kurtosis", "ulcer_index", "minimum_track_record", "max_drawdown", "max_drawdown_value",
    "average_drawdown", "drawdowns", "longest_drawdown", "average_drawdown_length", "recovery_time", "time_under_water",
    "current_drawdown", "highest_exposure", "turnover", "turnover_a_year", "fees", "fees_share", "losing_trades", "gross_loss",
    "average_loss", "largest_loss", "longest_losing_streak",
}  # fmt: skip
NEITHER_IS_BETTER = {
    "benchmark_return", "benchmark_drawdown", "beta", "correlation", "tracking_error", "exposure_time", "average_exposure",
    "net_exposure", "trades_a_day", "total_trades", "long_trades", "short_trades", "average_holding", "median_holding",
    "longest_holding",
}  # fmt: skip
OF_UNIT = {
    Unit.QUOTE: {
        "final_value", "net_profit", "gross_profit", "expectancy", "average_win", "largest_win", "max_drawdown_value", "fees",
        "gross_loss", "average_loss", "largest_loss",
    },
    Unit.BARS: {"minimum_track_record", "longest_drawdown", "average_drawdown_length", "recovery_time"},
    Unit.SECONDS: {"average_holding", "median_holding", "longest_holding"},
    Unit.COUNT: {
        "drawdowns", "total_trades", "long_trades", "short_trades", "winning_trades", "losing_trades", "longest_winning_streak",
        "longest_losing_streak",
    },
    Unit.RATIO: {
        "skew", "kurtosis", "tail_ratio", "sharpe_ratio", "sharpe_ratio_days", "sortino_ratio", "calmar_ratio", "omega_ratio",
        "ulcer_performance_index", "recovery_factor", "beta", "correlation", "information_ratio", "turnover", "turnover_a_year",
        "trades_a_day", "profit_factor", "expectancy_per_risk", "payoff_ratio", "system_quality_number",
    },
}  # fmt: skip
TRIALS = Trials(count=10, variance=0.04)
MEASURED = measure(RUN, trials=TRIALS)


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_what_pencil_and_paper_say(name: str):
    assert MEASURED[name] == pytest.approx(WORKED[name], rel=1e-12)


def test_results_are_in_the_order_of_the_list_and_plain_numbers():
    assert list(MEASURED) == list(METRICS) == list(WORKED)
    assert len(METRICS) >= 50
    assert {type(value) for value in MEASURED.values()} == {float}


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_explains_itself(name: str):
    metric = METRICS[name]

    assert metric.name == name
    assert metric.title[0].isupper()
    assert metric.unit in Unit
    assert metric.summary.startswith("Return ")
    assert metric.summary.endswith(".")
    assert len(metric.formula) > 3
    assert metric.source


def test_which_way_is_better_is_told_of_each():
    assert {name for name, metric in METRICS.items() if metric.higher_is_better is False} == LOWER_IS_BETTER
    assert {name for name, metric in METRICS.items() if metric.higher_is_better is None} == NEITHER_IS_BETTER


@pytest.mark.parametrize("unit", Unit)
def test_a_figure_is_counted_in_its_unit(unit: Unit):
    others = set(METRICS).difference(*OF_UNIT.values())  # fractions of something

    assert {name for name, metric in METRICS.items() if metric.unit is unit} == OF_UNIT.get(unit, others)


def test_titles_are_told_apart():
    assert len({metric.title for metric in METRICS.values()}) == len(METRICS)
