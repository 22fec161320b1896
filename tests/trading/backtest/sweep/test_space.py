"""Spaces of parameter sets."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import InputError
from tests.trading.backtest.sweep.grounds import SMA_CROSS, space
from trading.backtest.sweep import Axis, Space, space_of

AXES = ("a", "b", "c", "d")


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    axes = tuple(
        Axis(name=name, values=tuple(draw(st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True)))) for name in AXES
    )
    relations = draw(st.lists(st.sampled_from([("a", "b"), ("b", "d"), ("a", "c"), ("c", "d")]), max_size=3, unique=True))
    try:
        return Space(axes=axes, relations=tuple(relations))
    except InputError:
        return Space(axes=axes)


@given(spaces())
def test_a_space_has_each_set_that_breaks_no_relation_once(made):
    listed = [
        dict(zip(AXES, values, strict=True))
        for values in product(*(axis.values for axis in made.axes))
        if all(
            dict(zip(AXES, values, strict=True))[low] < dict(zip(AXES, values, strict=True))[high] for low, high in made.relations
        )
    ]
    found = [made.set(number) for number in range(len(made))]

    assert sorted(map(str, found)) == sorted(map(str, listed))
    assert made.raw == len(made) + made.left_out == np.prod([len(axis.values) for axis in made.axes])


@given(spaces())
def test_a_set_is_found_again_by_its_values(made):
    numbers = np.arange(len(made))

    assert made.numbers(made.places(numbers)).tolist() == numbers.tolist()


def test_a_set_that_breaks_a_relation_has_no_number():
    made = space(fast="10,20", slow="15,30")

    assert made.numbers(np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0]])).tolist() == [0, -1, 2]
    assert (len(made), made.left_out) == (3, 1)


def test_the_last_parameter_turns_fastest():
    made = space(fast="5,6", slow="20,30", short="false,true")

    assert [made.set(number) for number in (0, 1, 2)] == [
        {"fast": 5, "slow": 20, "short": False},
        {"fast": 5, "slow": 20, "short": True},
        {"fast": 5, "slow": 30, "short": False},
    ]


def test_declared_ranges_are_tried_where_none_is_given():
    made = space_of(SMA_CROSS, {"slow": "60"})

    assert [axis.values for axis in made.axes] == [tuple(range(5, 55, 5)), (60,), (False,)]


def test_a_space_of_many_sets_is_not_listed():
    made = Space(axes=tuple(Axis(name=str(number), values=tuple(range(1_000))) for number in range(6)))

    assert len(made) == 10**18
    assert made.set(123_456_789_012_345_678) == {"0": 123, "1": 456, "2": 789, "3": 12, "4": 345, "5": 678}


@pytest.mark.parametrize(
    ("ranges", "words"),
    [
        ({"fats": "5"}, "sma_cross has no parameter 'fats'; it has fast, slow, short; did you mean 'fast'"),
        ({"fast": "50:60", "slow": "20:40"}, "no parameter set of the 231 holds fast < slow"),
    ],
)
def test_a_space_that_cannot_be_is_refused(ranges, words):
    with pytest.raises(InputError, match=words):
        space_of(SMA_CROSS, ranges)


def test_more_sets_than_numbers_are_refused():
    with pytest.raises(InputError, match="more than can be counted"):
        Space(axes=tuple(Axis(name=str(number), values=tuple(range(1_000))) for number in range(7)))
