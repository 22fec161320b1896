"""The search, round by round."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from tests.trading.backtest.sweep.grounds import ground, space
from trading.backtest.sweep import Chunk, Rows, Sampler, evaluate, plan_of, search, search_here, try_chunk
from trading.backtest.sweep.evaluation import COLUMNS, Interrupted


@pytest.mark.parametrize("sampler", list(Sampler))
def test_chunks_that_come_back_in_any_order_give_the_same(sampler):
    tried = ground(200)
    plan = plan_of(space(), tried, sampler=sampler, sets=None if sampler is Sampler.GRID else 90)
    plan = plan if sampler is Sampler.OPTUNA else replace(plan, chunk=20)

    def backwards(chunks: Iterator[Chunk]) -> Iterator[Rows]:
        return (try_chunk(tried, plan, chunk) for chunk in list(chunks)[::-1])

    one, other = search_here(tried, plan), search(tried, plan, backwards)

    assert one.numbers.tolist() == other.numbers.tolist()
    assert one.values.tobytes() == other.values.tobytes()
    assert (one.sets, one.trials, one.deflated) == (plan.sets, other.trials, other.deflated)


def test_a_grid_has_the_best_of_all():
    tried, made = ground(200), space()
    whole = evaluate(tried, made, np.arange(len(made))).values[:, COLUMNS.index("total_return")]
    found = search_here(tried, plan_of(made, tried, metric="total_return"))

    assert found.figures(0)["total_return"] == whole.max()
    assert found.parameters(0) == made.set(int(whole.argmax()))


def test_a_search_stops_when_asked():
    tried = ground(200)

    with pytest.raises(Interrupted):
        search_here(tried, plan_of(space(), tried), stopped=lambda: True)
