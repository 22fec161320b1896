"""The command line within the process of a test: quick, and with the errors that a user sees."""

import sys
from typing import NamedTuple

import pytest

from cli.main import main


class Done(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


class Command:
    """`tcpdash` with a database and a home of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *words: str) -> Done:
        """Run a command to its end."""
        self._monkeypatch.setattr(sys, "argv", ["tcpdash", *words])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        return Done(code, *self._capsys.readouterr())

    def out(self, *words: str) -> str:
        """Run a command that succeeds and return what it printed."""
        done = self(*words)
        assert done.code == 0, done.err
        assert done.err == ""
        return done.out
