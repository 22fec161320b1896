"""What the process of the pages can import: the modules of the command line hide no library from it."""

import json
import sys
from pathlib import Path

from app import server
from cli.page import ENTRY
from settings import Settings


class _Served:
    def __init__(self) -> None:
        self.folders: list[Path] = []

    def run(self, *, config: dict[str, object]) -> None:
        json.dumps(config)
        self.folders.append(Path(sys.argv[0]).parent)


def test_streamlit_is_told_of_a_folder_without_modules_that_have_names_of_libraries(monkeypatch, tmp_path: Path) -> None:
    served = _Served()
    monkeypatch.setattr(server, "application", lambda *_: served)
    monkeypatch.setattr(server, "load_beside", lambda: None)
    monkeypatch.setattr(sys, "argv", [str(ENTRY.parents[1] / "__main__.py")])

    server.serve(Settings(home=tmp_path), script=ENTRY, port=1)

    assert served.folders == [ENTRY.parent]
    assert sorted(path.name for path in ENTRY.parent.glob("*.py")) == ["__init__.py", "entry.py"]
