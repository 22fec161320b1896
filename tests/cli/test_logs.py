"""The log of a process that runs for years, on a disk that fills up."""

import errno
import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cli.logs import log_to

FULL = Path("/dev/full")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in handlers:
            with suppress(OSError):  # what the full disk did not take is still to be written
                handler.close()
    root.handlers, root.level = handlers, level


def test_everything_is_in_the_file_and_warnings_on_the_terminal(tmp_path, capsys):
    log_to(tmp_path / "logs" / "worker.log", "INFO")
    logging.getLogger("streaming").info("stored trades=5")
    logging.getLogger("streaming").warning("store down")

    said = capsys.readouterr().err
    assert "worker: store down" in said
    assert "trades=5" not in said
    assert [line.split(" ", 2)[2] for line in (tmp_path / "logs" / "worker.log").read_text().splitlines()] == [
        "INFO streaming stored trades=5", "WARNING streaming store down",
    ]  # fmt: skip


@pytest.mark.skipif(not FULL.exists(), reason="/dev/full, a disk that is always full, is not on this system")
def test_a_full_disk_is_told_once_and_keeps_no_line_from_the_terminal(tmp_path, capsys):
    (tmp_path / "worker.log").symlink_to(FULL)
    log_to(tmp_path / "worker.log", "INFO")
    for number in range(3):
        logging.getLogger("streaming").warning("holes count=%d", number)

    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if "holes count" not in line] == [
        f"{tmp_path / 'worker.log'} cannot be written ({os.strerror(errno.ENOSPC)}); lines are missing from it from here on"
    ]
    assert len(said) == 4


def test_a_line_that_is_wrong_in_itself_is_still_told_with_its_place(tmp_path, capsys):
    log_to(tmp_path / "worker.log", "INFO")
    logging.getLogger("streaming").info("count=%d", "many")

    assert "test_logs.py" in capsys.readouterr().err
