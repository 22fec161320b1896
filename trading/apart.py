"""Runs a module in a process of its own: one question, one answer, and whatever a user's code does meanwhile harms nobody."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from market.clock import monotonic

_LONGEST = 1 << 26


def ask_apart(module: str, question: bytes, *, limit_seconds: int) -> bytes:
    """Return what another process answers: the module, run as a program that calls `answer`; it takes a second to start.

    When the answer is there, or the limit is over, the process is killed with all that it started. It has none of the settings of
    this one, in which passwords are.

    Args:
        module: What is run.
        question: What it is given; less than 64 KB.
        limit_seconds: How long it may take.

    Returns:
        What it wrote; a part or nothing where it ended before, or took too long.
    """
    read, write = os.pipe()
    try:
        process = _start(module, write, limit_seconds)
    except BaseException:
        os.close(read)
        raise
    finally:
        os.close(write)
    try:
        assert process.stdin is not None, "it is a pipe"
        with suppress(BrokenPipeError):
            process.stdin.write(question)
            process.stdin.close()
        return _heard(read, monotonic() + limit_seconds)
    finally:
        os.close(read)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # and whatever it started
        process.wait()


def answer(make: Callable[[bytes], bytes]) -> None:
    """Answer the question of `ask_apart` with what a call makes of it; the process ends itself when it takes too long."""
    write, limit_seconds = map(int, sys.argv[1:])
    signal.alarm(limit_seconds)
    os.set_inheritable(write, False)
    said = make(sys.stdin.buffer.read())
    with open(write, "wb") as out:
        out.write(said)


def _start(module: str, write: int, limit_seconds: int) -> "subprocess.Popen[bytes]":
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("TCPDASH_")}
    return subprocess.Popen(  # noqa: S603 - the command is ours
        [sys.executable, "-P", "-m", module, str(write), str(limit_seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        pass_fds=(write,),
        env={**kept, "PYTHONPATH": os.pathsep.join(str(Path(part).resolve()) for part in sys.path)},
        start_new_session=True,
    )


def _heard(read: int, until: float) -> bytes:
    """Return what is written to a pipe, to its end or until a moment."""
    said = bytearray()
    while (left := until - monotonic()) > 0 and len(said) < _LONGEST:
        ready, _, _ = select.select([read], [], [], left)
        part = os.read(read, 1 << 16) if ready else b""
        if not part:
            break
        said += part
    return bytes(said)
