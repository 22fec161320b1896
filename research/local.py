"""Workers on this machine: one process a core, each with the whole job, given a piece at a time."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for
from multiprocessing.context import BaseContext
from types import TracebackType
from typing import Any, Self

from research.jobs import Job, do_piece, packed, unpacked, workers_lost
from trading.backtest.sweep.evaluation import Interrupted

_AHEAD = 2
_GRACE_SECONDS = 3.0
"""So long after a stop a worker may be inside one set; one that is still there hangs, and ends."""


class LocalPool:
    """Processes on this machine; with one worker the job is done in this process.

    At most two pieces a worker are under way. Workers end with this process, however it ends, and after a stop even if they hang.

    Args:
        job: What is done.
        workers: How many; None for one a core.
    """

    def __init__(self, job: Job, workers: int | None = None) -> None:
        self._job = job
        self.workers = workers or usable_cores()
        self._executor: ProcessPoolExecutor | None = None
        self._ends: tuple[Connection[Any, Any], Connection[Any, Any]] | None = None

    def __enter__(self) -> Self:
        if self.workers > 1:
            context = _context()
            self._ends = context.Pipe(duplex=False)  # the end of it says stop; an Event waits for ever for a worker that was killed
            self._executor = ProcessPoolExecutor(
                self.workers, mp_context=context, initializer=_begin, initargs=(packed(self._job), self._ends[0], _GRACE_SECONDS)
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._executor is None or self._ends is None:
            return
        if error is not None:
            self._ends[1].close()
        self._executor.shutdown(wait=True, cancel_futures=True)
        for end in self._ends:
            end.close()

    def run(self, pieces: Iterable[Any]) -> Iterator[tuple[int, bytes]]:
        """Yield what came of each piece with its number, as they get done.

        Raises:
            WorkersError: If a worker was killed.
        """
        if self._executor is None:
            for piece in pieces:
                yield piece.number, do_piece(self._job, piece, _never)
            return
        try:
            yield from _as_done(self._executor, pieces, _AHEAD * self.workers)
        except BrokenProcessPool as error:
            raise workers_lost("a worker process was killed, perhaps for want of memory: try fewer with --workers") from error


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _as_done(executor: ProcessPoolExecutor, pieces: Iterable[Any], most: int) -> Iterator[tuple[int, bytes]]:
    under_way: set[Future[tuple[int, bytes]]] = set()
    for piece in pieces:
        under_way.add(executor.submit(_do, piece))
        while len(under_way) >= most:
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    while under_way:
        done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in done)


def _context() -> BaseContext:
    """Return how processes are started: from a clean one that has all imported, so that no lock of a thread here comes along."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["research.preloaded"])
    return context


_work: list[tuple[Job, Callable[[], bool]]] = []


def _begin(payload: bytes, stop: "Connection[Any, Any]", grace_seconds: float) -> None:
    """Make a fresh process a worker; Ctrl-C reaches the whole terminal, and only the first process answers to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stopped = threading.Event()
    threading.Thread(target=_end, args=(stop, stopped, grace_seconds), daemon=True).start()
    _work[:] = [(unpacked(payload), stopped.is_set)]


def _do(piece: Any) -> tuple[int, bytes]:
    job, stopped = _work[0]
    try:
        return piece.number, do_piece(job, piece, stopped)
    except Interrupted:
        return piece.number, b""


def _end(stop: "Connection[Any, Any]", stopped: threading.Event, seconds: float) -> None:
    """End this process with its parent, and so long after a stop: a strategy that hangs asks nobody whether it may go on."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "a worker is somebody's child"
    if parent.sentinel not in wait_for([parent.sentinel, stop]):
        stopped.set()
        wait_for([parent.sentinel], seconds)
    os._exit(1)


def _never() -> bool:
    return False
