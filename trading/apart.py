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


def ask_apart(module: str, question: bytes, *, limit_seconds: int, memory_mb: int) -> bytes:
    """Return what another process answers: the module, run as a program that calls `answer`; it takes a second to start.

    When the answer is there, or the limit is over, the process is killed with all that it started. It has none of the settings of
    this one, in which passwords are.

    Args:
        module: What is run.
        question: What it is given; less than 64 KB.
        limit_seconds: How long it may take.
        memory_mb: How much memory it may take for its answer on top of what it has; kept to on Linux only.

    Returns:
        What it wrote; a part or nothing where it ended before, or took too long.
    """
    read, write = os.pipe()
    try:
        process = _start(module, write, limit_seconds, memory_mb)
    except BaseException:
        os.close(read)
        raise
    finally:
        os.close(write)
    ended = _ended(process.pid)
    try:
        assert process.stdin is not None, "it is a pipe"
        with suppress(BrokenPipeError), process.stdin:
            process.stdin.write(question)
        return _heard(read, ended, monotonic() + limit_seconds)
    finally:
        for each in (read, *ended):
            os.close(each)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # and whatever it started
        process.wait()


def answer(make: Callable[[bytes], bytes]) -> None:
    """Answer the question of `ask_apart` with what a call makes of it; the process ends itself when it takes too long.

    Args:
        make: The call; a MemoryError where it wants more than it may have.
    """
    from trading.bots.host import Memory  # noqa: PLC0415 - who asks does not need it

    write, limit_seconds, memory_mb = map(int, sys.argv[1:])
    signal.alarm(limit_seconds)
    os.set_inheritable(write, False)
    question = sys.stdin.buffer.read()
    with Memory().limited(memory_mb):
        said = make(question)
    with open(write, "wb") as out:
        out.write(said)


def _start(module: str, write: int, limit_seconds: int, memory_mb: int) -> "subprocess.Popen[bytes]":
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("TCPDASH_")}
    return subprocess.Popen(  # noqa: S603 - the command is ours
        [sys.executable, "-P", "-m", module, str(write), str(limit_seconds), str(memory_mb)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        pass_fds=(write,),
        env={**kept, "PYTHONPATH": os.pathsep.join(str(Path(part).resolve()) for part in sys.path)},
        start_new_session=True,
    )


def _ended(pid: int) -> list[int]:
    """Return a descriptor that becomes readable when a process ends; none where there are no such descriptors."""
    try:
        return [os.pidfd_open(pid)]
    except (AttributeError, OSError):
        return []


def _heard(read: int, ended: list[int], until: float) -> bytes:
    """Return what is written to a pipe: to its end, until a moment, or until the process has ended, though others keep it open."""
    said, over = bytearray(), False
    while (left := until - monotonic()) > 0 and len(said) < _LONGEST:
        ready, _, _ = select.select([read] if over else [read, *ended], [], [], 0 if over else left)
        if read in ready:
            part = os.read(read, 1 << 16)
            if not part:
                break
            said += part
        elif over or not ready:
            break
        else:
            over = True  # once more: what it wrote last is in the pipe by now
    return bytes(said)
