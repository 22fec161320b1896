"""Ranges as people type them."""

import pytest

from market.errors import InputError
from trading.backtest.sweep.ranges import values_of
from trading.parameters import Kind, Parameter

BARS = Parameter(name="bars", kind=Kind.WHOLE, default=5, low=1, high=100)
SHARE = Parameter(name="share", kind=Kind.NUMBER, default=0.1, low=0, high=1)
KIND = Parameter(name="kind", kind=Kind.CHOICE, default="ema", choices=("ema", "sma"))
FLAG = Parameter(name="flag", kind=Kind.FLAG, default=False)


@pytest.mark.parametrize(
    ("parameter", "text", "values"),
    [
        (BARS, "5:20:5", (5, 10, 15, 20)),
        (BARS, "5:19:5", (5, 10, 15)),
        (BARS, "3:5", (3, 4, 5)),
        (BARS, " 9, 3 ,9", (9, 3)),
        (BARS, "7", (7,)),
        (SHARE, "0.1:0.3:0.1", (0.1, 0.2, 0.3)),
        (KIND, "sma,ema", ("sma", "ema")),
        (FLAG, "true,false", (True, False)),
    ],
)
def test_a_range_is_read_as_it_is_meant(parameter, text, values):
    found = values_of(text, parameter, "cross")

    assert found == values
    assert [type(one) for one in found] == [type(one) for one in values]


@pytest.mark.parametrize(
    ("parameter", "text", "words"),
    [
        (BARS, "5:x", r"range of bars of cross is '5:x'; expected low:high:step"),
        (BARS, "1:2:3:4", r"expected low:high:step"),
        (BARS, "5:nan", r"expected low:high:step"),
        (BARS, ",", r"expected low:high:step"),
        (BARS, "9:5", r"range 9:5 of bars of cross has no value"),
        (BARS, "1:5:0", r"a step above 0"),
        (BARS, "0:1e9", r"range 0:1e9 of bars of cross has more than 1,000,000 values"),
        (BARS, "1:1e400000:1", r"has more than 1,000,000 values"),
        (BARS, "1:1e1000000:1", r"has more than 1,000,000 values"),
        (BARS, "1:2:1e-1000000", r"has more than 1,000,000 values"),
        (BARS, "50:150:50", r"parameter bars of cross: expected a whole number from 1 to 100, found '150'"),
        (BARS, "1:2:0.5", r"expected a whole number"),
        (KIND, "sma,emma", r"expected one of ema, sma, found 'emma'; did you mean 'ema'"),
    ],
)
def test_what_is_no_range_is_refused_in_words(parameter, text, words):
    with pytest.raises(InputError, match=words):
        values_of(text, parameter, "cross")
