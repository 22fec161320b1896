"""What strategies declare is told without their code, and whatever the files of a user do harms nobody."""

import os
import sys
from pathlib import Path

import pytest

from market.clock import monotonic
from market.errors import InputError
from trading.describing import catalogue, catalogue_apart
from trading.strategies import SHIPPED

OWN = """
from trading import BaseStrategy

class Mine(BaseStrategy):
    \"\"\"Mine is
    good.

    More of it.
    \"\"\"

    def __init__(self, parameters):
        super().__init__(parameters)
        self.whole("few", 3, low=1, high=9, about="bars")
        self.whole("many", 30)
        self.choice("mode", "a", choices=("a", "b"))
        self.flag("short", True)
        self.below("few", "many")

    lookback = property(lambda self: 3)

    def targets(self, data):
        return data["close"] * 0
"""


def test_those_that_come_with_the_program_are_told_as_they_declare_themselves():
    found = {each.name: each for each in catalogue().strategies}

    assert sorted(found) == sorted(kind.name for kind in SHIPPED)
    assert all(found[kind.name].declared() == kind.declared() for kind in SHIPPED)
    assert found["sma_cross"].relations == (("fast", "slow"),)
    assert found["sma_cross"].about.startswith("Long while the fast simple average")


def test_a_users_own_are_told_by_another_process(tmp_path: Path):
    (tmp_path / "mine.py").write_text(OWN)

    found = {each.name: each for each in catalogue_apart(tmp_path).strategies}

    mine = found["mine"]
    assert (mine.own, mine.about, mine.relations) == (True, "Mine is good.", (("few", "many"),))
    assert [(each.name, each.default) for each in mine.declared()] == [("few", 3), ("many", 30), ("mode", "a"), ("short", True)]
    assert not found["macd"].own
    assert "mine" not in sys.modules


def test_a_file_that_cannot_be_read_is_a_problem_and_not_the_end(tmp_path: Path):
    (tmp_path / "bad.py").write_text("x =\n")
    (tmp_path / "worse.py").write_text(OWN.replace("super().__init__(parameters)", "raise RuntimeError('no')"))

    found = catalogue_apart(tmp_path)

    assert {each.name for each in found.strategies} == {kind.name for kind in SHIPPED}
    assert len(found.problems) == 2
    assert "bad.py" in found.problems[0]
    assert "RuntimeError: no" in found.problems[1]


@pytest.mark.parametrize(
    "body",
    [
        "import time\ntime.sleep(100)",
        "import os\nos._exit(3)",
        "import os, time\nif os.fork() == 0: time.sleep(100)\nos._exit(0)",
        "import os\nos.write(int(__import__('sys').argv[1]), b'nonsense')\nos._exit(0)",
    ],
    ids=["hangs", "exits", "leaves a child", "babbles"],
)
def test_a_file_that_hangs_or_ends_its_process_is_told(tmp_path: Path, body: str):
    (tmp_path / "evil.py").write_text(body)

    with pytest.raises(InputError, match="cannot be read"):
        catalogue_apart(tmp_path, limit_seconds=5)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("x = 1\nx = bytearray(800_000_000)", "greedy.py, line 2: MemoryError: it wants more memory than it may have"),
        (
            OWN.replace("super().__init__", "self.x = parameters or bytearray(800_000_000)\n        super().__init__"),
            "MemoryError: it",
        ),
    ],
    ids=["file", "strategy"],
)
def test_a_file_that_wants_much_memory_is_a_problem(tmp_path: Path, body: str, expected: str):
    (tmp_path / "greedy.py").write_text(body)

    found = catalogue_apart(tmp_path)

    assert {each.name for each in found.strategies} == {kind.name for kind in SHIPPED}
    assert expected in found.problems[0]


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="without it nobody hears of the end of a process whose pipe is open")
def test_a_child_that_a_file_leaves_behind_is_not_waited_for(tmp_path: Path):
    (tmp_path / "mine.py").write_text(OWN + "\nimport os, time\nif os.fork() == 0:\n    time.sleep(50)\n    os._exit(0)\n")
    begun = monotonic()

    found = catalogue_apart(tmp_path, limit_seconds=30)

    assert "mine" in {each.name for each in found.strategies}
    assert monotonic() - begun < 25


def test_settings_are_nothing_to_a_users_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TCPDASH_DATABASE__URL", "postgresql://secret")
    (tmp_path / "spy.py").write_text("import os\nraise RuntimeError([n for n in os.environ if n.startswith('TCPDASH')])")

    assert catalogue_apart(tmp_path).problems[0].endswith("RuntimeError: []")
