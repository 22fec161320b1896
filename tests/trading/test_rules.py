"""Rules as a person writes them, and what is refused of them."""

import pytest

from market.errors import InputError
from trading.fills import Slippage
from trading.rules import FillAt, Rules, Sizing, rules_from


def test_texts_become_what_the_rules_take():
    given = {
        "stop-loss": "0.05",
        "slippage": "basis-points",
        "slippage_amount": "5",
        "short": "yes",
        "fill_at": "close",
        "time_exit": "3",
    }

    assert rules_from(given) == Rules(
        stop_loss=0.05, slippage=Slippage.BASIS_POINTS, slippage_amount=5.0, short=True, fill_at=FillAt.CLOSE, time_exit=3
    )


def test_values_of_json_and_of_rules_are_taken_too():
    given = {"short": False, "size": 2, "time_exit": 4.0, "sizing": Sizing.VALUE, "fill_at": FillAt.NEXT_OPEN}

    assert rules_from(given) == Rules(size=2.0, time_exit=4, sizing=Sizing.VALUE)


def test_what_is_not_given_is_as_before():
    assert rules_from({"size": 0.5}, Rules(taker_fee=0.002)) == Rules(taker_fee=0.002, size=0.5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"stop_los": 1}, r"rule 'stop_los' is not one of .*; did you mean 'stop_loss'\?"),
        ({"slippage": "basis-point"}, r"rule slippage is 'basis-point'; expected was one of none, .*did you mean 'basis-points'\?"),
        ({"short": "maybe"}, "rule short is 'maybe'; expected was true or false"),
        ({"time_exit": "2.5"}, "rule time_exit is '2.5'; expected was a whole number"),
        ({"size": "much"}, "rule size is 'much'; expected was a number"),
        ({"size": True}, "rule size is True; expected was a number"),
        ({"size": float("nan")}, "rule size is nan; expected was a number"),
        ({"stop_loss": None}, "rule stop_loss is None; expected was a number"),
        ({"taker_fee": 5}, "rule taker_fee is 5; expected was a number from 0 to 0.1"),
        ({"volatility_bars": 1}, "rule volatility_bars is 1; expected was a number from 2"),
    ],
)
def test_what_cannot_be_is_refused_by_name(given, message):
    with pytest.raises(InputError, match=message):
        rules_from(given)
