"""The doctor is asked as a process of its own, from whatever folder the page was started in."""

import os
from pathlib import Path

import pytest

from app.data import doctor
from app.data.doctor import NoAnswer, run_doctor


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return another folder, which has a package of our name that must not be run."""
    for name in [name for name in os.environ if name.startswith("TCPDASH_")]:
        monkeypatch.delenv(name)
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli" / "__init__.py").touch()
    (tmp_path / "cli" / "__main__.py").write_text("print('[]')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TCPDASH_HOME", str(tmp_path / "home"))
    return tmp_path


def test_it_says_what_it_found_from_another_folder(elsewhere: Path) -> None:
    found = {each.subject: each for each in run_doctor()}

    assert found["home"].found.startswith(str(elsewhere / "home"))
    assert (found["system"].state, found["system"].fix) == ("warning", "start it with `tcpdash up` or `tcpdash demo`")


def test_something_bad_is_an_answer_too(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TCPDASH_DATABASE__URL", "mysql://somewhere")

    (found,) = run_doctor()

    assert (found.subject, found.state) == ("settings", "bad")


def test_one_that_does_not_end_is_ended(elsewhere: Path) -> None:
    with pytest.raises(NoAnswer, match=r"did not end within 0\.001 s"):
        run_doctor(limit_seconds=0.001)


def test_one_that_says_nothing_to_be_read_is_told_without_what_it_printed(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_ROOT", elsewhere)
    (elsewhere / "cli" / "__main__.py").write_text("raise SystemExit('Traceback: secret')")

    with pytest.raises(NoAnswer, match="ended with exit code 1") as caught:
        run_doctor()

    assert "secret" not in str(caught.value)
