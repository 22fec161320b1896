"""A process that has imported all that strategies need and forks those that ask them; run as a module by `trading.bots.process`.

A fork is there in milliseconds and shares what was imported; a fresh process takes a second of a core. No user's code runs
here, and there are no threads of Python, so that nothing is in the middle of something when it forks.
"""

import ctypes
import gc
import os
import signal
import socket
import sys
import time
import traceback
import warnings

import numpy as np
import pandas as pd

from trading.bots.host import main as be_host
from trading.bots.process import BEAR, FRAME, WAIT, ended_frame
from trading.bots.surroundings import ignore_stops
from trading.frames import PRICES
from trading.strategies import SHIPPED

_PR_SET_PDEATHSIG = 1
_NOT_BORN = -1
_LOOKS, _LOOK_SECONDS = 100, 0.002


def main(end: int, parent: int) -> None:
    """Fork and bury processes as the parent asks, until it is gone.

    Args:
        end: Descriptor of the socket to the parent.
        parent: Its process id.
    """
    ignore_stops()
    end_with(parent)
    control = socket.socket(fileno=end)
    warm_up()
    gc.freeze()
    children: dict[bytes, int] = {}
    while True:
        frame, given, _, _ = socket.recv_fds(control, FRAME, 2)
        if not frame:
            return
        verb, name = frame[:1], frame[1:]
        if verb == BEAR:
            children[name] = _born(control, given)
        else:
            control.sendall(_buried(children.pop(name), patient=verb == WAIT))


def end_with(parent: int) -> None:
    """Let this process be killed when its parent ends, however that ends."""
    if sys.platform == "linux":  # elsewhere one that hangs outlives a parent that was killed
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the signal was asked for
        os._exit(0)


def warm_up() -> None:
    """Load what is compiled, so that no bot's time is spent on it."""
    closes = np.arange(1, 65, dtype=np.int64).view("datetime64[us]")
    data = pd.DataFrame(np.linspace(1.0, 2.0, 5 * len(closes)).reshape(-1, 5), index=closes, columns=pd.Index(PRICES))
    for kind in SHIPPED:
        kind({}).process_data(data)


def _born(control: socket.socket, given: list[int]) -> int:
    parent = os.getpid()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads: those of OpenBLAS know how to be forked
            pid = os.fork()
    except OSError:  # no more processes or memory; the parent sees the socket closed
        pid = _NOT_BORN
    if pid:
        for each in given:
            os.close(each)
        return pid
    code = 1
    try:
        control.close()
        os.setsid()
        end_with(parent)
        be_host(*given)
        code = 0
    except BaseException:  # noqa: BLE001 - also a user's file may raise what it likes
        traceback.print_exc()
    finally:
        os._exit(code)  # whatever threads and exit handlers a user's code left


def _buried(pid: int, *, patient: bool) -> bytes:
    """Kill a process and what it started, and return how it ended; `patient` where it is about to end by itself."""
    if pid == _NOT_BORN:
        return ended_frame(1, gone=True)
    for _ in range(_LOOKS if patient else 0):
        if not _gone(pid):
            time.sleep(_LOOK_SECONDS)
    gone = _gone(pid)
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:  # it has no group of its own yet, or no more
        os.kill(pid, signal.SIGKILL)
    return ended_frame(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), gone=gone)


def _gone(pid: int) -> bool:
    # Without taking its id away from it: until then nobody else can be given that, nor its group's.
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
