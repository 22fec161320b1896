"""What code reaches for outside, and what it keeps."""

import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trading.outside import _see, at, kept, watched

COUNTED = [1]


class Keeps:
    many = {"a": np.zeros(3)}  # noqa: RUF012

    def call(self, memory=[], *, other={}):  # noqa: B006
        return memory, other


def _connect(path: Path) -> None:
    with socket.socket() as one, pytest.raises(ConnectionRefusedError):
        one.connect(("127.0.0.1", 1))


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda path: path.read_text(), "opens {path}"),
        (lambda path: np.load(path.with_suffix(".npy")), "opens {path}.npy"),
        (pd.read_csv, "opens {path}"),
        (lambda path: pd.read_parquet(path.with_suffix(".parquet")), "calls read_parquet"),
        (lambda path: list(path.parent.iterdir()), "lists {path.parent}"),
        (lambda path: sqlite3.connect(path.with_suffix(".db")).close(), "opens {path}.db"),
        (lambda _path: subprocess.run([sys.executable, "-c", ""], check=True), "runs "),
        (_connect, "connects to ('127.0.0.1', 1)"),
    ],
)
def test_what_is_reached_for_is_told(act: Callable[[Path], object], said: str, tmp_path: Path):
    path = tmp_path / "answers"
    path.write_text("a,b\n1,2\n")
    np.save(path.with_suffix(".npy"), np.zeros(2))
    pd.DataFrame({"a": [1]}).to_parquet(path.with_suffix(".parquet"))
    with watched() as found:
        act(path)

    assert any(each.startswith(said.format(path=path)) for each in found), found


def test_nothing_is_told_of_numbers_imports_and_what_is_done_outside_of_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "answers").write_text("1")
    (tmp_path / "reads_when_imported.py").write_text("from pathlib import Path\nPath(__file__).with_name('answers').read_text()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with watched() as found:
        np.cumsum(np.arange(10.0))
        __import__("reads_when_imported")
    (tmp_path / "answers").read_text()

    assert found == []
    assert sys.getprofile() is not _see


def test_the_clock_stands_at_a_moment_and_goes_on_afterwards():
    before = time.time()
    with at(981_173_106_789_000):
        found = time.time(), datetime.now(UTC).isoformat(), pd.Timestamp.now("UTC").year

    assert found == (981_173_106.789, "2001-02-03T04:05:06.789000+00:00", 2001)
    assert time.time() >= before


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda: COUNTED.append(2), "COUNTED"),
        (lambda: Keeps.many.update(b=1), "Keeps.many"),
        (lambda: Keeps.many["a"].fill(7.0), "Keeps.many"),
        (lambda: Keeps().call()[0].append(1), "Keeps.call, default 0"),
        (lambda: Keeps().call()[1].update(a=1), "Keeps.call, default other"),
    ],
)
def test_what_is_kept_differs_afterwards(change: Callable[[], object], name: str):
    before = kept(Keeps)
    change()
    after = kept(Keeps)

    assert [each for each in after if after[each] != before.get(each)] == [name]


def test_what_nobody_changes_is_the_same():
    assert kept(Keeps) == kept(Keeps)
