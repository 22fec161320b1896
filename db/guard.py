"""Turns itself into a process that dies with its parent; run as a script, `guard.py PARENT_PID same|other COMMAND...`.

A script instead of a `preexec_fn`: Python code between fork and exec may deadlock as soon as the parent has threads.
It imports nothing of ours, so that it starts in a few milliseconds.
"""

import ctypes
import os
import signal
import sys

UNSHARE_REFUSED = 77
_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str], *, as_other: bool) -> None:
    """Replace this process by the command, for root as another user where that is asked for."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        # PostgreSQL refuses to run as root; in a user namespace of its own it sees another user, files keep their owner.
        if as_other and os.geteuid() == 0 and libc.unshare(_CLONE_NEWUSER) != 0:
            sys.exit(UNSHARE_REFUSED)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:  # it died before the signal was asked for
            sys.exit(0)
    os.execv(command[0], command)  # noqa: S606 - replacing ourselves without a shell is the point


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[3:], as_other=sys.argv[2] == "other")
