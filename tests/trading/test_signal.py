from datetime import UTC, datetime
from math import isnan, nan

import msgspec
import pytest

from trading.signal import Action, Signal, SignalError, action_of


@pytest.mark.parametrize(
    ("target", "action", "confidence"),
    [
        (nan, Action.HOLD, 0.0),
        (0.25, Action.BUY, 0.25),
        (3.0, Action.BUY, 1.0),
        (0.0, Action.SELL, 1.0),
        (-0.0, Action.SELL, 1.0),
        (-0.5, Action.SELL, 0.5),
        (-2.0, Action.SELL, 1.0),
    ],
)
def test_a_wanted_position_stands_for_an_action(target: float, action: Action, confidence: float):
    assert action_of(target) == (action, confidence)


@pytest.mark.parametrize(("action", "wanted"), [(Action.BUY, 1.0), (Action.SELL, 0.0)])
def test_an_action_without_a_target_asks_for_all_or_nothing(action: Action, wanted: float):
    assert Signal(action=action).wanted == wanted


def test_hold_asks_for_nothing():
    assert isnan(Signal(action=Action.HOLD).wanted)


def test_a_target_says_more_than_the_action():
    assert Signal(action=Action.SELL, target=-0.5).wanted == -0.5


@pytest.mark.parametrize("confidence", [-0.1, 1.1, nan])
def test_a_confidence_outside_its_bounds_is_refused(confidence: float):
    with pytest.raises(SignalError, match="from 0 to 1"):
        Signal(action=Action.BUY, confidence=confidence)


def test_a_signal_cannot_be_changed():
    with pytest.raises(AttributeError):
        Signal(action=Action.BUY).action = Action.SELL


def test_a_signal_can_be_sent_and_read_again():
    signal = Signal(action=Action.BUY, confidence=0.5, price=2.0, timestamp_us=7, symbol="OKX:BTC-USDT", target=1.0, reason="up")

    assert msgspec.json.decode(msgspec.json.encode(signal), type=Signal) == signal


def test_two_signals_do_not_share_their_indicators():
    first, second = Signal(action=Action.HOLD), Signal(action=Action.HOLD)

    assert first.indicators is not second.indicators


def test_a_signal_says_its_time_for_people_too():
    assert Signal(action=Action.HOLD, timestamp_us=1_723_161_240_000_000).timestamp == datetime(2024, 8, 8, 23, 54, tzinfo=UTC)
