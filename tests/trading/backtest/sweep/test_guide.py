"""Optuna as a guide."""

import numpy as np

from tests.trading.backtest.sweep.grounds import space
from trading.backtest.sweep import Axis, Guide, Space


def asked(made: Space, *, seed: int, rounds: int = 4, count: int = 10, higher: bool = True) -> list[int]:
    """Return what a guide asks for while the value of a set is how near its fast average is to 7."""
    guide, found = Guide(made, seed=seed, higher_is_better=higher), []
    for _ in range(rounds):
        numbers = guide.ask(count).tolist()
        guide.tell(numbers, [-abs(made.set(number)["fast"] - 7.0) * (1 if higher else -1) for number in numbers])
        found += numbers
    return found


def test_the_same_seed_and_results_give_the_same_sets():
    assert asked(space(), seed=3) == asked(space(), seed=3)
    assert asked(space(), seed=3) != asked(space(), seed=4)


def test_no_set_is_asked_for_twice_and_none_is_left():
    made = space()
    found = asked(made, seed=1, rounds=20)

    assert sorted(found) == list(range(len(made)))


def test_sets_that_break_a_relation_are_not_asked_for():
    made = space(fast="2:20", slow="2:20")
    fast = [made.set(number) for number in asked(made, seed=1)]

    assert all(each["fast"] < each["slow"] for each in fast)


def test_a_guide_comes_near_what_is_good():
    made = space(fast="1:60", slow="100:200")
    for higher in (True, False):
        found = np.array([made.set(number)["fast"] for number in asked(made, seed=1, rounds=8, higher=higher)])

        assert np.abs(found[:10] - 7).mean() > 1.5 * np.abs(found[-20:] - 7).mean()


def test_what_failed_is_told_as_nothing():
    made = Space(axes=(Axis(name="kind", values=("a", "b", "c")), Axis(name="on", values=(False, True))))
    guide = Guide(made, seed=1, higher_is_better=True)
    first = guide.ask(4)
    guide.tell(first.tolist(), [float("nan"), 1.0, float("nan"), float("inf")])

    assert sorted([*first.tolist(), *guide.ask(9).tolist()]) == list(range(6))
