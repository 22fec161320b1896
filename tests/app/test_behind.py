"""A question that may take long is asked beside the page, once for all, and its last answer stays."""

import threading

import pytest

from app import behind
from app.behind import Behind, Heard
from market.errors import InputError


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(behind, "monotonic", clock)
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

    assert (broken.answer, broken.failed) == ("a", "it could not be asked; the log of the page says why")
    assert "ZeroDivisionError" in caplog.text
    assert (refused.answer, refused.failed) == ("a", "no such thing")


def _said(answer: str | Exception) -> str:
    if isinstance(answer, Exception):
        raise answer
    return answer
