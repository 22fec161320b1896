"""Workers on this machine."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from research import local
from research.jobs import WorkersError
from research.local import LocalPool
from research.sweeps import run_sweep
from tests.research.searched import done, small_sweep
from trading.backtest.sweep import Chunk, Sampler
from trading.registry import Registry

FLIP = '''"""Flip."""
import numpy as np
from trading import BaseStrategy


class Flip(BaseStrategy):
    """Long every other bar."""

    def __init__(self, parameters):
        super().__init__(parameters)
        self.every = self.whole("every", 2, low=1, sweep=range(1, 20))

    @property
    def lookback(self):
        return self.every

    def targets(self, data):
        """Return the wanted position."""
        return (np.arange(len(data)) // self.every % 2).astype(float)
'''


class Deadly:
    """A job that kills its worker at a piece."""

    def do(self, piece: Chunk, stopped: Callable[[], bool]) -> bytes:
        if piece.number == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return b"done"


class Hanging:
    """A job that never comes back."""

    def do(self, piece: Chunk, stopped: Callable[[], bool]) -> bytes:
        threading.Event().wait()
        return b""


@pytest.mark.parametrize("sampler", [Sampler.RANDOM, Sampler.OPTUNA])
def test_two_workers_find_what_one_does_to_the_last_bit(sampler):
    sweep = small_sweep(sampler=sampler, sets=45)
    (one, ones), (two, twos) = done(sweep, LocalPool(sweep, 1)), done(sweep, LocalPool(sweep, 2))

    assert ones == twos
    assert len(twos) == 5
    assert one.values.tobytes() == two.values.tobytes()


def test_a_strategy_of_a_users_file_travels_as_its_text(tmp_path: Path):
    (tmp_path / "flip.py").write_text(FLIP, encoding="utf-8")
    sweep = small_sweep(strategy=Registry(tmp_path).get("flip"), chunk=4, every="1:12")

    assert done(sweep, LocalPool(sweep, 2))[1] == done(sweep, LocalPool(sweep, 1))[1]


def test_a_worker_that_is_killed_is_told():
    sweep = small_sweep()

    with (
        pytest.raises(WorkersError, match=r"a worker process was killed.*the same command goes on from there"),
        LocalPool(Deadly(), 2) as pool,
    ):
        list(pool.run(sweep.plan.layout()))


def test_a_stop_ends_pieces_that_are_under_way():
    sweep = small_sweep(fast="2:1000", slow="1001:3000", chunk=1_000_000)  # a piece of a minute or more

    with pytest.raises(KeyboardInterrupt), LocalPool(sweep, 2) as pool:
        first = pool.run(sweep.plan.layout())
        pool._executor.submit(int)  # the workers are there
        next(_interrupted(first))
    assert pool._ends[1].closed


def test_a_stop_ends_a_worker_that_hangs(monkeypatch):
    monkeypatch.setattr(local, "_GRACE_SECONDS", 0.1)

    with pytest.raises(KeyboardInterrupt), LocalPool(Hanging(), 2) as pool:
        next(_interrupted(pool.run(small_sweep().plan.layout())))


def _interrupted(pieces):
    """Start the pieces, and be interrupted while they are done."""
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        yield next(pieces)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_workers_end_with_the_process_that_started_them():
    code = (
        "from tests.research.searched import small_sweep\n"
        "from research.local import LocalPool\n"
        "if __name__ == '__main__':\n"
        "    sweep = small_sweep(fast='2:1000', slow='1001:3000', chunk=1_000_000)\n"
        "    with LocalPool(sweep, 2) as pool:\n"
        "        pool._executor.submit(int).result()\n"
        "        print('ready', flush=True)\n"
        "        list(pool.run(sweep.plan.layout()))\n"
    )
    started = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert started.stdout is not None
        assert started.stdout.readline() == "ready\n"
        workers = psutil.Process(started.pid).children(recursive=True)
        assert len(workers) >= 3
    finally:
        started.kill()
        started.wait()
        started.stdout.close()
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert alive == []


def test_an_empty_sweep_of_pieces_needs_no_worker():
    sweep = small_sweep()
    _, payloads = done(sweep, LocalPool(sweep, 1))

    assert run_sweep(sweep, LocalPool(None, 1), kept=payloads.get).sets == 45
