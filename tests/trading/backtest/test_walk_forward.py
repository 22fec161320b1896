"""Walk-forward: windows, choices, and what came behind them, joined."""

import numpy as np
import pandas as pd
import pytest

from market.errors import InputError
from market.timeframe import MINUTE_US, Timeframe
from tests.trading.backtest.sweep.grounds import SMA_CROSS, SYMBOL, Picky, frame, ground
from tests.trading.bars import bars
from trading.backtest.backtest import Backtest
from trading.backtest.sweep import Ground, Plan, ground_of, plan_of, search_here, space_of
from trading.backtest.walk_forward import Walk, choose, joined, splits_of, try_behind, walk_forward
from trading.fills import Reason
from trading.registry import Registry
from trading.rules import Rules

TEST = Backtest(SMA_CROSS({}), Timeframe.M1, rules=Rules(taker_fee=0.0), allow_holes=True)
RANGES = {"fast": "2:8:2", "slow": "9:21:4"}


def prepared(frames: dict[str, pd.DataFrame], test: Backtest = TEST) -> tuple[Ground, Plan]:
    ground = ground_of(test, frames)
    return ground, plan_of(space_of(SMA_CROSS, RANGES), ground)


def walked(frames: dict[str, pd.DataFrame], *, train: int = 100, test: int = 40, anchored: bool = False) -> Walk:
    ground, plan = prepared(frames)
    splits = splits_of(ground.market, train_us=train * MINUTE_US, test_us=test * MINUTE_US, anchored=anchored)
    return walk_forward(TEST, ground, plan, splits)


class TestWindows:
    def test_rolling_windows_move_on_and_anchored_ones_grow(self):
        market = ground_of(TEST, {SYMBOL: frame(230)}).market
        lengths = {"train_us": 100 * MINUTE_US, "test_us": 40 * MINUTE_US}

        rolling, anchored = splits_of(market, **lengths), splits_of(market, **lengths, anchored=True)

        assert [(one.train, one.test) for one in rolling] == [
            ((0, 100), (100, 140)), ((40, 140), (140, 180)), ((80, 180), (180, 220)), ((120, 220), (220, 230)),
        ]  # fmt: skip
        assert [(one.train, one.test) for one in anchored] == [
            ((0, 100), (100, 140)), ((0, 140), (140, 180)), ((0, 180), (180, 220)), ((0, 220), (220, 230)),
        ]  # fmt: skip
        begin = int(market.closes_us[0]) - MINUTE_US
        assert rolling[1].train_us == (begin + 40 * MINUTE_US, begin + 140 * MINUTE_US)
        assert rolling[3].test_us == (begin + 220 * MINUTE_US, begin + 230 * MINUTE_US)

    def test_windows_are_of_time_and_not_of_candles(self):
        market = ground_of(TEST, {SYMBOL: frame(200, without=slice(50, 90))}).market
        first = splits_of(market, train_us=100 * MINUTE_US, test_us=40 * MINUTE_US)[0]

        assert (first.train, first.test) == ((0, 60), (60, 100))

    @pytest.mark.parametrize(
        ("lengths", "words"),
        [
            ({"train_us": 300 * MINUTE_US, "test_us": MINUTE_US}, "leave nothing behind a --train of 0.208333 days"),
            ({"train_us": MINUTE_US // 2, "test_us": MINUTE_US}, "--train has to be a whole number of candles of 1m"),
            ({"train_us": MINUTE_US, "test_us": 10 * MINUTE_US, "step_us": MINUTE_US}, "tests would overlap"),
        ],
    )
    def test_windows_that_cannot_be_are_refused(self, lengths, words):
        with pytest.raises(InputError, match=words):
            splits_of(ground_of(TEST, {SYMBOL: frame(230)}).market, **lengths)


class TestChoice:
    def test_the_best_of_a_window_is_that_of_a_search_of_its_candles(self):
        data = frame(230)
        ground, plan = prepared({SYMBOL: data})
        split = splits_of(ground.market, train_us=100 * MINUTE_US, test_us=40 * MINUTE_US)[1]
        alone, _ = prepared({SYMBOL: data.iloc[40:140]})

        assert choose(ground, plan, split).numbers.tolist() == search_here(alone, plan).numbers[:1].tolist()

    @pytest.mark.parametrize("anchored", [False, True])
    def test_what_comes_behind_a_window_does_not_change_its_choice(self, anchored):
        data, other = frame(400), frame(400, seed=7)
        changed = data.copy()
        prices = ["open", "high", "low", "close", "volume"]
        changed.loc[220:, prices] = other.loc[220:, prices].to_numpy()
        one, two = (walked({SYMBOL: each}, anchored=anchored) for each in (data, changed))

        known = [step.split.train[1] <= 220 for step in one.steps]
        assert [known.count(True), len(known)] == [4, 8]
        for step, same in zip(one.steps[:4], two.steps[:4], strict=True):
            assert step.parameters == same.parameters
            np.testing.assert_equal(step.in_sample, same.in_sample)
        assert all(
            step.in_sample["final_value"] != other.in_sample["final_value"]
            for step, other in zip(one.steps[4:], two.steps[4:], strict=True)
        )
        np.testing.assert_array_equal(one.equity[:120], two.equity[:120])  # bars 100 to 219

    def test_a_window_without_candles_chooses_nothing(self):
        found = walked({SYMBOL: frame(300, without=slice(60, 175))}, train=50, test=50)

        assert [step.parameters is None for step in found.steps] == [False, True, True, False, False]
        assert found.steps[2].split.train[0] == found.steps[2].split.train[1]
        assert found.steps[2].result is None
        assert len(found.equity) == len(found.rows) == found.market.there[50:].sum()

    def test_a_market_that_never_trades_leaves_the_balance_alone(self):
        flat = bars(np.full(200, 100.0)).reset_index()
        found = walked({SYMBOL: flat})

        assert {step.parameters for step in found.steps} == {None}
        assert (found.final_value, found.total_return) == (10_000.0, 0.0)
        assert np.isnan(found.efficiency)


class TestBehind:
    def test_indicators_know_the_bars_before_and_nothing_is_held_at_the_begin(self):
        ground, _ = prepared({SYMBOL: frame(230)})
        split = splits_of(ground.market, train_us=100 * MINUTE_US, test_us=40 * MINUTE_US)[0]
        parameters = {"fast": 4, "slow": 21, "short": False}
        found = try_behind(TEST, ground, split, parameters)

        whole = ground.targets(parameters)[100:140]
        np.testing.assert_array_equal(found.targets, whole)
        assert not np.isnan(found.targets).any()
        assert found.outcome.table[0, 0] >= 1  # decided at the first close, filled at the next open
        assert found.outcome.equity[0] == 10_000.0

    def test_all_is_left_at_the_last_close_for_its_fee(self):
        rising = bars(np.linspace(100, 200, 101)).reset_index()
        hold = Registry().create("buy_and_hold")
        test = Backtest(hold, Timeframe.M1, rules=Rules(taker_fee=0.01))
        ground = ground_of(test, {SYMBOL: rising})
        split = splits_of(ground.market, train_us=90 * MINUTE_US, test_us=11 * MINUTE_US)[0]
        found = try_behind(test, ground, split, {})

        # Bought at the open of the second bar behind the window, 190, and sold at the last close, 200; 1 % fee each time.
        assert found.final_value == pytest.approx(10_000 / (190 * 1.01) * 200 * 0.99, rel=1e-12)
        assert [(fill.bar, fill.reason) for fill in found.outcome.fills] == [(1, Reason.ENTRY), (10, Reason.END)]
        assert found.trips.closed.profit.sum() == pytest.approx(found.final_value - 10_000)
        assert not found.trips.touches_hole.any()

    def test_a_hole_at_the_end_stays_one(self):
        ground, _ = prepared({SYMBOL: frame(230, without=slice(140, 150))})
        split = splits_of(ground.market, train_us=100 * MINUTE_US, test_us=40 * MINUTE_US)[0]
        behind = try_behind(TEST, ground, split, {"fast": 2, "slow": 9, "short": False})

        assert split.test == (100, 140)
        assert ground.market.ends[139, 0]
        assert not behind.trips.open


class TestJoined:
    def test_each_part_begins_with_what_the_one_before_ended_with(self):
        found = walked({SYMBOL: frame(400)})
        balance = 10_000.0
        for step in found.steps:
            assert step.balance == balance
            assert step.result is not None
            assert step.out_of_sample["final_value"] == step.result.final_value
            balance = step.result.final_value

        assert found.final_value == balance == found.equity[-1]
        assert found.rows.tolist() == list(range(100, 400))
        assert found.total_return == pytest.approx(np.prod([1 + step.out_of_sample["total_return"] for step in found.steps]) - 1)
        assert found.metrics["total_return"] == pytest.approx(found.total_return)
        assert found.metrics["total_trades"] == sum(step.out_of_sample["total_trades"] for step in found.steps) > 10

    def test_efficiency_is_the_share_of_a_bars_return_that_is_left(self):
        found = walked({SYMBOL: frame(400, seed=3)})
        inside = sum(step.in_sample["total_return"] for step in found.steps) / (100 * 8)
        outside = sum(step.out_of_sample["total_return"] for step in found.steps) / 300

        assert inside > 0
        assert found.efficiency == pytest.approx(outside / inside)

    def test_choices_that_were_made_elsewhere_give_the_same(self):
        ground, plan = prepared({SYMBOL: frame(400), "OKX:ETH-USDT": frame(400, seed=3)})
        splits = splits_of(ground.market, train_us=100 * MINUTE_US, test_us=40 * MINUTE_US)
        choices = {split.number: choose(ground, plan, split) for split in splits[::-1]}
        one, two = walk_forward(TEST, ground, plan, splits), joined(TEST, ground, plan, splits, choices)

        assert one.equity.tobytes() == two.equity.tobytes()
        assert one.benchmark[0] == 10_000.0


def test_sets_that_fail_are_counted_window_by_window():
    tried, made = ground(400, strategy=Picky), space_of(Picky, {"every": "7"})
    test = Backtest(Picky({}), Timeframe.M1)
    plan = plan_of(made, tried, metric="total_return")
    splits = splits_of(tried.market, train_us=100 * 60_000_000, test_us=100 * 60_000_000)
    steps = walk_forward(test, tried, plan, splits).steps

    assert [(step.parameters, step.failed) for step in steps] == [(None, 1)] * 3
    assert steps[0].error == "ZeroDivisionError: seven is out of luck"
