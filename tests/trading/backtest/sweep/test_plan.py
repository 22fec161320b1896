"""Plans: which sets in which chunks."""

from dataclasses import replace

import numpy as np
import pytest

from market.errors import InputError
from tests.trading.backtest.sweep.grounds import SMA_CROSS, Picky, ground, space
from trading.backtest.sweep import Plan, Sampler, plan_of, space_of, try_chunk
from trading.backtest.sweep.plan import MOST_SHOWN


def plan(**changes) -> Plan:
    return replace(plan_of(space(), ground(50)), **changes)


@pytest.mark.parametrize("sampler", [Sampler.GRID, Sampler.RANDOM])
def test_each_set_is_in_one_chunk(sampler):
    made = plan(sampler=sampler, chunk=7)
    numbers = np.concatenate([made.numbers(chunk) for chunk in made.layout()])

    assert sorted(numbers.tolist()) == list(range(len(space())))
    assert [chunk.number for chunk in made.layout()] == list(range(made.chunks))
    assert (numbers.tolist() == sorted(numbers.tolist())) == (sampler is Sampler.GRID)


def test_fewer_sets_by_chance_are_the_first_of_more():
    few, more = (plan(sampler=Sampler.RANDOM, sets=sets, chunk=5) for sets in (10, 40))

    assert [few.numbers(chunk).tolist() for chunk in few.layout()] == [
        more.numbers(chunk).tolist() for _, chunk in zip(range(2), more.layout(), strict=False)
    ]


def test_a_round_that_a_guide_chose_goes_on_behind_the_one_before():
    made = plan(sampler=Sampler.OPTUNA, sets=80, chunk=10)
    chosen = np.arange(25) * 2
    chunks = list(made.layout(40, chosen))

    assert [(chunk.number, chunk.first, chunk.count) for chunk in chunks] == [(4, 40, 10), (5, 50, 10), (6, 60, 5)]
    assert np.concatenate([made.numbers(chunk) for chunk in chunks]).tolist() == chosen.tolist()


def test_a_chunk_takes_part_of_a_second_or_two_whatever_the_machine():
    wide = space(fast="1:1000", slow="2:1001")
    million = plan_of(wide, ground(720))
    slow = plan_of(space(), ground(720, strategy=Picky))

    assert len(wide) == 500_500
    assert (million.chunk, million.chunks) == (7_821, 64)
    assert slow.chunk == plan_of(space(), ground(720)).chunk == 3_801


def test_up_to_fifty_thousand_sets_all_rows_are_kept_and_of_more_all_that_can_be_shown():
    most, more, many = (plan_of(space(fast=f"1:{end}", slow=f"2:{end + 1}"), ground(720)) for end in (315, 316, 1_400))

    assert (most.sets, most.chunks) == (49_770, 14)
    assert most.kept >= most.chunk
    assert (more.sets, more.kept) == (50_086, 3_572)
    assert many.kept == MOST_SHOWN  # though all of the best may lie in one chunk


def test_the_best_rows_are_in_the_order_of_the_metric_then_of_their_numbers():
    values = np.full((5, 26), np.nan)
    values[:, 9] = [1.0, np.nan, 3.0, 1.0, 2.0]
    numbers = np.array([9, 8, 7, 6, 5])

    assert plan().best(numbers, values).tolist() == [2, 4, 3, 0, 1]
    values[:, 14] = [0.1, np.nan, 0.3, 0.1, 0.2]
    assert plan(metric="max_drawdown").best(numbers, values).tolist() == [3, 0, 4, 2, 1]


def test_rows_of_other_sets_do_not_fit_a_chunk():
    tried, made = ground(50), plan(chunk=4)
    chunk, other = list(made.layout())[:2]
    rows = try_chunk(tried, made, chunk)

    assert made.fits(chunk, rows)
    assert not made.fits(other, rows)
    assert not made.fits(chunk, replace(rows, sets=3))
    assert not made.fits(chunk, replace(rows, values=rows.values[:, :-1]))
    assert not made.fits(chunk, replace(rows, numbers=rows.numbers[:-1], values=rows.values[:-1]))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"sets": 5}, "a grid of .* sets is tried whole; leave --sets out"),
        ({"sampler": Sampler.RANDOM, "sets": 0}, "0 sets cannot be tried"),
        (
            {"sampler": Sampler.OPTUNA, "sets": 10_001, "of": space(fast="1:300", slow="2:301")},
            "expected at most 10,000, found 10,001",
        ),
        ({"metric": "luck"}, "metric 'luck' cannot rank"),
    ],
)
def test_what_cannot_be_tried_is_refused(asked, words):
    made = asked.pop("of", space())

    with pytest.raises(InputError, match=words):
        plan_of(made, ground(50), **asked)


def test_no_more_sets_are_tried_than_there_are():
    assert plan_of(space_of(SMA_CROSS, {"fast": "3", "slow": "5,6"}), ground(50), sampler=Sampler.RANDOM).sets == 2
