from math import inf, nan
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.bots.answers import LONGEST_REASON, MOST_INDICATORS, completed, plain, refusal
from trading.signal import Action, Signal

SYMBOL, CLOSE_US = "OKX:BTC-USDT", 1_723_161_600_000_000  # 2024-08-09T00:00:00Z
AT_CLOSE = "expected the close of the candle, 2024-08-09T00:00:00Z, found"
GOOD: dict[str, Any] = {
    "action": Action.BUY, "confidence": 0.5, "price": 60_000.0, "timestamp_us": CLOSE_US, "symbol": SYMBOL,
    "indicators": {"rsi": 28.0}, "reason": "RSI 28 is below 30", "target": 1.0,
}  # fmt: skip


def told(said: object) -> str | None:
    return refusal(said, symbol=SYMBOL, timestamp_us=CLOSE_US)


def whole(signal: Signal) -> Signal:
    return completed(signal, symbol=SYMBOL, timestamp_us=CLOSE_US, close=60_000.0)


def changed(field: str, value: object) -> Signal:
    signal = Signal(**GOOD)
    msgspec.structs.force_setattr(signal, field, value)
    return signal


def test_a_signal_that_says_all_is_accepted_and_not_changed():
    assert told(Signal(**GOOD)) is None
    assert whole(Signal(**GOOD)) == Signal(**GOOD)


def test_what_a_signal_leaves_out_is_filled_in():
    signal = Signal(action=Action.BUY, target=1.0)

    assert told(signal) is None
    assert whole(signal) == Signal(action=Action.BUY, target=1.0, symbol=SYMBOL, timestamp_us=CLOSE_US, price=60_000.0)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (None, "expected a Signal, found None"),
        (nan, "expected a Signal, found nan, a float"),
        (1, "expected a Signal, found 1, an int"),
        (True, "expected a Signal, found True, a bool"),
        ("buy", "expected a Signal, found 'buy', a str"),
        (pd.DataFrame(), "expected a Signal, found a DataFrame"),
        (np.ones(3), "expected a Signal, found a ndarray"),
        (Signal, "expected a Signal, found a StructMeta"),
    ],
)
def test_what_is_no_signal_is_refused(said: object, found: str):
    assert told(said) == found


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("action", "jump", "expected the action buy, sell or hold, found 'jump', a str"),
        ("action", 1, "expected the action buy, sell or hold, found 1, an int"),
        ("symbol", "OKX:ETH-USDT", "expected the symbol OKX:BTC-USDT, found 'OKX:ETH-USDT', a str"),
        ("symbol", None, "expected the symbol OKX:BTC-USDT, found None"),
        ("timestamp_us", CLOSE_US + 1, f"a signal from the future: {AT_CLOSE} 2024-08-09T00:00:00.000001Z"),
        ("timestamp_us", 10**30, f"from the future: {AT_CLOSE} 1e+30 microseconds"),
        ("timestamp_us", CLOSE_US - 60_000_000, f"a signal from the past: {AT_CLOSE} 2024-08-08T23:59:00Z"),
        ("timestamp_us", -5, "from the past"),
        ("timestamp_us", float(CLOSE_US), "expected the timestamp in whole microseconds, found"),
        ("price", nan, "expected a price above 0, found nan"),
        ("price", 0.0, "expected a price above 0, found 0.0"),
        ("price", -1.0, "expected a price above 0, found -1.0"),
        ("price", inf, "expected a price above 0, found inf"),
        ("price", "60000", "expected a price above 0, found '60000', a str"),
        ("confidence", nan, "expected a confidence from 0 to 1, found nan"),
        ("confidence", 1.1, "expected a confidence from 0 to 1, found 1.1"),
        ("confidence", -0.1, "expected a confidence from 0 to 1, found -0.1"),
        ("target", inf, "found inf"),
        ("target", -inf, "found -inf"),
        ("target", 1.1e6, "expected a target from -1e+06 to 1e+06, or NaN, found 1100000.0"),
        ("target", 10**400, "expected a target"),
        ("target", None, "expected a target"),
        ("indicators", None, "expected indicators as numbers by name, found None"),
        ("indicators", {"rsi": "28"}, "expected a number as indicator 'rsi', found '28', a str"),
        ("indicators", {"rsi": None}, "expected a number as indicator 'rsi', found None"),
        ("indicators", {"rsi": 1j}, "expected a number as indicator 'rsi', found a complex"),
        ("indicators", {7: 1.0}, "expected a text as the name of an indicator, found 7"),
        ("indicators", {str(n): 1.0 for n in range(MOST_INDICATORS + 1)}, "at most 1000 indicators, found 1001"),
        ("reason", None, "expected a text as the reason, found None"),
        ("reason", b"text", "expected a text as the reason, found a bytes"),
    ],
)  # fmt: skip
def test_what_none_can_act_on_is_refused_with_what_was_expected(field: str, value: object, found: str):
    assert found in (told(changed(field, value)) or "accepted")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("action", "buy"), ("symbol", ""), ("timestamp_us", np.int64(CLOSE_US)), ("price", np.float64(1.0)), ("target", nan),
        ("target", -1e6),
        ("target", np.int64(1)), ("indicators", {"rsi": np.float32(1.5), "warming": nan, "flag": True}),
        ("confidence", np.float64(1.0)),
    ],
)  # fmt: skip
def test_numbers_of_other_kinds_become_plain_ones(field: str, value: object):
    signal = changed(field, value)

    assert told(signal) is None
    made = msgspec.to_builtins(whole(signal))
    assert msgspec.convert(made, Signal, strict=True).action is Action.BUY
    assert {type(made[name]) for name in ("confidence", "price", "target")} == {float}
    assert {type(number) for number in made["indicators"].values()} <= {float}


def test_a_price_is_filled_in_only_where_no_timestamp_is_given():
    assert whole(changed("timestamp_us", 0)).price == 60_000.0
    assert told(Signal(action=Action.BUY, timestamp_us=CLOSE_US)) == "expected a price above 0, found nan, a float"


def test_a_long_reason_is_cut():
    made = whole(changed("reason", "x" * (LONGEST_REASON + 1))).reason

    assert (len(made), made[-2:]) == (LONGEST_REASON, "x…")
    assert whole(changed("reason", "x" * LONGEST_REASON)).reason == "x" * LONGEST_REASON


@given(st.text(st.characters()))
def test_what_is_kept_of_a_text_every_store_takes(text: str):
    kept = plain(text)

    assert "\0" not in kept
    assert kept.encode("utf-8").decode("utf-8") == kept
    assert len(kept) <= 200


@given(st.one_of(st.none(), st.floats(), st.text(), st.integers()), st.sampled_from(list(GOOD)))
def test_whatever_a_field_holds_is_refused_or_made_whole(value: object, field: str):
    signal = changed(field, value)

    if told(signal) is None:
        msgspec.convert(msgspec.to_builtins(whole(signal)), Signal, strict=True)
