"""The examples of the papers, and what more trials do."""

from dataclasses import replace
from math import isnan, sqrt

import numpy as np
import pytest

from market.errors import InputError
from tests.trading.backtest.metrics.worked import RUN, run_of
from trading.backtest.metrics import Trials, facts_of, measure
from trading.backtest.metrics.facts import Moments
from trading.backtest.metrics.significance import (
    best_by_chance,
    deflated_sharpe_ratio,
    minimum_track_record,
    probabilistic_sharpe_ratio,
    probability_above,
)


def facts_with(sharpe: float, *, bars: int, skew: float = 0.0, kurtosis: float = 3.0, trials: Trials | None = None):
    """Return facts of returns with a Sharpe ratio per bar, a skewness and a kurtosis (3 is normal)."""
    second = (bars - 1) / bars  # a deviation of 1, ddof 1
    moments = Moments(
        count=np.asarray(bars), mean=np.asarray(sharpe), second=np.asarray(second), third=np.asarray(skew * second**1.5),
        fourth=np.asarray(kurtosis * second**2), below=np.asarray(1.0), target=0.0,
    )  # fmt: skip
    return replace(facts_of(RUN), moments=moments, trials=trials)


def test_the_example_of_the_deflated_sharpe_ratio():
    # Bailey and Lopez de Prado 2014: five years of 250 days, a yearly Sharpe ratio of 2.5, skewness -3, kurtosis 10, the best of
    # 100 trials whose yearly Sharpe ratios have the variance 1/2: chance gives 0.1132 a day,
    # and 0.9004 is the probability beyond it.
    trials = Trials(count=100, variance=0.5 / 250)

    assert best_by_chance(trials) == pytest.approx(0.1132, abs=5e-5)
    facts = facts_with(2.5 / sqrt(250), bars=1250, skew=-3, kurtosis=10, trials=trials)
    assert deflated_sharpe_ratio(facts) == pytest.approx(0.9004, abs=5e-5)


def test_the_best_of_two_without_skill_is_above_zero_already():
    # Quantiles 0 at 1 - 1/2 and 0.900452 at 1 - 1 / (2 e) = 0.816060; 2 * 0.5772157 * 0.900452
    assert best_by_chance(Trials(count=2, variance=4.0)) == pytest.approx(1.039510, abs=2e-6)


def test_normal_returns_need_a_record_that_the_formula_gives():
    # Sharpe ratio 0.1 a bar, normal: 1 + (1 + 0.1 ** 2 / 2) * (1.6448536 / 0.1) ** 2 = 1 + 1.005 * 270.5543 = 272.9071
    assert minimum_track_record(facts_with(0.1, bars=50)) == pytest.approx(272.9071, abs=1e-4)


def test_a_record_of_the_minimum_length_is_as_sure_as_asked():
    bars = float(minimum_track_record(facts_with(0.1, bars=1_000, skew=-0.5, kurtosis=6)))

    facts = facts_with(0.1, bars=round(bars), skew=-0.5, kurtosis=6)
    assert probabilistic_sharpe_ratio(facts) == pytest.approx(0.95, abs=1e-3)


def test_no_record_makes_sure_of_a_ratio_that_is_not_above_zero():
    assert isnan(minimum_track_record(facts_with(-0.1, bars=50)))


def test_a_ratio_at_the_threshold_is_as_likely_above_as_below():
    assert probability_above(facts_with(0.1, bars=100), 0.1) == 0.5


def test_left_tails_lower_the_probability():
    assert probabilistic_sharpe_ratio(facts_with(0.1, bars=100, skew=-2, kurtosis=12)) < probabilistic_sharpe_ratio(
        facts_with(0.1, bars=100)
    )


def test_of_a_single_trial_nothing_is_deflated():
    metrics = measure(RUN, trials=Trials(count=1, variance=0.5))

    assert metrics["deflated_sharpe_ratio"] == metrics["probabilistic_sharpe_ratio"]


def test_more_trials_deflate_more():
    few, many = (measure(RUN, trials=Trials(count=count, variance=0.01))["deflated_sharpe_ratio"] for count in (10, 1_000))

    assert many < few < measure(RUN)["probabilistic_sharpe_ratio"]


def test_without_a_word_on_trials_the_deflated_ratio_is_not_defined():
    assert isnan(measure(RUN)["deflated_sharpe_ratio"])


@pytest.mark.parametrize(("count", "variance"), [(0, 1.0), (2, -1.0), (2, np.nan)])
def test_trials_that_cannot_be_are_refused(count: int, variance: float):
    with pytest.raises(InputError, match=f"{count} trials with a variance of {variance}"):
        Trials(count=count, variance=variance)


def test_one_bar_proves_nothing():
    assert isnan(measure(run_of(110))["probabilistic_sharpe_ratio"])
