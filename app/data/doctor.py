"""What `tcpdash doctor` says of this installation: the verb is run as a process of its own, for one page at a time."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import streamlit as st

import app
from app.data.background import Behind, Heard
from market.errors import PlatformError

FRESH_SECONDS = 60.0
AGAIN_SECONDS = 5.0
"""Sooner than that nobody has it run again."""

_LIMIT_SECONDS = 30.0
_ROOT = Path(app.__file__).parents[1]


class Finding(msgspec.Struct, frozen=True):
    """What was looked at and what was found, as the verb prints it; `fix` is empty where nothing has to be done."""

    subject: str
    state: str
    found: str
    fix: str = ""


class NoAnswer(PlatformError):
    """Raised when the verb says nothing that can be read."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def __str__(self) -> str:
        return f"`tcpdash doctor` {self.why}; run it in a terminal to see what it says"


def findings(*, oldest_seconds: float = FRESH_SECONDS) -> Heard[list[Finding]]:
    """Return what the verb last said; it is run again where that is older, once for all sessions."""
    return _doctor().look(oldest_seconds=oldest_seconds)


def run_doctor(*, limit_seconds: float = _LIMIT_SECONDS) -> list[Finding]:
    """Run the verb and return what it says, with the settings that this process has.

    Raises:
        NoAnswer: If it does not end in time, or what it says cannot be read.
    """
    # Without the current folder (-P), which may hold a package of another program that is called the same.
    command = [sys.executable, "-P", "-m", "cli", "doctor", "--json"]
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    try:
        done = subprocess.run(  # noqa: S603 - our own command, no shell
            command, env=environment, capture_output=True, stdin=subprocess.DEVNULL, timeout=limit_seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise NoAnswer(f"did not end within {limit_seconds:g} s") from None
    except OSError as error:
        raise NoAnswer(f"could not be started ({error.strerror})") from None
    try:
        return msgspec.json.decode(done.stdout, type=list[Finding])
    except msgspec.MsgspecError:
        raise NoAnswer(f"ended with exit code {done.returncode} and said nothing that can be read") from None


@st.cache_resource(show_spinner=False)
def _doctor() -> Behind[list[Finding]]:
    return Behind("doctor", run_doctor, fresh_seconds=FRESH_SECONDS)
