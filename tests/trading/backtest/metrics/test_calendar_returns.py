"""Days and months end at midnight UTC, and the table has a place for each month."""

from math import sqrt

import numpy as np
import pytest

from market.errors import InputError
from tests.trading.backtest.metrics.worked import DAY, FEBRUARY_US, RUN, days_until, run_of
from trading.backtest.metrics import facts_of, measure, monthly_table, rolling_sharpe

HOUR_US = 3_600_000_000


def test_the_table_has_a_row_a_year_and_a_column_a_month():
    # Closes at midnight of 1 December, 1 January (December's last), 1 February (January's last) and 2 February.
    closes = np.array([FEBRUARY_US - 62 * DAY * 10**6, FEBRUARY_US - 31 * DAY * 10**6, FEBRUARY_US, FEBRUARY_US + DAY * 10**6])
    table = monthly_table(facts_of(run_of(110, 99, 198, 99, timestamps_us=closes)))

    expected = np.full((2, 12), np.nan)
    expected[0, 10:], expected[1, :2] = [0.1, -0.1], [1.0, -0.5]
    assert table.years.tolist() == [2023, 2024]
    np.testing.assert_allclose(table.months, expected, rtol=1e-12)
    np.testing.assert_allclose(table.totals, [1.1 * 0.9 - 1, 2.0 * 0.5 - 1], rtol=1e-12, atol=1e-15)


def test_a_year_without_a_bar_has_no_return():
    closes = np.array([FEBRUARY_US - 800 * DAY * 10**6, FEBRUARY_US])
    table = monthly_table(facts_of(run_of(110, 99, timestamps_us=closes)))

    assert table.years.tolist() == [2021, 2022, 2023, 2024]
    assert np.isnan(table.totals).tolist() == [False, True, True, False]


def test_without_times_the_table_is_empty():
    table = monthly_table(facts_of(run_of(110, 99)))

    assert (len(table.years), table.months.shape, len(table.totals)) == (0, (0, 12), 0)


def test_months_compound_to_the_total_return():
    bars = 24 * 100
    equity = 1_000 * np.cumprod(1 + 0.01 * np.sin(np.arange(bars)))
    run = run_of(equity=equity, balance=1_000.0, bar_seconds=3_600, timestamps_us=FEBRUARY_US + HOUR_US * np.arange(1, bars + 1))
    facts = facts_of(run)

    table = monthly_table(facts)

    assert np.prod(1 + table.totals) == pytest.approx(equity[-1] / 1_000, rel=1e-12)
    assert np.prod(1 + facts.periods.days) == pytest.approx(equity[-1] / 1_000, rel=1e-12)
    assert len(facts.periods.days) == 100


def test_hours_of_a_day_make_one_return():
    closes = FEBRUARY_US + HOUR_US * np.array([-1, 0, 1, 24])  # two in January, the last of them at midnight; two on 1 February
    metrics = measure(run_of(120, 110, 500, 99, bar_seconds=3_600, timestamps_us=closes))

    assert metrics["best_day"] == pytest.approx(0.1)
    assert metrics["worst_day"] == pytest.approx(-0.1)


def test_days_without_a_bar_do_not_count():
    closes = FEBRUARY_US + DAY * 10**6 * np.array([0, 30])
    metrics = measure(run_of(110, 121, timestamps_us=closes))

    assert metrics["positive_days"] == 1
    assert metrics["worst_day"] == pytest.approx(0.1)


def test_a_rolling_sharpe_ratio_is_the_one_of_its_days():
    # Days 0.1, -0.1, 0.2, -0.05: of pairs the deviation is the distance / sqrt(2).
    rolled = rolling_sharpe(facts_of(RUN), days=2)

    pairs = [(0.0, 0.2), (0.05, 0.3), (0.075, 0.25)]
    np.testing.assert_allclose(rolled, [np.nan, *(mean / (apart / sqrt(2)) * sqrt(365) for mean, apart in pairs)], atol=1e-12)
    assert rolling_sharpe(facts_of(RUN), days=4)[-1] == pytest.approx(measure(RUN)["sharpe_ratio_days"], rel=1e-12)


def test_too_few_days_have_no_rolling_sharpe_ratio():
    assert np.isnan(rolling_sharpe(facts_of(RUN), days=5)).tolist() == [True] * 4
    assert rolling_sharpe(facts_of(run_of(110, 99)), days=5).tolist() == []


def test_a_rolling_sharpe_ratio_of_one_day_is_refused():
    with pytest.raises(InputError, match="over 1 days has no deviation"):
        rolling_sharpe(facts_of(RUN), days=1)


def test_the_risk_free_rate_lowers_the_sharpe_ratio_of_days():
    times = days_until(FEBRUARY_US, 3)
    without, with_rate = (measure(run_of(110, 99, 120, timestamps_us=times, risk_free=rate)) for rate in (0.0, 0.1))

    daily = 1.1 ** (1 / 365) - 1
    assert with_rate["sharpe_ratio_days"] == pytest.approx(with_rate["sharpe_ratio"], rel=1e-12)
    lost = without["sharpe_ratio_days"] - with_rate["sharpe_ratio_days"]
    assert lost == pytest.approx(daily * 365 / with_rate["volatility"], rel=1e-9)
