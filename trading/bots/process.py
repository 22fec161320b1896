"""Processes for strategies as their parent sees them: started, asked, listened to, ended."""

import atexit
import mmap
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path
from threading import Lock

from trading.bots.waiting import Asking
from trading.bots.wire import Channel, Said, Setup, encode

SLATE = 8
"""Bytes of the memory that is shared with a process: the number of the question that was begun last."""
FRAME = 8
"""Bytes of what is asked of the nursery: a verb, and the name of a process."""
BEAR, WAIT, KILL = b"b", b"w", b"k"
_ENDED = struct.Struct("<ii")
_PATIENCE_SECONDS = 30.0

# A child's death signal fires when the *thread* that forked it is gone, so one that never ends starts it.
_starter = ThreadPoolExecutor(1, thread_name_prefix="hosts")


class Nursery:
    """The process that forks those for strategies, started when the first is asked for, and again when it was killed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._names = count(1)

    def bear(self, end: int, slate: int) -> bytes:
        """Ask for a process that is given these descriptors, and return its name; it is there some time later.

        Raises:
            OSError: If there is none to be had.
        """
        with self._lock:
            name = next(self._names).to_bytes(FRAME - 1, "little")
            if self._process is None or self._process.poll() is not None:
                self._begin()
            assert self._control is not None, "it has begun"
            socket.send_fds(self._control, [BEAR + name], [end, slate])
            return name

    def bury(self, name: bytes, *, patient: bool) -> str:
        """End a process and what it started; return in words how it ended, where it ended by itself.

        Args:
            name: As `bear` gave it.
            patient: Whether it is about to end by itself.
        """
        with self._lock:
            try:
                assert self._control is not None, "what has a name was born"
                self._control.sendall((WAIT if patient else KILL) + name)
                frame = self._control.recv(_ENDED.size)
                code, gone = _ENDED.unpack(frame)
            except (OSError, struct.error):
                self.close()
                return "its process was ended from outside, with all others"
            except BaseException:  # whoever asks next would get the answer to this
                self.close()
                raise
        return _ended(code) if gone else "it had closed the connection to the program"

    def close(self) -> None:
        """End it, and with it all that it forked."""
        if self._process is not None and self._control is not None:
            self._control.close()
            self._process.kill()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_PATIENCE_SECONDS)
        self._process = self._control = None

    def _begin(self) -> None:
        self.close()
        ours, its = socket.socketpair()
        ours.settimeout(_PATIENCE_SECONDS)
        with its:
            self._process = _starter.submit(_start, its.fileno()).result()
        self._control = ours


@cache
def nursery() -> Nursery:
    """Return the one of this process."""
    made = Nursery()
    atexit.register(made.close)
    return made


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
        pid: Its process id; None until it says so.
        pidfd: A descriptor that becomes readable when it ends; None until its id is known, and where there are none.

    Raises:
        OSError: If there are no more processes, descriptors or memory.
    """

    def __init__(self, folder: Path | None, *, early: bool, secluded: bool, now: float) -> None:
        self.secluded, self.early, self.since = secluded, early, now
        self.ready = self.retiring = False
        self.asking: Asking | None = None
        self.pid: int | None = None
        self.pidfd: int | None = None
        with tempfile.TemporaryFile() as slate:
            slate.truncate(SLATE)
            self._begun = mmap.mmap(slate.fileno(), SLATE)
            self._before = self._begun[:]
            ours, its = socket.socketpair()
            self.channel = Channel(ours)
            try:
                self._name = nursery().bear(its.fileno(), slate.fileno())
            except OSError:
                self.channel.close()
                raise
            finally:
                its.close()
        self.channel.put(encode(Setup(folder=None if folder is None else str(folder), early=early)))

    @property
    def free(self) -> bool:
        """Whether it may be given a question."""
        return self.ready and self.asking is None and not self.retiring

    def born(self, pid: int) -> None:
        """Take down its process id; it keeps that until its end."""
        self.pid = pid
        with suppress(OSError):
            self.pidfd = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None

    def ask(self, asking: Asking, now: float) -> None:
        """Give it a question."""
        self.asking, self.since, self._before = asking, now, self._begun[:]
        self.channel.put(asking.message)

    @property
    def began(self) -> bool:
        """Whether it has begun with the question that it has."""
        return self.asking is not None and self._begun[:] != self._before

    def receive(self, *, ended: bool) -> tuple[list[Said], bool]:
        """Return what it said since the last time, and whether it will say nothing any more; `ended` where that is known."""
        said = self.channel.receive()
        return said, ended or self.channel.ended

    def end(self, *, patient: bool = False) -> str:
        """End it and what it started, if that is still there; return in words how it ended.

        Args:
            patient: Whether it is about to end by itself.
        """
        self.channel.close()
        self._begun.close()
        if self.pidfd is not None:
            os.close(self.pidfd)
            self.pidfd = None
        return nursery().bury(self._name, patient=patient)


def ended_frame(code: int, *, gone: bool) -> bytes:
    """Return how a process ended as the nursery says it: its exit code or minus a signal, and whether it ended by itself."""
    return _ENDED.pack(code, gone)


def _start(end: int) -> "subprocess.Popen[bytes]":
    # Settings have passwords in them, and are nothing to a user's strategy.
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("TCPDASH_")}
    return subprocess.Popen(  # noqa: S603 - the command is ours
        [sys.executable, "-P", "-m", "trading.bots.nursery", str(end), str(os.getpid())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(end,),
        env={**kept, "PYTHONPATH": os.pathsep.join(str(Path(part).resolve()) for part in sys.path)},
        start_new_session=True,
    )


def _ended(code: int) -> str:
    if code >= 0:
        return f"its process ended with exit code {code}"
    hint = ": perhaps the machine has no memory left" if code == -signal.SIGKILL else ""
    return f"its process was killed by {signal.Signals(-code).name}{hint}"
