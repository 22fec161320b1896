"""A process for strategies as its parent sees it: started, asked, listened to, killed."""

import mmap
import os
import signal
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from time import sleep

from trading.bots.waiting import Asking
from trading.bots.wire import Channel, Said

SLATE = 8
_PATIENCE_SECONDS = 10.0
_LOOKS, _LOOK_SECONDS = 50, 0.002

# A child's death signal fires when the *thread* that forked it is gone, so one that never ends starts them all.
_starter = ThreadPoolExecutor(1, thread_name_prefix="hosts")


class HostProcess:
    """One process, which takes one question at a time.

    Args:
        folder: Of a user's own strategies.
        early: Whether it reads that before it is ready.
        secluded: Whether it is for bots that have failed.
        now: Seconds of a clock that never goes back.

    Attributes:
        ready: Whether it takes questions.
        asking: The question that it has; None where it is free.
        since: When it was started, became free, or was asked.
        retiring: Whether it ends with its question.
        channel: The socket to it.
    """

    def __init__(self, folder: Path | None, *, early: bool, secluded: bool, now: float) -> None:
        self.secluded, self.early, self.since = secluded, early, now
        self.ready = self.retiring = False
        self.asking: Asking | None = None
        with tempfile.TemporaryFile() as slate:
            slate.truncate(SLATE)
            self._begun = mmap.mmap(slate.fileno(), SLATE)
            self._before = self._begun[:]
            ours, its = socket.socketpair()
            with its:
                self._process = _starter.submit(_start, its.fileno(), slate.fileno(), folder, early).result()
        self.channel = Channel(ours)
        self._pidfd = os.pidfd_open(self._process.pid) if hasattr(os, "pidfd_open") else None

    @property
    def free(self) -> bool:
        """Whether it may be given a question."""
        return self.ready and self.asking is None and not self.retiring

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def ends(self) -> list[int]:
        """Descriptors that become readable when it says something, and when it ends."""
        return [self.channel.fileno()] if self._pidfd is None else [self.channel.fileno(), self._pidfd]

    def ask(self, asking: Asking, now: float) -> None:
        """Give it a question."""
        self.asking, self.since, self._before = asking, now, self._begun[:]
        self.channel.put(asking.message)

    @property
    def began(self) -> bool:
        """Whether it has begun with the question that it has."""
        return self.asking is not None and self._begun[:] != self._before

    def receive(self) -> tuple[list[Said], bool]:
        """Return what it said since the last time, and whether it is gone or will say nothing any more."""
        gone = self._gone  # before what it said is read: all of it is there then
        said = self.channel.receive()
        return said, gone or self.channel.ended

    @property
    def _gone(self) -> bool:
        # Without taking its id away from it: until then nobody else can be given that, nor its group's.
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def end(self) -> str:
        """Kill it and what it started, where it is not gone already; return in words how it ended."""
        for _ in range(_LOOKS if self.channel.ended else 0):  # who ends closes its socket first
            if not self._gone:
                sleep(_LOOK_SECONDS)
        gone = self._gone
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)  # it leads a group of its own from the start
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE_SECONDS)
        self.channel.close()
        self._begun.close()
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None
        return _ended(self._process.returncode) if gone else "it had closed the connection to the program"


def _start(end: int, slate: int, folder: Path | None, early: bool) -> "subprocess.Popen[bytes]":
    given = [str(end), str(slate), str(os.getpid()), "" if folder is None else str(folder), "early" if early else "late"]
    return subprocess.Popen(  # noqa: S603 - the command is ours
        [sys.executable, "-P", "-m", "trading.bots.host", *given],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(end, slate),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(str(Path(part).resolve()) for part in sys.path)},
        start_new_session=True,
    )


def _ended(code: int) -> str:
    if code >= 0:
        return f"its process ended with exit code {code}"
    hint = ": perhaps the machine has no memory left" if code == -signal.SIGKILL else ""
    return f"its process was killed by {signal.Signals(-code).name}{hint}"
