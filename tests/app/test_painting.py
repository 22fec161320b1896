"""How long a page waits for its browser."""

import pytest

from app.index_page import BEGAN
from app.views import painting
from app.views.painting import LONGEST_SECONDS, pause_seconds

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
