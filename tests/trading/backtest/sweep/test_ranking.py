"""The best sets, found chunk by chunk."""

from dataclasses import replace

import numpy as np
import pytest

from tests.trading.backtest.sweep.grounds import Picky, ground, space
from trading.backtest.metrics import Trials
from trading.backtest.sweep import COLUMNS, Ranking, evaluate, plan_of, ranking, search_here, space_of, try_chunk

SHARPE = COLUMNS.index("sharpe_ratio")


def test_the_order_in_which_chunks_come_does_not_matter():
    tried = ground()
    plan = replace(plan_of(space(), tried), chunk=11)
    rows = [try_chunk(tried, plan, chunk) for chunk in plan.layout()]
    found = []
    for order in (rows, rows[::-1]):
        one = Ranking(plan)
        for each in order:
            one.add(each)
        found.append(one.found(tried))

    assert found[0].numbers.tolist() == found[1].numbers.tolist()
    assert found[0].values.tobytes() == found[1].values.tobytes()
    assert (found[0].trials, found[0].deflated, found[0].sets) == (found[1].trials, found[1].deflated, len(space()))


def test_trials_are_those_of_all_sets():
    tried, made = ground(), space()
    plan = replace(plan_of(made, tried), chunk=11)
    one = Ranking(plan)
    for chunk in plan.layout():
        one.add(try_chunk(tried, plan, chunk))
    found = one.found(tried)
    sharpes = evaluate(tried, made, np.arange(len(made))).values[:, SHARPE] / np.sqrt(365 * 1_440)

    assert found.trials is not None
    assert found.trials.count == len(made)
    assert found.trials.variance == pytest.approx(sharpes.var(ddof=1), rel=1e-12)
    assert found.values[0, SHARPE] == found.values[:, SHARPE].max()
    assert found.figures(0)["sharpe_ratio"] == found.values[0, SHARPE]
    assert found.deflated < found.figures(0)["probabilistic_sharpe_ratio"]  # of many the best has to be better


def test_deflated_sharpe_ratio_is_that_of_the_sets_own_run():
    tried, made = ground(), space(fast="3", slow="20")
    value = ranking.deflated_sharpe_ratio(tried, made, 0, Trials(count=50, variance=1e-4))
    single = ranking.deflated_sharpe_ratio(tried, made, 0, Trials(count=1, variance=0.0))

    assert value < single
    assert single == evaluate(tried, made, np.array([0])).values[0, COLUMNS.index("probabilistic_sharpe_ratio")]


def test_only_the_best_rows_are_held(monkeypatch):
    monkeypatch.setattr(ranking, "MOST_KEPT", 12)
    tried = ground()
    plan = replace(plan_of(space(), tried), chunk=5)
    one = Ranking(plan)
    for chunk in plan.layout():
        one.add(try_chunk(tried, plan, chunk))
    found = one.found(tried)
    whole = evaluate(tried, plan.space, np.arange(len(plan.space))).values[:, SHARPE]

    assert found.values[:, SHARPE].tolist() == sorted(whole.tolist(), reverse=True)[:12]
    assert found.sets == len(plan.space)


def test_a_chunk_keeps_its_best_rows(monkeypatch):
    tried = ground()
    plan = replace(plan_of(space(), tried), chunk=40)
    monkeypatch.setattr(type(plan), "kept", 3)
    rows = try_chunk(tried, plan, next(plan.layout()))
    whole = evaluate(tried, plan.space, np.arange(40)).values[:, SHARPE]

    assert sorted(rows.values[:, SHARPE].tolist(), reverse=True) == sorted(whole.tolist(), reverse=True)[:3]
    assert rows.numbers.tolist() == sorted(rows.numbers.tolist())
    assert (rows.sets, rows.sharpes) == (40, 40)


def test_failed_and_undefined_sets_are_counted():
    tried = ground(strategy=Picky)
    made = space_of(Picky)
    plan = plan_of(made, tried)
    one = Ranking(plan)
    one.add(try_chunk(tried, plan, next(plan.layout())))
    found = one.found(tried)

    assert (found.sets, found.failed, found.undefined) == (12, 1, 1)
    assert found.errors == {6: "ZeroDivisionError: seven is out of luck"}
    assert np.isnan(found.values[-1]).all()


def test_nothing_is_best_where_no_set_has_a_figure():
    tried, made = ground(strategy=Picky), space_of(Picky, {"every": "7"})
    plan = plan_of(made, tried)
    one = Ranking(plan)
    one.add(try_chunk(tried, plan, next(plan.layout())))

    assert one.best() is None
    assert one.found(tried).trials is None
    assert np.isnan(one.found(tried).deflated)


def test_sets_with_too_few_trades_come_last_whatever_they_gained():
    tried, made = ground(400), space()
    plan = plan_of(made, tried)
    found = search_here(tried, plan)
    trades = found.values[:, COLUMNS.index("total_trades")]
    least = int(np.median(trades)) + 1

    strict = search_here(tried, replace(plan, least_trades=least))

    enough = strict.values[:, COLUMNS.index("total_trades")] >= least
    assert 0 < enough.sum() < len(enough)
    assert enough.tolist() == sorted(enough.tolist(), reverse=True)
    assert strict.numbers[enough].tolist() == found.numbers[trades >= least].tolist()
    assert replace(plan, least_trades=least).identity() != plan.identity()
