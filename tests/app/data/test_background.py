"""Long work is done one after the other, once for all who ask, and never raises into a page."""

import sys
import threading

import pytest

from app.data import background as module
from app.data.background import Background, Done, Failed, Pending
from market.errors import InputError


def until(ask, patience=2_000):
    for _ in range(patience):
        found = ask()
        if not isinstance(found, Pending):
            return found
        threading.Event().wait(0.005)
    raise AssertionError("it never ended")


def test_a_call_is_made_once_for_all_who_ask_and_again_once_it_is_forgotten():
    work, calls = Background(), []

    def call():
        calls.append(1)
        return len(calls)

    assert until(lambda: work.ask(("a",), call)) == Done(result=1)
    assert work.ask(("a",), call) == Done(result=1)
    assert work.peek(("a",)) == Done(result=1)
    work.forget(("a",))
    assert work.peek(("a",)) is None
    assert until(lambda: work.ask(("a",), call)) == Done(result=2)


def test_one_at_a_time_and_who_waits_knows_how_many_come_before():
    work, gate = Background(), threading.Event()
    work.ask(("a",), gate.wait)

    assert isinstance(work.ask(("b",), lambda: "b"), Pending)
    third = work.ask(("c",), lambda: "c")
    assert isinstance(third, Pending)
    assert third.ahead == 2
    gate.set()

    assert until(lambda: work.ask(("c",), lambda: "c")) == Done(result="c")


def test_too_much_is_refused_and_can_be_asked_for_later():
    work, gate = Background(), threading.Event()
    for number in range(module.MOST_WAITING):
        work.ask((number,), gate.wait)

    refused = work.ask(("more",), lambda: 1)

    assert isinstance(refused, Failed)
    assert "try again" in refused.reason
    gate.set()
    until(lambda: work.ask((module.MOST_WAITING - 1,), gate.wait))
    assert until(lambda: work.ask(("more",), lambda: 1)) == Done(result=1)


def test_what_is_wrong_is_told_in_words_and_nothing_of_what_is_unexpected(caplog: pytest.LogCaptureFixture):
    work = Background()

    def refused():
        raise InputError("expected this, found that")

    def broken():
        raise RuntimeError("password=secret")

    assert until(lambda: work.ask(("refused",), refused)) == Failed(reason="expected this, found that")
    assert until(lambda: work.ask(("ends",), lambda: sys.exit(3))) == until(lambda: work.ask(("broken",), broken))
    assert "secret" not in until(lambda: work.ask(("broken",), broken)).reason
    assert "secret" in caplog.text


def test_what_hangs_is_given_up_and_the_rest_goes_on():
    work, gate = Background(limit_seconds=0.02), threading.Event()
    work.ask(("hangs",), gate.wait)

    assert until(lambda: work.ask(("next",), lambda: 1)) == Done(result=1)
    hung = work.ask(("hangs",), gate.wait)
    assert isinstance(hung, Failed)
    assert "given up" in hung.reason
    gate.set()
    assert work.ask(("hangs",), gate.wait) == hung


def test_what_is_old_or_too_much_is_forgotten(monkeypatch: pytest.MonkeyPatch):
    now = [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    work = Background()
    for number in range(module.MOST_KEPT + 3):
        until(lambda number=number: work.ask((number,), lambda: 1))
    assert work.peek((0,)) is None
    assert work.peek((module.MOST_KEPT + 2,)) == Done(result=1)

    now[0] += module.KEPT_SECONDS + 1

    assert work.peek((module.MOST_KEPT + 2,)) is None
