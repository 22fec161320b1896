import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.errors import InputError
from tests.trading.backtest.test_block_length import follows_itself
from trading.backtest.monte_carlo import (
    FIGURES,
    QUANTILES,
    Distribution,
    MonteCarlo,
    bootstrap_returns,
    bootstrap_trades,
    document,
    shuffle_trades,
)  # fmt: skip
from trading.backtest.resampling import in_blocks

METHODS = (shuffle_trades, bootstrap_trades, bootstrap_returns)
STEPS = np.random.default_rng(1).normal(0.001, 0.01, 250)


def values(found: MonteCarlo, name: str) -> np.ndarray:
    return found.distributions[name].values


def kinds(found: MonteCarlo, name: str) -> list[float]:
    return np.unique(values(found, name).round(12)).tolist()


def test_two_trades_whose_money_is_added_by_hand():
    # 100, 110, 90 falls by 20 of 110; 100, 80, 90 by 20 of 100, and is at 80 on the way. The steps are 0.1 and -0.2 of the balance:
    # mean -0.05, deviation 0.3 / sqrt(2).
    found = shuffle_trades([10, -20], 100, resamples=1000, seed=1, compounded=False, ruin=0.8, a_year=4)

    assert kinds(found, "final_value") == [90]
    assert kinds(found, "total_return") == [-0.1]
    assert kinds(found, "max_drawdown") == [round(2 / 11, 12), 0.2]
    assert kinds(found, "longest_losing_streak") == [1]
    assert kinds(found, "sharpe_ratio") == [round(-0.05 / (0.3 / np.sqrt(2)) * 2, 12)]
    assert found.loss_probability == 1.0
    assert found.ruin_probability == (values(found, "max_drawdown") > 0.19).mean() == pytest.approx(0.5, abs=0.06)


def test_two_trades_that_compound_by_hand():
    # +50 of 100 is half, -30 of 150 a fifth: 100, 150, 120 and 100, 80, 120. As money it would be 100, 70, 120.
    found = shuffle_trades([50, -30], 100, resamples=200, seed=1, ruin=0.8)

    assert kinds(found, "final_value") == [120]
    assert kinds(found, "max_drawdown") == [0.2]
    assert found.loss_probability == 0.0
    assert 0.3 < found.ruin_probability < 0.7
    assert found.actual.tolist() == pytest.approx([100, 150, 120])
    assert found.fan[0].tolist() == pytest.approx([100, 80, 120])
    assert found.fan[-1].tolist() == pytest.approx([100, 150, 120])


def test_two_trades_drawn_again_by_hand():
    # Both the first: 120; one of each: 90; both the other: 60, in 1, 2 and 1 of 4 cases.
    found = bootstrap_trades([10, -20], 100, resamples=4000, seed=1, compounded=False)
    finals, counts = np.unique(values(found, "final_value").round(9), return_counts=True)

    assert finals.tolist() == [60, 90, 120]
    assert counts / 4000 == pytest.approx([0.25, 0.5, 0.25], abs=0.03)
    assert found.distributions["final_value"].percentile == pytest.approx(0.5, abs=0.03)
    assert found.loss_probability == pytest.approx(0.75, abs=0.03)
    assert (values(found, "longest_losing_streak") == 2).mean() == counts[0] / 4000


def test_what_is_lost_stays_lost():
    found = bootstrap_returns([-1.5, 3.0], 100, resamples=500, seed=1, block_bars=1)

    assert kinds(found, "final_value") == [0, 1600]  # 4 * 4 where both are the second
    assert found.ruin_probability == (values(found, "final_value") == 0).mean() == (values(found, "max_drawdown") == 1).mean()


def test_quantiles_and_percentile_by_hand():
    figure = Distribution(values=np.array([4.0, 1.0, np.nan, 3.0, 2.0, 5.0]), actual=2.0)

    assert figure.percentile == 0.3  # one below, half of one equal, of five
    assert figure.quantiles.tolist() == pytest.approx([1.04, 1.2, 2, 3, 4, 4.8, 4.96])


def test_what_differs_by_rounding_is_in_the_middle():
    found = shuffle_trades(1000 * STEPS, 1e6, resamples=200, seed=1)

    assert np.ptp(values(found, "final_value")) > 0
    assert found.distributions["final_value"].percentile == 0.5


@settings(max_examples=100)
@given(
    profits=st.lists(st.floats(-50, 100), min_size=1, max_size=60), seed=st.integers(0, 2**64), compounded=st.booleans()
)  # fmt: skip
def test_a_shuffle_keeps_the_end_and_changes_the_way(profits: list[float], seed: int, compounded: bool):
    found = shuffle_trades(profits, 10_000, resamples=20, seed=seed, compounded=compounded)

    np.testing.assert_allclose(values(found, "final_value"), 10_000 + sum(profits), rtol=1e-9)
    assert (values(found, "max_drawdown") >= 0).all()
    assert (values(found, "longest_losing_streak") <= sum(profit < 0 for profit in profits)).all()


def test_the_mean_of_resamples_is_near_that_of_the_run():
    money = bootstrap_trades(1000 * STEPS, 1e6, resamples=4000, seed=3, compounded=False)
    bars = bootstrap_returns(STEPS, 1e6, resamples=4000, seed=3, block_bars=10)
    error = 1000 * STEPS.std() * np.sqrt(len(STEPS) / 4000)  # of the mean of 4,000 sums of 250

    assert abs(values(money, "final_value").mean() - (1e6 + 1000 * STEPS.sum())) < 4 * error
    np.testing.assert_allclose(np.log(values(bars, "final_value") / 1e6).mean(), np.log1p(STEPS).sum(), atol=0.02)
    assert values(bars, "sharpe_ratio").mean() == pytest.approx(STEPS.mean() / STEPS.std(ddof=1), abs=0.01)


def test_blocks_go_on_in_the_order_of_the_run_and_around_its_end():
    # Each bar is told by its return; log2 of the equity from mark to mark gives it back.
    bars = 150
    returns = np.exp2(np.arange(bars) / bars) - 1
    fans = [bootstrap_returns(returns, 1.0, resamples=1, seed=seed, block_bars=10).fan[3] for seed in range(5)]
    drawn = np.concatenate([(np.diff(np.log2(fan)) * bars).round().astype(int) for fan in fans])
    goes_on = (np.diff(drawn) % bars) == 1

    assert 0.8 < goes_on.mean() < 0.97
    assert ((drawn[:-1] == bars - 1) & (drawn[1:] == 0)).any()
    assert len(set(drawn)) > 140


def test_the_lengths_of_blocks_are_by_chance_around_their_mean():
    order = in_blocks(np.random.default_rng(3), 100_000, 10.0)
    lengths = np.diff(np.flatnonzero(np.diff(order) % 100_000 != 1))

    assert lengths.mean() == pytest.approx(10, abs=0.3)
    assert lengths.std() == pytest.approx(np.sqrt(90), abs=0.5)  # geometric: sqrt(1 - p) / p


def test_who_ends_where_he_began_has_lost_nothing():
    found = shuffle_trades([100.0 / 3, -100.0 / 3], 700.0, resamples=50, seed=1)

    assert found.loss_probability == 0.0


def test_blocks_keep_what_depends_on_one_another():
    returns = 0.001 * follows_itself(0.9, 2000)
    single, blocks = (bootstrap_returns(returns, 1.0, resamples=300, seed=1, block_bars=bars) for bars in (1, None))

    assert blocks.mean_block is not None
    assert blocks.mean_block > 10
    assert np.std(values(blocks, "total_return")) > 2 * np.std(values(single, "total_return"))


def test_without_a_length_storms_decide_it():
    calm_and_storm = np.random.default_rng(1).normal(size=2000) * 0.001 * np.exp(follows_itself(0.98, 2000) / 5)

    found = bootstrap_returns(calm_and_storm, 1.0, resamples=1, seed=1)

    assert found.mean_block is not None
    assert found.mean_block > 20  # the returns alone would have single bars


def test_without_a_length_trends_of_bars_of_any_size_decide_it():
    up_and_down = np.sign(follows_itself(0.98, 2000)) * np.random.default_rng(2).exponential(0.001, 2000)

    found = bootstrap_returns(up_and_down, 1.0, resamples=1, seed=1)

    assert found.mean_block is not None
    assert found.mean_block > 20  # their sizes alone would have single bars


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_bytes_in_however_many_parts(method: Any):
    some, more, other = (method(STEPS, 10.0, resamples=number, seed=seed) for number, seed in ((20, 7), (50, 7), (20, 8)))

    for name in FIGURES:
        assert values(some, name).tobytes() == values(more, name)[:20].tobytes()
    assert values(some, "max_drawdown").tobytes() != values(other, "max_drawdown").tobytes()
    assert json.dumps(document(some)) == json.dumps(document(method(STEPS.tolist(), 10.0, resamples=20, seed=7)))


@pytest.mark.parametrize(("steps", "marks"), [(1, 2), (199, 200), (200, 200), (5000, 200)])
def test_the_fan_has_few_points_from_the_first_to_the_last(steps: int, marks: int):
    found = bootstrap_trades(np.linspace(-1, 2, steps), 10_000, resamples=40, seed=1)

    assert len(found.marks) == marks
    assert (found.marks[0], found.marks[-1]) == (0, steps)
    assert found.fan.shape == (len(QUANTILES), marks)
    assert (np.diff(found.fan, axis=0) >= 0).all()
    assert set(found.fan[:, 0]) == {10_000}
    np.testing.assert_allclose(found.fan[:, -1], found.distributions["final_value"].quantiles)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("steps", [[0.5], [0.1, 0.1, 0.1], [0.0] * 30, STEPS])
def test_a_document_is_json_without_what_json_lacks(method: Any, steps: Any):
    found = method(steps, 1000.0, resamples=30, seed=1)

    read = json.loads(json.dumps(document(found), allow_nan=False))

    assert (read["resamples"], read["steps"], read["seed"]) == (30, len(steps), 1)
    assert set(read["distributions"]) == set(FIGURES)
    assert sum(read["distributions"]["final_value"]["histogram"]["counts"]) == 30
    assert list(read["fan"]["quantiles"]) == ["1", "5", "25", "50", "75", "95", "99"]
    if len(steps) == 1 or not np.any(steps):
        assert read["distributions"]["sharpe_ratio"]["actual"] is None


@pytest.mark.parametrize(
    ("method", "steps", "changed", "said"),
    [
        (shuffle_trades, [], {}, "needs one profit or more in a row, found an array of shape (0,)"),
        (bootstrap_returns, [[0.1]], {}, "needs one return or more in a row, found an array of shape (1, 1)"),
        (bootstrap_returns, [0.1, np.nan], {}, "return 1 is nan; expected was a number"),
        (shuffle_trades, [1.0], {"balance": 0.0}, "the balance is 0; expected was more than 0"),
        (bootstrap_returns, [1.0], {"balance": np.inf}, "the balance is inf; expected was more than 0"),
        (shuffle_trades, [1.0], {"resamples": 0}, "the number of resamples is 0; expected was 1 to 100000"),
        (shuffle_trades, [1.0], {"seed": -1}, "the seed is -1; expected was 0 or more"),
        (shuffle_trades, [1.0], {"ruin": 1.0}, "the threshold of ruin is 1; expected was 0 to less than 1"),
        (bootstrap_returns, [0.1, 0.2], {"block_bars": 3}, "the mean length of blocks is 3; expected was 1 to 2"),
        (bootstrap_returns, [0.1, 0.2], {"a_year": 0}, "the number of steps a year is 0; expected was more than 0"),
        (bootstrap_trades, [-120.0, 1.0], {}, "equity before round trip 1 is -20, of which no profit is a fraction; add the money"),
    ],
)
def test_what_cannot_be_resampled_is_said(method: Any, steps: Any, changed: dict[str, Any], said: str):
    given = {"balance": 100.0, "resamples": 10, "seed": 1} | changed

    with pytest.raises(InputError) as refused:
        method(steps, given.pop("balance"), **given)

    assert said in str(refused.value)
