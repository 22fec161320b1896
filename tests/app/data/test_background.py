"""Long work is done one after the other, once for all who ask, and never raises into a page."""

import sys
import threading

import pytest

from app.data import background as module
from app.data.background import Background, Behind, Done, Failed, Heard, Pending
from market.errors import InputError
from tests.app.samples import Clock


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


def test_what_failed_is_done_again_for_who_asks_some_seconds_later_and_told_meanwhile(clock: Clock):
    work, outcomes = Background(), [InputError("the database does not answer"), None]

    def call():
        if (error := outcomes.pop(0)) is not None:
            raise error
        return "made"

    failed = until(lambda: work.ask(("a",), call))
    clock.now += module.FAILED_SECONDS - 1
    assert work.ask(("a",), call) == failed
    clock.now += 2

    assert work.peek(("a",)) == failed
    assert until(lambda: work.ask(("a",), call)) == Done(result="made")


def test_an_answer_may_be_wanted_fresh_and_the_last_one_is_there_meanwhile(clock: Clock):
    work, gate = Background(), threading.Event()
    until(lambda: work.ask(("a",), lambda: "first"))
    clock.now += 31

    assert work.ask(("a",), gate.wait) == Done(result="first")
    again = work.ask(("a",), gate.wait, fresh_seconds=30)

    assert isinstance(again, Pending)
    assert again.last == Done(result="first")
    gate.set()
    assert until(lambda: work.ask(("a",), gate.wait, fresh_seconds=30)) == Done(result=True)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", clock)
    return clock


def settled(question: Behind) -> Heard:
    """Return what a question says once its thread has ended, without asking again."""
    for thread in threading.enumerate():
        if thread.name == "test":
            thread.join(10)
    return question.look(oldest_seconds=float("inf"))


def test_nobody_waits_for_the_answer_and_it_is_there_later(clock: Clock) -> None:
    go = threading.Event()
    question = Behind("test", lambda: go.wait(10) and "yes", fresh_seconds=5)

    first = question.look()
    go.set()
    later = settled(question)

    assert (first.answer, first.at_us, first.asking) == (None, None, True)
    assert (later.answer, later.asking, later.failed) == ("yes", False, "")
    assert later.at_us is not None


def test_it_is_asked_once_however_many_look(clock: Clock) -> None:
    go, asked = threading.Event(), []
    question = Behind("test", lambda: asked.append(1) or go.wait(10), fresh_seconds=0)

    for _ in range(20):
        question.look()
    go.set()
    settled(question)

    assert len(asked) == 1


def test_an_answer_is_asked_for_again_when_it_is_too_old_or_somebody_wants_a_newer_one(clock: Clock) -> None:
    answers = iter("abc")
    question = Behind("test", lambda: next(answers), fresh_seconds=5)

    assert question.look(wait_seconds=10).answer == "a"
    settled(question)
    clock.now += 4
    assert (question.look().answer, question.look().asking) == ("a", False)
    assert question.look(oldest_seconds=3).answer == "a"
    assert settled(question).answer == "b"
    clock.now += 5
    assert question.look().answer == "b"
    assert settled(question).answer == "c"


def test_a_question_that_fails_says_why_and_keeps_what_it_knew(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    answers = iter(["a", ZeroDivisionError("no"), InputError("no such thing")])
    question = Behind("test", lambda: _said(next(answers)), fresh_seconds=0)

    question.look()
    settled(question)
    question.look()
    broken = settled(question)
    question.look()
    refused = settled(question)

    assert (broken.answer, broken.failed) == ("a", "it failed in an unexpected way; the log of the page says how")
    assert "ZeroDivisionError" in caplog.text
    assert (refused.answer, refused.failed) == ("a", "no such thing")


def _said(answer: str | Exception) -> str:
    if isinstance(answer, Exception):
        raise answer
    return answer


@pytest.fixture
def no_thread(monkeypatch):
    """Let the next thread not be started, as where there are too many, and those after it."""
    real = threading.Thread.start

    def fail(thread):
        monkeypatch.setattr(threading.Thread, "start", real)
        raise RuntimeError("can't start new thread")

    return lambda: monkeypatch.setattr(threading.Thread, "start", fail)


def test_a_thread_that_could_not_be_started_is_tried_again(no_thread):
    work = Background()
    no_thread()
    with pytest.raises(RuntimeError):
        work.ask(("a",), lambda: 1)

    assert work.peek(("a",)) is None
    assert until(lambda: work.ask(("a",), lambda: 1)) == Done(result=1)


def test_so_is_one_in_place_of_a_thread_that_was_given_up(no_thread, monkeypatch):
    clock, gate = Clock(), threading.Event()
    monkeypatch.setattr(module, "monotonic", clock)
    work, begun = Background(limit_seconds=10), threading.Event()
    work.ask(("long",), lambda: begun.set() or gate.wait())
    begun.wait()
    work.ask(("next",), lambda: 1)
    clock.now += 11
    no_thread()
    with pytest.raises(RuntimeError):
        work.peek(("next",))

    assert until(lambda: work.ask(("next",), lambda: 1)) == Done(result=1)
    gate.set()


def test_a_question_whose_thread_could_not_be_started_is_asked_again(no_thread):
    question = Behind("question", lambda: 1, fresh_seconds=0)
    no_thread()
    with pytest.raises(RuntimeError):
        question.look()

    assert question.look(wait_seconds=10).answer == 1
