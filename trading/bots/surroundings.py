"""What a user's strategy may change of the process that it shares with others, and how that is put back."""

import decimal
import gc
import locale
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import numpy as np

Dice = tuple[Any, Any]
"""Where the random numbers of `random` and of `numpy.random` are."""


def dice() -> Dice:
    """Return where the random numbers of this process are."""
    return random.getstate(), np.random.get_state(legacy=False)


def go_on_throwing(place: Dice) -> None:
    """Let the random numbers of this process go on from a place."""
    random.setstate(place[0])
    np.random.set_state(place[1])


def throw_anew() -> None:
    """Let the random numbers of this process begin anywhere."""
    random.seed()
    np.random.seed()


class Surroundings:
    """How this process is when it is made, to be so again after each call of a user's code.

    Put back are: the folder it works in, numpy's treatment of errors, the locale, filters of warnings, the decimal context, the
    limit of recursion, the standard streams, hooks for tracing, the collection of garbage, timers and the signals that it ignores.
    """

    def __init__(self) -> None:
        self._folder = Path.cwd()
        self._numpy: Any = np.geterr()
        self._called = np.geterrcall()
        self._locale = locale.setlocale(locale.LC_ALL)
        self._decimal = decimal.getcontext().copy()
        self._deepest = sys.getrecursionlimit()
        self._streams = [sys.stdin, sys.stdout, sys.stderr]
        self._threads = threading.active_count()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Put back after this block what was changed inside it."""
        try:
            with warnings.catch_warnings():
                yield
        finally:
            self._put_back()

    @property
    def more_threads(self) -> bool:
        """Whether there are more threads than at first."""
        return threading.active_count() > self._threads

    def _put_back(self) -> None:
        sys.setrecursionlimit(self._deepest)
        sys.settrace(None)
        sys.setprofile(None)
        sys.stdin, sys.stdout, sys.stderr = self._streams = [_open(stream) for stream in self._streams]
        np.seterr(**self._numpy)
        np.seterrcall(self._called)
        decimal.setcontext(self._decimal.copy())
        gc.enable()
        ignore_stops()
        if locale.setlocale(locale.LC_ALL) != self._locale:
            locale.setlocale(locale.LC_ALL, self._locale)
        with suppress(OSError):  # the folder may be gone
            os.chdir(self._folder)


def _open(stream: TextIO) -> TextIO:
    """Return a standard stream, or one like it where it was closed: all of them lead nowhere."""
    if not stream.closed:
        return stream
    return Path(os.devnull).open("r" if stream.name == "<stdin>" else "w", encoding="utf-8")


def ignore_stops() -> None:
    """Let this process end with its parent only: Ctrl-C and a stop reach all of a terminal's or a service's processes."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)
