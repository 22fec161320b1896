"""What the process of the pages can import and open: no module of the command line hides a library; files for many sessions."""

import json
import resource
import sys
from pathlib import Path

import pytest

from app import server
from cli.page import ENTRY
from settings import Settings


class _Served:
    def __init__(self) -> None:
        self.folders: list[Path] = []

    def run(self, *, config: dict[str, object]) -> None:
        json.dumps(config)
        self.folders.append(Path(sys.argv[0]).parent)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> _Served:
    served = _Served()
    monkeypatch.setattr(server, "application", lambda *_: served)
    for name in ("load_libraries", "load_beside"):
        monkeypatch.setattr(server, name, lambda: None)
    monkeypatch.setattr(sys, "argv", [str(ENTRY.parents[1] / "__main__.py")])
    return served


def test_streamlit_is_told_of_a_folder_without_modules_that_have_names_of_libraries(served: _Served, tmp_path: Path) -> None:
    server.serve(Settings(home=tmp_path), script=ENTRY, port=1)

    assert served.folders == [ENTRY.parent]
    assert sorted(path.name for path in ENTRY.parent.glob("*.py")) == ["__init__.py", "entry.py"]


@pytest.mark.parametrize(("limit", "then"), [((256, 20_000), 4096), ((256, 1024), 1024), ((8192, 20_000), 8192)])
def test_files_of_many_sessions_can_be_open(
    served: _Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: tuple[int, int], then: int
) -> None:
    found = [limit]
    monkeypatch.setattr(resource, "getrlimit", lambda _: found[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: found.append(limits))

    server.serve(Settings(home=tmp_path), script=ENTRY, port=1)

    assert found[-1] == (then, limit[1])
