"""A thread that asks strategies in processes of their own, for pages that may neither wait nor be harmed."""

import logging
import os
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from market.errors import InputError, PlatformError
from trading.bots.hosts import Answer, Hosts, Question
from trading.describing import Catalogue, catalogue_apart

logger = logging.getLogger(__name__)

LIMIT_SECONDS = 10.0
MEMORY_MB = 512
_KEPT = 64
_IDLE_SECONDS = 300.0
_NOWHERE = Path(os.devnull)  # where no file of a user is

Make = Callable[[], Question | None]
"""Reads what a strategy is asked about; None where there are no candles."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a question.

    Attributes:
        answer: None where there is a problem, and where there were no candles.
        labels_us: Closes of the candles that it is about, UTC epoch microseconds.
        problem: Why there is none.
    """

    answer: Answer | None = None
    labels_us: NDArray[np.int64] = np.empty(0, np.int64)
    problem: str = ""


class Desk:
    """Asks strategies, one question after another, in a thread that is there while something is asked.

    Strategies run in a process that is killed when it takes longer than `LIMIT_SECONDS` or more than `MEMORY_MB`, the files of
    a user among them. The newest answers are kept.

    Args:
        folder: Of a user's own strategies; one that is not there has none.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._asked: queue.Queue[tuple[Hashable, Make]] = queue.Queue(maxsize=64)  # what is too much is asked again by the page
        self._found: OrderedDict[Hashable, Found | None] = OrderedDict()
        self._catalogue: tuple[Hashable, Catalogue] | None = None
        self._thread: threading.Thread | None = None

    def catalogue(self) -> tuple[Catalogue, bool]:
        """Return which strategies there are, and whether they are being read still, since a user's files are new."""
        state = self._state()
        kept = self._catalogue
        if kept is not None and kept[0] == state:
            return kept[1], False
        self._ask(("catalogue", state), lambda: None)
        return (Catalogue(strategies=[]) if kept is None else kept[1]), True

    def series(self, key: Hashable, make: Make) -> Found | None:
        """Return what became of a question, None while it is under way; it is asked when it is not known.

        Args:
            key: What is asked; the same key is the same question as long as a user's files are the same.
            make: Makes the question, in the thread.
        """
        return self._ask(("series", key, self._state()), make)

    def _ask(self, key: Hashable, make: Make) -> Found | None:
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="strategies", daemon=True)
                self._thread.start()
            try:
                self._asked.put_nowait((key, make))
            except queue.Full:
                return None
            self._keep(key, None)
            return None

    def _state(self) -> Hashable:
        """Return what changes with a user's files; nothing without any."""
        try:
            files = sorted(self._folder.glob("[!_]*.py"))
            return tuple((path.name, status.st_mtime_ns, status.st_size) for path in files for status in [path.stat()])
        except OSError:
            return ()

    def _work(self) -> None:
        state = self._state()
        with Hosts(self._folder, size=1, memory_mb=MEMORY_MB) as hosts:
            while True:
                try:
                    key, make = self._asked.get(timeout=_IDLE_SECONDS)
                except queue.Empty:
                    with self._lock:
                        if self._asked.empty():
                            self._thread = None
                            return
                    continue
                if state != (state := self._state()):
                    hosts.renew()
                found = self._answer(hosts, key, make)
                with self._lock:
                    self._keep(key, found)

    def _answer(self, hosts: Hosts, key: Any, make: Make) -> Found:
        try:
            if key[0] == "catalogue":
                self._catalogue = key[1], self._read()
                return Found()
            question = make()
            if question is None:
                return Found()
            hosts.ask(question, limit_seconds=LIMIT_SECONDS)
            answers: list[Answer] = []
            for _ in range(10):  # also where processes do not start, it goes on with the next question some time
                answers = answers or hosts.answers(LIMIT_SECONDS)
            if not answers:
                hosts.cancel(question.bot)
                return Found(problem=hosts.blocked(question.bot) or "no process for strategies answers")
            return Found(answer=answers[-1], labels_us=question.timestamps_us, problem=answers[-1].error or "")
        except PlatformError as error:
            return Found(problem=str(error))
        except Exception:
            logger.exception("strategy not asked key=%s", key)
            return Found(problem="it could not be asked; the log of the app has more")

    def _read(self) -> Catalogue:
        problems: list[str] = []
        for folder in (self._folder, _NOWHERE):  # those that come with the program, where a user's own keep them from being read
            try:
                found = catalogue_apart(folder)
            except InputError as error:
                problems.append(str(error))
            else:
                return msgspec.structs.replace(found, problems=[*problems, *found.problems])
        return Catalogue(strategies=[], problems=problems)

    def _keep(self, key: Hashable, found: Found | None) -> None:
        self._found[key] = found
        self._found.move_to_end(key)
        while len(self._found) > _KEPT:
            self._found.popitem(last=False)
