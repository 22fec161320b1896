"""How long a page waits for its browser."""

import pytest

from app.index_page import BEGAN
from app.views import painting
from app.views.painting import LONGEST_SECONDS, is_painted, let_paint, pause_seconds

AT = 1_795_000_000_000_000


@pytest.mark.parametrize(
    ("took_seconds", "pause"), [(0.1, 0.4), (0.4, 0.4), (0.9, 0.9), (1.5, 1.5), (40.0, LONGEST_SECONDS), (-5.0, 0.4)]
)
def test_a_browser_is_given_as_long_as_it_took_to_begin_within_limits(
    monkeypatch: pytest.MonkeyPatch, took_seconds: float, pause: float
) -> None:
    monkeypatch.setattr(painting, "PAUSE_SECONDS", 0.4)

    assert pause_seconds({BEGAN: str(AT - round(took_seconds * 1e6))}, AT) == pytest.approx(pause)


@pytest.mark.parametrize("cookie", [None, "", "soon", "-1", "1e9", "\N{ARABIC-INDIC DIGIT ONE}", "9" * 5_000])
def test_what_no_document_of_ours_said_changes_nothing(monkeypatch: pytest.MonkeyPatch, cookie: str | None) -> None:
    monkeypatch.setattr(painting, "PAUSE_SECONDS", 0.4)

    assert pause_seconds({} if cookie is None else {BEGAN: cookie}, AT) == 0.4


class Chosen(BaseException):
    """What Streamlit raises where a run has to end for the next one, when its state is read."""


class State(dict[str, object]):
    """The state of a session in which somebody chooses something during the third look at it."""

    looks = 0

    def get(self, key: str, default: object = None) -> object:
        self.looks += 1
        if self.looks > 3:
            raise Chosen
        return super().get(key, default)


def test_a_choice_ends_the_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(painting, "PAUSE_SECONDS", 3_600.0)
    monkeypatch.setattr(painting.st, "session_state", State())

    with pytest.raises(Chosen):
        let_paint("table")


def test_each_part_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(painting, "PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(painting.time, "sleep", slept.append)
    monkeypatch.setattr(painting.st, "session_state", {})

    let_paint("table")
    first = len(slept)
    let_paint("table")

    assert 0 < first == len(slept)
    assert is_painted("table")
    assert not is_painted("chart")
