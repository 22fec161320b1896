import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import InputError
from trading.parameters import Kind, Parameters, snake_case


class Sample(Parameters):
    def __init__(self, parameters):
        super().__init__(parameters)
        self.fast = self.whole("fast", 10, low=1, high=50, sweep=range(5, 20, 5), about="bars of the fast average")
        self.slow = self.whole("slow", 30, low=2)
        self.width = self.number("width", 2, low=0.5, high=4)
        self.source = self.choice("source", "close", choices=("open", "close"))
        self.short = self.flag("short", False)
        self.below("fast", "slow")


def test_what_is_not_given_has_its_default():
    assert Sample().parameters == {"fast": 10, "slow": 30, "width": 2.0, "source": "close", "short": False}


@pytest.mark.parametrize(
    ("given_", "name", "value"),
    [
        ({"fast": 7}, "fast", 7),
        ({"fast": 7.0}, "fast", 7),
        ({"fast": "7"}, "fast", 7),
        ({"fast": np.int64(7)}, "fast", 7),
        ({"fast": 1}, "fast", 1),
        ({"slow": 10**6}, "slow", 10**6),
        ({"width": 3}, "width", 3.0),
        ({"width": "0.5"}, "width", 0.5),
        ({"width": np.float32(1.5)}, "width", 1.5),
        ({"source": "open"}, "source", "open"),
        ({"short": True}, "short", True),
        ({"short": "yes"}, "short", True),
        ({"short": "False"}, "short", False),
    ],
)
def test_a_value_comes_as_its_kind(given_, name, value):
    found = Sample(given_).parameters[name]

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"fast": 0}, "parameter fast of sample: expected a whole number from 1 to 50, found 0"),
        ({"fast": 51}, "parameter fast of sample: expected a whole number from 1 to 50, found 51"),
        ({"fast": 7.5}, "expected a whole number from 1 to 50, found 7.5"),
        ({"fast": "ten"}, "found 'ten'"),
        ({"fast": True}, "found True"),
        ({"fast": None}, "found None"),
        ({"fast": [7]}, r"found \[7\]"),
        ({"slow": 1}, "parameter slow of sample: expected a whole number from 2, found 1"),
        ({"slow": "1e999"}, "found '1e999'"),
        ({"width": "nan"}, "expected a number from 0.5 to 4, found 'nan'"),
        ({"width": 10**400}, "expected a number from 0.5 to 4"),
        ({"width": np.True_}, "found np.True_"),
        ({"source": "clos"}, "expected one of open, close, found 'clos'; did you mean 'close'"),
        ({"source": 1}, "expected one of open, close, found 1"),
        ({"short": 1}, "expected true or false, found 1"),
        ({"short": "maybe"}, "expected true or false, found 'maybe'"),
        ({"fsat": 7}, "sample has no parameter 'fsat'; it has fast, slow, width, source, short; did you mean 'fast'"),
        ({"fast": 30}, "parameter fast of sample: expected less than slow, which is 30, found 30"),
        ({"slow": 5}, "parameter fast of sample: expected less than slow, which is 5, found 10"),
    ],
)
def test_a_wrong_or_unknown_value_is_refused_by_name(given_, message):
    with pytest.raises(InputError, match=message):
        Sample(given_)


@pytest.mark.parametrize("wrong", [[("fast", 7)], "fast=7", 7])
def test_parameters_are_a_mapping(wrong):
    with pytest.raises(InputError, match="mapping of names to values"):
        Sample(wrong)


def test_what_is_declared_can_be_listed_from_the_class():
    fast, slow, width, source, short = Sample.declared()

    assert (fast.name, fast.kind, fast.low, fast.high, fast.default) == ("fast", Kind.WHOLE, 1, 50, 10)
    assert (fast.sweep, fast.about) == ((5, 10, 15), "bars of the fast average")
    assert (slow.high, slow.sweep) == (None, (30,))  # a sweep that is told nothing keeps the default
    assert (width.kind, width.default, width.expected) == (Kind.NUMBER, 2.0, "a number from 0.5 to 4")
    assert (source.choices, short.kind) == (("open", "close"), Kind.FLAG)


def test_relations_can_be_listed():
    assert Sample().relations == (("fast", "slow"),)


def test_values_given_are_not_the_callers_own():
    given_ = {"fast": 7}
    sample = Sample(given_)
    given_["fast"] = 9

    assert sample.parameters["fast"] == 7


def test_a_parameter_is_declared_once():
    class Twice(Parameters):
        def __init__(self, parameters):
            super().__init__(parameters)
            self.flag("short", False)
            self.flag("short", True)

    with pytest.raises(InputError, match="declared twice"):
        Twice()


@pytest.mark.parametrize("declaration", [{"default": 0}, {"default": 5, "sweep": (5, 11)}])
def test_a_default_or_a_sweep_outside_the_bounds_is_refused(declaration):
    class Wrong(Parameters):
        def __init__(self, parameters):
            super().__init__(parameters)
            self.whole("length", low=1, high=10, **declaration)

    with pytest.raises(InputError, match="parameter length of wrong: expected a whole number from 1 to 10"):
        Wrong()


@given(st.integers(1, 29))
def test_values_of_parameters_are_parameters_again(fast: int):
    sample = Sample({"fast": fast})

    assert Sample(sample.parameters).parameters == sample.parameters


@pytest.mark.parametrize(
    ("name", "snake"),
    [("SmaCross", "sma_cross"), ("sma-cross", "sma_cross"), ("SMA cross", "sma_cross"), ("MACD", "macd"), ("SMACross", "sma_cross"),
     ("_Own2Lines", "own2_lines"), ("sma_cross", "sma_cross")],
)  # fmt: skip
def test_a_name_is_the_same_in_any_case(name: str, snake: str):
    assert snake_case(name) == snake
