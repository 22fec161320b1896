"""The command line on a database of its own."""

from pathlib import Path
from typing import Any

import pytest

from tests.cli.bot_homes import BotHome
from tests.cli.command import Command


@pytest.fixture
def tcpdash(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return the command line, with a fresh database in its settings."""
    monkeypatch.setenv("TCPDASH_HOME", str(tmp_path))
    monkeypatch.setenv("TCPDASH_CONFIG", "")
    monkeypatch.setenv("TCPDASH_DATABASE__URL", database_url)
    return Command(monkeypatch, capsys)


@pytest.fixture
def home(tcpdash: Command, database: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BotHome:
    """Return a home without bots."""
    folder = tmp_path / "bots"
    folder.mkdir()
    monkeypatch.setenv("TCPDASH_BOTS__FOLDER", str(folder))
    monkeypatch.setenv("TCPDASH_STRATEGIES", str(tmp_path / "strategies"))
    monkeypatch.setattr("cli.bot_wishes.WAIT_SECONDS", 0.0)
    return BotHome(tcpdash, database, folder)
