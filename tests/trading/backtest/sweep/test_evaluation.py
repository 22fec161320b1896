"""Evaluation of parameter sets."""

import numpy as np
import pytest

from market.errors import InputError
from market.timeframe import Timeframe
from tests.trading.backtest.sweep.grounds import SMA_CROSS, SYMBOL, Picky, frame, ground, space
from trading.backtest.backtest import Backtest
from trading.backtest.sweep import COLUMNS, evaluate, ground_of, space_of
from trading.backtest.sweep.evaluation import Interrupted, column_of
from trading.registry import Registry
from trading.rules import Rules, Sizing


@pytest.mark.parametrize(
    "rules", [Rules(), Rules(short=True, stop_loss=0.01, volume_share=0.5), Rules(sizing=Sizing.VOLATILITY, size=0.5)]
)
def test_figures_are_those_of_each_sets_own_backtest(rules):
    made, frames = space(fast="3,5", slow="9,20", short="false,true"), {SYMBOL: frame(500)}
    tried = ground_of(Backtest(SMA_CROSS({}), Timeframe.M1, rules=rules), frames)
    found = evaluate(tried, made, np.arange(len(made)))

    for number in range(len(made)):
        own = Backtest(SMA_CROSS(made.set(number)), Timeframe.M1, rules=rules).run(frames)
        figures = dict(zip(COLUMNS, found.values[number], strict=True))
        for name in COLUMNS:
            np.testing.assert_allclose(figures[name], own.metrics[name], rtol=1e-9, atol=1e-12, err_msg=name)
    assert len(set(found.values[:, 0].tolist())) >= 4


def test_holes_are_holes_for_every_set():
    frames = {SYMBOL: frame(300, without=slice(100, 130)), "OKX:ETH-USDT": frame(300, seed=2)}
    test, made = Backtest(SMA_CROSS({}), Timeframe.M1, allow_holes=True), space(fast="3", slow="9,20")
    found = evaluate(ground_of(test, frames), made, np.arange(2))

    for number in range(2):
        own = Backtest(SMA_CROSS(made.set(number)), Timeframe.M1, allow_holes=True).run(frames)
        figures = [own.metrics[name] for name in COLUMNS]
        assert found.values[number, 0] == own.final_value
        np.testing.assert_allclose(found.values[number], figures, rtol=1e-9, atol=1e-12)


def test_a_window_is_cut_out_as_a_backtest_does():
    frames = {SYMBOL: frame(300)}
    stamps = frames[SYMBOL]["timestamp"].astype("int64") // (1 if frames[SYMBOL]["timestamp"].dt.unit == "us" else 1_000)
    test = Backtest(SMA_CROSS({}), Timeframe.M1, start_us=int(stamps[49]), end_us=int(stamps[249]))
    tried = ground_of(test, frames)

    assert len(tried.market) == 200
    assert evaluate(tried, space(fast="10", slow="30"), np.array([0])).values[0, 0] == test.run(frames).final_value


def test_a_set_that_raises_is_a_row_without_figures():
    tried, made = ground(strategy=Picky), space_of(Picky)
    found = evaluate(tried, made, np.arange(len(made)))

    assert np.flatnonzero(np.isnan(found.values).all(axis=1)).tolist() == [6]
    assert np.flatnonzero(found.failed).tolist() == [6]
    assert found.errors == {6: "ZeroDivisionError: seven is out of luck"}


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (SystemExit("bye"), "SystemExit: bye"),
        (ValueError("no\0 text\nfor \ud800 a database \x1b[31m"), "ValueError: no  text for   a database  [31m"),
    ],
)
def test_what_a_set_raises_does_not_end_the_others_and_can_be_kept(monkeypatch, raised, words):
    tried, made = ground(strategy=Picky), space_of(Picky, {"every": "2,7"})

    def fail(self, data) -> np.ndarray:
        if self.every == 7:
            raise raised
        return np.ones(len(data))

    monkeypatch.setattr(Picky, "targets", fail)
    found = evaluate(tried, made, np.arange(2))

    assert found.errors == {1: words}
    assert found.failed.tolist() == [False, True]


def test_figures_do_not_depend_on_what_else_is_evaluated():
    tried, made = ground(), space()
    together = evaluate(tried, made, np.arange(len(made))[::-1])
    alone = [evaluate(tried, made, np.array([number])).values[0] for number in (3, 50)]

    assert [together.values[len(made) - 1 - number].tobytes() for number in (3, 50)] == [row.tobytes() for row in alone]


def test_an_evaluation_stops_when_asked():
    asked = iter([False, True])

    with pytest.raises(Interrupted):
        evaluate(ground(), space(), np.arange(5), stopped=lambda: next(asked))


def test_a_metric_that_cannot_rank_is_refused():
    with pytest.raises(
        InputError, match=r"metric 'sharp_ratio' cannot rank a sweep; expected one of .*did you mean 'sharpe_ratio'"
    ):
        column_of("sharp_ratio")
    with pytest.raises(InputError, match="cannot rank"):
        column_of("trades_a_day")


def test_a_strategy_without_parameters_is_one_set():
    hold = Registry().get("buy_and_hold")
    found = evaluate(ground(strategy=hold), space_of(hold, {}), np.arange(1))

    assert found.values[0, 0] == Backtest(hold({}), Timeframe.M1).run({SYMBOL: frame(400)}).final_value
