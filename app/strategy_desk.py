"""A thread that asks strategies in processes of their own, for pages that may neither wait nor be harmed."""

import logging
import os
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from market.errors import InputError, PlatformError
from trading.bots.hosts import Answer, Hosts, Question
from trading.bots.problems import ConfigError
from trading.bots.reading import read_apart
from trading.describing import Catalogue, catalogue_apart

logger = logging.getLogger(__name__)

LIMIT_SECONDS = 10.0
MEMORY_MB = 512
_KEPT = 64
_IDLE_SECONDS = 300.0
_NOWHERE = Path(os.devnull)  # where no file of a user is

Make = Callable[[], Question | None]
"""Reads what a strategy is asked about; None where there are no candles."""

Work = Callable[[Hosts], "Found"]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a question.

    Attributes:
        answer: None where there is a problem, and where there were no candles.
        labels_us: Closes of the candles that it is about, UTC epoch microseconds.
        problem: Why there is none.
        refused: What is wrong with the file of a bot.
        catalogue: Which strategies there are.
    """

    answer: Answer | None = None
    labels_us: NDArray[np.int64] = np.empty(0, np.int64)
    problem: str = ""
    refused: ConfigError | None = None
    catalogue: Catalogue | None = None


class StrategyDesk:
    """Asks strategies, one question after another, in a thread that is there while something is asked.

    Strategies run in a process that is killed when it takes longer than `LIMIT_SECONDS` or more than `MEMORY_MB`, the files of
    a user among them. The newest answers are kept.

    Args:
        folder: Of a user's own strategies; one that is not there has none.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._change = threading.Condition()
        self._asked: queue.Queue[tuple[Hashable, Work]] = queue.Queue(maxsize=64)  # what is too much is asked again by the page
        self._found: OrderedDict[Hashable, Found | None] = OrderedDict()
        self._catalogue = Catalogue(strategies=[])  # the newest
        self._thread: threading.Thread | None = None

    def catalogue(self, *, wait_seconds: float = 0.0) -> tuple[Catalogue, bool]:
        """Return which strategies there are, and whether they are being read still, since a user's files are new.

        Args:
            wait_seconds: For so long at most to wait until they are read.
        """
        found = self._ask(("catalogue", self._state()), lambda _: Found(catalogue=self._read()), wait_seconds=wait_seconds)
        if found is not None and found.catalogue is not None:
            self._catalogue = found.catalogue
        return self._catalogue, found is None

    def series(self, key: Hashable, make: Make) -> Found | None:
        """Return what became of a question, None while it is under way; it is asked when it is not known.

        Args:
            key: What is asked; the same key is the same question as long as a user's files are the same.
            make: Makes the question, in the thread.
        """
        return self._ask(("series", key, self._state()), lambda hosts: _answered(hosts, make()))

    def reading(self, text: str, file: str, *, wait_seconds: float) -> Found | None:
        """Return what a strategy says that is made as the file of a bot says it; None where no answer came in time.

        Args:
            text: What the file says.
            file: What it is called, for what is said of it.
            wait_seconds: For so long at most to wait for the answer.
        """
        data = text.encode("utf-8", "surrogatepass")
        return self._ask(("reading", data, self._state()), lambda hosts: _read_by(hosts, data, file), wait_seconds=wait_seconds)

    def _ask(self, key: Hashable, work: Work, *, wait_seconds: float = 0.0) -> Found | None:
        with self._change:
            if key not in self._found and not self._queue(key, work):
                return None
            self._found.move_to_end(key)
            if wait_seconds > 0:
                self._change.wait_for(lambda: self._found.get(key) is not None, wait_seconds)
            return self._found.get(key)

    def _queue(self, key: Hashable, work: Work) -> bool:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, name="strategies", daemon=True)
            self._thread.start()
        try:
            self._asked.put_nowait((key, work))
        except queue.Full:
            return False
        self._keep(key, None)
        return True

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
                    key, work = self._asked.get(timeout=_IDLE_SECONDS)
                except queue.Empty:
                    with self._change:
                        if self._asked.empty():
                            self._thread = None
                            return
                    continue
                if state != (state := self._state()):
                    hosts.renew()
                found = _done(work, hosts, key)
                with self._change:
                    self._keep(key, found)
                    self._change.notify_all()

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


def _done(work: Work, hosts: Hosts, key: Hashable) -> Found:
    try:
        return work(hosts)
    except PlatformError as error:
        return Found(problem=str(error))
    except Exception:
        logger.exception("strategy not asked key=%s", key)
        return Found(problem="it could not be asked; the log of the app has more")


def _answered(hosts: Hosts, question: Question | None) -> Found:
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


def _read_by(hosts: Hosts, data: bytes, file: str) -> Found:
    try:
        read_apart(hosts, data, file, limit_seconds=LIMIT_SECONDS)
    except ConfigError as error:
        return Found(problem=str(error), refused=error)
    return Found()
