"""How the pages are started, when they are not, and how the hash of a password is made."""

import io
from pathlib import Path
from typing import Any

import pytest

from app import server
from app.sign_in.passwords import is_password
from cli import page
from settings import Settings
from tests.cli.command import Command

PASSWORD = "four words do well"


@pytest.fixture
def tcpdash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    monkeypatch.setenv("TCPDASH_HOME", str(tmp_path))
    monkeypatch.setenv("TCPDASH_CONFIG", "")
    return Command(monkeypatch, capsys)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return what would be served."""
    found: list[dict[str, Any]] = []

    def serve(settings: Settings, **how: Any) -> None:
        found.append({"address": settings.app.address, **how})

    monkeypatch.setattr(server, "serve", serve)
    return found


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, tcpdash: Command) -> Any:
    def type_in(text: str) -> Any:
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        return tcpdash("app", "password")

    return type_in


def test_pages_are_on_loopback_if_nobody_says_otherwise(tcpdash: Command, served: list[dict[str, Any]]):
    tcpdash.out("app")
    tcpdash.out("app", "--port", "9000")

    assert [(one["address"], one["port"]) for one in served] == [("127.0.0.1", 8501), ("127.0.0.1", 9000)]


def test_options_of_streamlit_keep_its_protection_and_send_nothing_out():
    options = server.options("127.0.0.1", 8501)

    assert options["server.address"] == "127.0.0.1"
    assert options["server.enableXsrfProtection"] is options["server.enableCORS"] is True
    assert options["browser.gatherUsageStats"] is options["server.enableAgentApi"] is False
    assert options["server.fileWatcherType"] == options["client.showErrorDetails"] == "none"


def test_the_script_has_no_pages_beside_it_that_streamlit_would_serve_without_ours():
    assert page.ENTRY.exists()
    assert not (page.ENTRY.parent / "pages").exists()


@pytest.mark.parametrize("words", [["app"], ["up", "--no-flows", "--exchange", "okx"], ["demo", "--no-flows"]])
@pytest.mark.parametrize("variable", [("ADDRESS", "0.0.0.0"), ("PUBLIC_URL", "https://dash.example.org")])
def test_nothing_is_published_to_people_who_need_not_sign_in(
    tcpdash: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: list[str], variable: tuple[str, str]
):
    monkeypatch.setenv(f"TCPDASH_APP__{variable[0]}", variable[1])

    done = tcpdash(*words)

    assert done.code == 2
    assert f"app.{variable[0].lower()} is {variable[1]}" in done.err
    assert "nobody would have to sign in" in done.err
    assert "tcpdash app password" in done.err
    assert not (tmp_path / "postgres").exists()


def test_a_password_where_its_hash_belongs_is_refused_and_not_shown(tcpdash: Command, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TCPDASH_APP__USERS__ADA__PASSWORD_HASH", PASSWORD)

    done = tcpdash("app")

    assert done.code == 2
    assert "expected what `tcpdash app password` prints" in done.err
    assert PASSWORD not in done.err


def test_the_hash_of_what_is_typed_is_printed_alone(typed: Any):
    done = typed(f"{PASSWORD}\n")

    assert (done.code, done.err) == (0, "")
    assert is_password(PASSWORD, done.out.strip())


def test_a_short_password_is_refused(typed: Any):
    done = typed("short\n")

    assert (done.code, done.out) == (2, "")
    assert "12 to 1024 characters" in done.err


def test_a_password_is_no_argument(tcpdash: Command):
    done = tcpdash("app", "password", PASSWORD)

    assert done.code == 2
    assert "unexpected" in done.err.lower()
