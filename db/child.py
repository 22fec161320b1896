"""Child processes that must not outlive us: how they are started, stopped, and found again after a crash."""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from pathlib import Path

from db.guard import UNSHARE_REFUSED
from market.clock import monotonic

POLL_SECONDS = 0.02
_LOG_BYTES = 10_000_000
_NOBODY = 65_534
_GUARD = Path(__file__).with_name("guard.py")

Process = subprocess.Popen[bytes]


def spawn(
    command: Sequence[str | Path],
    log: Path,
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    shown: bool = False,
) -> Process:
    """Start a command that ends when this process ends, its output appended to a log.

    Args:
        command: An absolute path and its arguments.
        log: Made when missing; set aside as `.1` when it has grown beyond 10 MB.
        folder: For a command that refuses to be root: what it writes to, handed to `nobody` where there is no other way.
        environment: What the command's environment has besides ours.
        shown: Whether what it says on standard error goes to our terminal instead of the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if size(log) > _LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    parts = [str(part) for part in command]
    variables = None if environment is None else {**os.environ, **environment}
    return _keeper.submit(lambda: _start(parts, log, folder, variables, shown))


def stop(process: Process, signals: Sequence[signal.Signals], *, patience_seconds: float = 10.0) -> None:
    """End a process, with the gentlest signal that works within the patience; the last resort is SIGKILL."""
    for number in (*signals, signal.SIGKILL):
        if process.poll() is not None:
            return
        process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience_seconds)


def stop_leftover(pid_file: Path, folder: Path, signals: Sequence[signal.Signals], *, patience_seconds: float = 10.0) -> None:
    """End the server that an earlier process of ours left behind on a folder; do nothing when there is none."""
    pid = _leftover(pid_file, folder)
    for number in (*signals, signal.SIGKILL):
        if pid is None:
            return
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        wait_until(lambda: _leftover(pid_file, folder) is None, patience_seconds)
        pid = _leftover(pid_file, folder)


def wait_until(condition: Callable[[], bool], timeout_seconds: float) -> bool:
    """Ask again and again until a condition holds; return False when it did not in time."""
    deadline = monotonic() + timeout_seconds
    while not condition():
        if monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def free_port() -> int:
    """Return a port on 127.0.0.1 that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def size(log: Path) -> int:
    """Return the length of a log in bytes; 0 when there is none."""
    return log.stat().st_size if log.exists() else 0


def tail(log: Path, since: int, *, lines: int = 8) -> str:
    """Return the last lines of what was written to a log since it had the given length."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(since if since <= size(log) else 0, size(log) - 8_192))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


def _start(command: list[str], log: Path, folder: Path | None, variables: dict[str, str] | None, shown: bool) -> Process:
    user = _NOBODY if folder is not None and _needs_nobody() else None
    if folder is not None and user is not None:
        _give_away(folder, user)
    with log.open("ab") as output:
        # A session of its own: Ctrl-C in the terminal must not stop the database before those who write to it.
        return subprocess.Popen(  # noqa: S603 - the command is ours
            guarded(command, as_other=folder is not None),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if shown else output,
            env=variables,
            start_new_session=True,
            user=user,
            group=user,
        )


def guarded(command: list[str], *, as_other: bool = False) -> list[str]:
    """Return a command that ends when the thread that starts it ends, for who waits for it there."""
    if sys.platform == "win32":
        return command
    return [sys.executable, "-I", "-S", str(_GUARD), str(os.getpid()), "other" if as_other else "same", *command]


@cache
def _needs_nobody() -> bool:
    """Return whether we are root on a machine that forbids user namespaces, so that servers must run as another user."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    return subprocess.run(guarded(["/bin/true"], as_other=True), check=False).returncode == UNSHARE_REFUSED  # noqa: S603 - see _start


def _give_away(folder: Path, user: int) -> None:
    if folder.stat().st_uid != user:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user, user, follow_symlinks=False)


def _leftover(pid_file: Path, folder: Path) -> int | None:
    """Return the process named in a pid file, if it lives and really works on the folder."""
    import psutil  # type: ignore[import-untyped]  # noqa: PLC0415 - it has no types; only needed after a crash

    try:
        pid = int(pid_file.read_text().split(maxsplit=1)[0])
        process = psutil.Process(pid)
        alive = process.status() != psutil.STATUS_ZOMBIE and str(folder) in process.cmdline()
    except (OSError, ValueError, IndexError, psutil.Error):
        return None
    return pid if alive else None


class _Keeper:
    """One thread that starts all children and never ends: the death signal fires when the *thread* that forked is gone."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Process], Future[Process]]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._pid = 0

    def submit(self, job: Callable[[], Process]) -> Process:
        """Run a job on the thread and return its result."""
        with self._lock:
            if self._pid != os.getpid():  # the first call, or the first one after a fork
                self._pid = os.getpid()
                threading.Thread(target=self._work, name="keeper", daemon=True).start()
        answer: Future[Process] = Future()
        self._jobs.put((job, answer))
        return answer.result()

    def _work(self) -> None:
        while True:
            job, answer = self._jobs.get()
            try:
                answer.set_result(job())
            except OSError as error:
                answer.set_exception(error)


_keeper = _Keeper()
