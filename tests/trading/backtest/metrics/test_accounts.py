"""The entry point of scripts: a sequence of account values in, figures by name out."""

from math import isnan, sqrt

import numpy as np
import pandas as pd
import pytest

from market.errors import InputError
from tests.trading.backtest.metrics.worked import RUN, TRIPS
from trading.backtest.metrics import METRICS, AccountCurve, RoundTrips, calculate_performance_metrics, measure

VALUES = [100.0, 110.0, 99.0, 118.8, 112.86]
SHARPE_OF_A_BAR = 0.0375 / sqrt(0.056875 / 3)


def test_times_may_be_written_out():
    stamps = [
        "2024-01-01T00:00:00Z",
        "2024-01-01T01:00:00Z",
        "2024-01-01T02:00:00Z",
        "2024-01-01T03:00:00Z",
        "2024-01-01T04:00:00Z",
    ]

    metrics = calculate_performance_metrics(pd.DataFrame({"timestamp": stamps, "equity": VALUES}))

    assert metrics["sharpe_ratio"] == pytest.approx(SHARPE_OF_A_BAR * sqrt(24 * 365))


@pytest.mark.parametrize("kind", [list, tuple, np.array, pd.Series, lambda values: pd.DataFrame({"total": values})])
def test_values_without_times_are_daily(kind):
    metrics = calculate_performance_metrics(kind(VALUES))

    assert metrics["sharpe_ratio"] == pytest.approx(SHARPE_OF_A_BAR * sqrt(365))
    assert metrics["max_drawdown"] == pytest.approx(0.1)
    assert metrics["total_return"] == pytest.approx(0.1286)
    assert metrics["total_trades"] == 0
    assert isnan(metrics["win_rate"])
    assert list(metrics) == list(METRICS)


# Midnight in Berlin is 23:00 UTC of the day before: the value an hour later is that day's last.
@pytest.mark.parametrize(("unit", "zone", "best_day"), [("ns", None, 0.1286), ("us", "UTC", 0.1286), ("s", "Europe/Berlin", 0.1)])
def test_the_width_of_a_bar_and_the_days_are_told_from_the_index(unit: str, zone: str | None, best_day: float):
    index = pd.date_range("2024-01-01", periods=5, freq="h", unit=unit, tz=zone)

    metrics = calculate_performance_metrics(pd.Series(VALUES, index=index))

    assert metrics["sharpe_ratio"] == pytest.approx(SHARPE_OF_A_BAR * sqrt(24 * 365))
    assert metrics["best_day"] == pytest.approx(best_day)


def test_a_hole_in_the_times_does_not_change_the_width():
    index = pd.DatetimeIndex(["2024-01-01 00:00", "2024-01-01 01:00", "2024-01-01 02:00", "2024-01-09 03:00", "2024-01-09 04:00"])

    metrics = calculate_performance_metrics(pd.DataFrame({"equity": VALUES, "note": "x"}, index=index))

    assert metrics["sharpe_ratio"] == pytest.approx(SHARPE_OF_A_BAR * sqrt(24 * 365))


def test_a_column_of_times_counts_as_an_index_does():
    stamps = pd.date_range("2024-01-01", periods=5, freq="h", tz="UTC")
    frame = pd.DataFrame({"timestamp": stamps, "total": VALUES})

    by_column, by_index = calculate_performance_metrics(frame), calculate_performance_metrics(frame.set_index("timestamp"))

    assert by_column["sharpe_ratio"] == pytest.approx(SHARPE_OF_A_BAR * sqrt(24 * 365))
    assert [by_column[name] for name in METRICS] == pytest.approx([by_index[name] for name in METRICS], nan_ok=True)


def test_what_is_given_beside_a_curve_counts_more_than_what_the_curve_knows():
    curve = AccountCurve(RUN.equity, RUN.timestamps_us, bar_seconds=RUN.bar_seconds, initial_balance=100.0, trips=TRIPS, fees=9.0)

    known, given = calculate_performance_metrics(curve), calculate_performance_metrics(curve, trips=RoundTrips())

    assert (known["total_trades"], known["fees"], known["best_day"]) == (5, 9, pytest.approx(0.2))
    assert (given["total_trades"], given["fees"], given["best_day"]) == (0, 0, pytest.approx(0.2))
    with pytest.raises(InputError, match="bar_seconds of a run is 0"):
        calculate_performance_metrics(curve, bar_seconds=0)


def test_a_width_that_is_given_counts():
    assert calculate_performance_metrics(VALUES, bar_seconds=60)["sharpe_ratio"] == pytest.approx(SHARPE_OF_A_BAR * sqrt(525_600))


def test_a_balance_apart_makes_every_value_a_close():
    given = calculate_performance_metrics(VALUES[1:], initial_balance=100, trips=TRIPS)

    whole = measure(RUN)
    for name in ("sharpe_ratio", "max_drawdown", "win_rate", "total_trades", "profit_factor", "turnover"):
        assert given[name] == pytest.approx(whole[name]), name


def test_a_single_value_has_earned_nothing():
    metrics = calculate_performance_metrics([100.0])

    assert (metrics["final_value"], metrics["total_return"], metrics["max_drawdown"]) == (100, 0, 0)
    assert isnan(metrics["sharpe_ratio"])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([], "no account values"),
        ([100.0, np.nan, 99.0], "equity holds nan at 0"),
        ([0.0, 100.0], "balance of a run is 0.0"),
        (["a", "b"], "have to be numbers, found list"),
        (pd.DataFrame({"a": [1.0], "b": [2.0]}), "one column, named 'equity' or 'value'"),
        (
            pd.DataFrame({"timestamp": [60_000_000, 120_000_000], "equity": [1.0, 2.0]}),
            "the column timestamp holds no times: int64",
        ),
        (pd.DataFrame({"timestamp": ["soon", "later"], "equity": [1.0, 2.0]}), "the column timestamp holds no times"),
        (pd.Series([1.0, 2.0, 3.0], index=pd.DatetimeIndex(["2024-01-03", "2024-01-02", "2024-01-01"])), "rise"),
    ],
)
def test_values_that_cannot_be_measured_are_refused(values, said: str):
    with pytest.raises(InputError, match=said):
        calculate_performance_metrics(values)
