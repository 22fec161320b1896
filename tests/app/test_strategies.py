"""A user's files of strategies, read for the pages: none of them may take the pages along."""

from pathlib import Path

import pytest

from app.data.strategies import strategies

OWN = """
from trading.strategy import BaseStrategy

class Mine(BaseStrategy):
    lookback = 1

    def targets(self, data):
        return data["close"].to_numpy() * 0
"""


@pytest.fixture
def folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = home / "strategies"
    folder.mkdir()
    monkeypatch.setenv("TCPDASH_STRATEGIES", str(folder))
    return folder


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.parametrize("code", ["import os; os._exit(3)", "import signal, os; os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_file_that_ends_its_process_ends_not_the_pages(folder: Path, code: str) -> None:
    (folder / "mine.py").write_text(OWN)
    (folder / "worse.py").write_text(code)

    found = strategies()

    assert "sma_cross" in found.names()
    assert "mine" not in found.names()
    [problem] = found.problems
    assert f"{folder} cannot be read: a file of it ends the process that reads it" in str(problem)


@pytest.mark.postgres
@pytest.mark.redis
def test_files_that_can_be_read_are_there_and_read_again_when_they_change(folder: Path) -> None:
    (folder / "mine.py").write_text(OWN)
    assert "mine" in strategies().names()

    (folder / "worse.py").write_text("import os; os._exit(3)")
    assert "mine" not in strategies().names()

    (folder / "worse.py").unlink()
    assert "mine" in strategies().names()
