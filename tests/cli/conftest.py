"""The command line on a database of its own."""

from pathlib import Path

import pytest

from tests.cli.command import Command


@pytest.fixture
def tcpdash(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return the command line, with a fresh database in its settings."""
    monkeypatch.setenv("TCPDASH_HOME", str(tmp_path))
    monkeypatch.setenv("TCPDASH_CONFIG", "")
    monkeypatch.setenv("TCPDASH_DATABASE__URL", database_url)
    return Command(monkeypatch, capsys)
