"""Faults as text: what is read, and what is said of what is none."""

from dataclasses import replace
from pathlib import Path

import pytest

from market.clock import parse_time
from market.errors import InputError
from replay import Fault, FaultScript
from replay.faults import KINDS, parse_fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("drop", Fault(kind="drop")),
        ("drop:every=30,for=5", Fault(kind="drop", every=30, lasts=5)),
        (" rest-429: at = 10 , for=20,retry_after=3,", Fault(kind="rest-429", at=10, lasts=20, retry_after=3)),
        ("duplicate:p=0.05", Fault(kind="duplicate", p=0.05)),
        ("hole:at=2024-08-09T00:01:00,frames=3", Fault(kind="hole", moment_us=parse_time("2024-08-09T00:01:00"), frames=3)),
        ("clock:seconds=-5", Fault(kind="clock", seconds=-5)),
        ("rest-error:code=EAPI:Rate limit exceeded", Fault(kind="rest-error", code="EAPI:Rate limit exceeded")),
        ("zero-price:symbol=BTC-USDT,price=nan", Fault(kind="zero-price", symbol="BTC-USDT", price="nan")),
    ],
)
def test_a_text_is_a_fault(text, fault):
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dorp", r"fault 'dorp' is not one of drop, close-without-frame, .*; did you mean 'drop'\?"),
        ("", "fault '' is not one of drop"),
        ("drop:evry=3", r"drop has no value 'evry'; it has at, every, for, p; did you mean 'every'\?"),
        ("clock:at=3", "clock has no value 'at'; it has seconds"),
        ("drop:at=soon", "at is seconds or a moment as 2024-08-09T00:01:00, found 'soon'"),
        ("drop:every=often", "every is a number, found 'often'"),
        ("drop:every=nan", "every is a number, found 'nan'"),
        ("drop:every", "expected key=value, found 'every'; for example drop:at=10"),
        ("hole:frames", "for example hole:at=10,frames=1"),
        ("drop:every=1,every=2", "says 'every' twice"),
        ("drop:every=0", "fault drop:every is a number from 0.01 to 86400, found 0"),
        ("duplicate:p=2", "fault duplicate:p is a number from 0 to 1, found 2"),
        ("hole:frames=1.5", "fault hole:frames is a whole number from 1 to 1e\\+06, found 1.5"),
        ("slow:seconds=-1", "fault slow:seconds is not below zero, found -1; only a clock may be behind"),
        ("garbage:form=txt", r"is one of any, text, truncated, binary, nested, found 'txt'; did you mean 'text'\?"),
    ],
)
def test_what_is_no_fault_is_refused_with_what_would_be(text, said):
    with pytest.raises(InputError, match=said):
        parse_fault(text)


def test_a_value_is_checked_like_a_text():
    with pytest.raises(InputError, match="fault drop has no value 'retry_after'; it has at, every, for, p"):
        Fault(kind="drop", retry_after=3)
    with pytest.raises(InputError, match="begins at one time"):
        replace(Fault(kind="drop", at=3), moment_us=1)


def test_an_exchange_has_one_clock():
    with pytest.raises(InputError, match="one clock"):
        FaultScript(["clock:seconds=1", "clock:seconds=2"])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_at_work_and_is_in_the_document(kind):
    document = (Path(__file__).parents[3] / "docs" / "faults.md").read_text(encoding="utf-8")
    values = ",".join(f"{name}={value}" for name, value in KINDS[kind].values.items() if value != "")
    (fault,) = FaultScript([f"{kind}:{values}"]).faults
    row = next(line for line in document.splitlines() if line.startswith(f"| `{kind}` "))

    assert fault.kind == kind
    assert all(f"`{name}=" in row or f"`{name}`" in row for name in KINDS[kind].values)
    for example in row.split("`")[-2:-1]:
        assert parse_fault(example).kind == kind
