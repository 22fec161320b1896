"""A thread that asks strategies in processes of their own, for pages that may neither wait nor be harmed."""

import logging
import os
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from market.clock import monotonic
from market.errors import InputError, PlatformError
from trading.bots.hosts import Answer, Hosts, Question
from trading.bots.problems import ConfigError
from trading.bots.reading import NotReadError, read_apart
from trading.describing import Catalogue, catalogue_apart

logger = logging.getLogger(__name__)

LIMIT_SECONDS = 10.0
MEMORY_MB = 512
PASSING_SECONDS = 10.0
"""So long a failure counts that a strategy need not be to blame for; then it is asked again."""
_KEPT = 64
_IDLE_SECONDS = 300.0
_PASSING = {"timeout", "died", "memory"}
_NOT_ASKED = "it could not be asked; the log of the app has more"
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
        until: Until when it counts, in seconds of a clock that never goes back.
    """

    answer: Answer | None = None
    labels_us: NDArray[np.int64] = np.empty(0, np.int64)
    problem: str = ""
    refused: ConfigError | None = None
    catalogue: Catalogue | None = None
    until: float = inf


@dataclass(slots=True)
class _Asked:
    """What somebody asked, and what became of it; None while it is under way."""

    since: float = field(default_factory=monotonic)
    found: Found | None = None

    @property
    def is_over(self) -> bool:
        return self.found is not None and monotonic() >= self.found.until


class StrategyDesk:
    """Asks strategies, one question after another, in a thread that is there while something is asked.

    Strategies run in a process that is killed when it takes longer than `LIMIT_SECONDS` or more than `MEMORY_MB`, the files of
    a user among them. The newest answers are kept; those that are failures which may pass, for `PASSING_SECONDS`.

    Args:
        folder: Of a user's own strategies; one that is not there has none.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._change = threading.Condition()
        # What is too much is asked again by the page.
        self._asked: queue.Queue[tuple[_Asked, Hashable, Work]] = queue.Queue(maxsize=64)
        self._known: OrderedDict[Hashable, _Asked] = OrderedDict()
        self._newest: tuple[Hashable, Catalogue] = (None, Catalogue(strategies=[]))  # of which state of the files
        self._thread: threading.Thread | None = None

    def catalogue(self, *, wait_seconds: float = 0.0) -> tuple[Catalogue, bool]:
        """Return which strategies there are, as far as that is known, and whether they are not read yet as a user's files are now.

        Args:
            wait_seconds: For so long at most to wait until they are read, since that was asked for.
        """
        state = self._state()
        known = self._newest[0] == state  # it may be read once more, as not all could be
        found = self._ask(("catalogue", state), lambda _: self._read(), wait_seconds=0.0 if known else wait_seconds)
        if found is not None and found.catalogue is not None:
            self._newest = (state, found.catalogue)
        of, newest = self._newest
        return newest, of != state

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
            wait_seconds: For so long at most to wait for the answer, since it was asked for.
        """
        data = text.encode("utf-8", "surrogatepass")
        return self._ask(("reading", data, self._state()), lambda hosts: _read_by(hosts, data, file), wait_seconds=wait_seconds)

    def _ask(self, key: Hashable, work: Work, *, wait_seconds: float = 0.0) -> Found | None:
        with self._change:
            asked = self._known.get(key)
            if (asked is None or asked.is_over) and not self._queue(key, work):
                return None
            asked = self._known[key]
            self._known.move_to_end(key)
            left = asked.since + wait_seconds - monotonic()
            if left > 0:
                self._change.wait_for(lambda: asked.found is not None, left)
            return asked.found

    def _queue(self, key: Hashable, work: Work) -> bool:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, name="strategies", daemon=True)
            self._thread.start()
        try:
            self._asked.put_nowait((asked := _Asked(), key, work))
        except queue.Full:
            return False
        self._known[key] = asked
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return True

    def _state(self) -> Hashable:
        """Return what changes with a user's files; nothing without any."""
        try:
            files = sorted(self._folder.glob("[!_]*.py"))
            return tuple((path.name, status.st_mtime_ns, status.st_size) for path in files for status in [path.stat()])
        except OSError:
            return ()

    def _work(self) -> None:
        try:
            self._answer()
        except Exception:
            logger.exception("strategies not asked")
            self._give_up()

    def _give_up(self) -> None:
        """Say of all that is under way that it failed, as the thread ends: who wants it asks again, and another thread begins."""
        with self._change:
            self._thread = None
            waiting = list(self._known.values())
            while not self._asked.empty():
                waiting.append(self._asked.get_nowait()[0])
            for asked in waiting:
                asked.found = asked.found or _passing(_NOT_ASKED)
            self._change.notify_all()

    def _answer(self) -> None:
        """Answer one question after another, until none comes any more."""
        state = self._state()
        with Hosts(self._folder, size=1, memory_mb=MEMORY_MB) as hosts:
            while True:
                try:
                    asked, key, work = self._asked.get(timeout=_IDLE_SECONDS)
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
                    asked.found = found
                    self._change.notify_all()

    def _read(self) -> Found:
        problems: list[str] = []
        for folder in (self._folder, _NOWHERE):  # those that come with the program, where a user's own keep them from being read
            try:
                found = catalogue_apart(folder)
            except InputError as error:
                problems.append(str(error))
            else:
                whole = msgspec.structs.replace(found, problems=[*problems, *found.problems])
                return Found(catalogue=whole, until=_soon() if problems else inf)
        return _passing("; ".join(problems))


def _done(work: Work, hosts: Hosts, key: Hashable) -> Found:
    try:
        return work(hosts)
    except PlatformError as error:
        return _passing(str(error))
    except Exception:
        logger.exception("strategy not asked key=%s", key)
        return _passing(_NOT_ASKED)


def _soon() -> float:
    return monotonic() + PASSING_SECONDS


def _passing(problem: str) -> Found:
    return Found(problem=problem, until=_soon())


def _answered(hosts: Hosts, question: Question | None) -> Found:
    if question is None:
        return Found()
    hosts.ask(question, limit_seconds=LIMIT_SECONDS)
    answers: list[Answer] = []
    for _ in range(10):  # also where processes do not start, it goes on with the next question some time
        answers = answers or hosts.answers(LIMIT_SECONDS)
    if not answers:
        why = hosts.blocked(question.bot)
        hosts.cancel(question.bot)
        return _passing(why or "no process for strategies answers")
    answer = answers[-1]
    until = _soon() if answer.kind in _PASSING else inf
    return Found(answer=answer, labels_us=question.timestamps_us, problem=answer.error or "", until=until)


def _read_by(hosts: Hosts, data: bytes, file: str) -> Found:
    try:
        read_apart(hosts, data, file, limit_seconds=LIMIT_SECONDS)
    except ConfigError as error:
        return Found(problem=str(error), refused=error, until=_soon() if isinstance(error, NotReadError) else inf)
    return Found()
