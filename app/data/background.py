"""What pages do not wait for: long work, done once by its key; and questions that are asked over and over.

Both answer at once with what there is, from a fragment that polls, and become words where they fail.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

import streamlit as st

from market.clock import monotonic, now_us
from market.errors import PlatformError

logger = logging.getLogger(__name__)

MOST_WAITING = 8
"""So many wait at most; who comes then is told to come later."""
MOST_KEPT = 32
KEPT_SECONDS = 300.0
"""So long what came of it is kept."""
FAILED_SECONDS = 10.0
"""So long a failure is the answer to who asks; later it is tried again."""
LIMIT_SECONDS = 180.0
"""Work that takes longer is given up: its thread is left behind, and another one goes on with what waits."""

Result = TypeVar("Result")
Key = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """It waits, or is being done.

    Attributes:
        seconds: Since it was asked for.
        ahead: How much else comes before; 0 while it is being done.
        last: What came of it before, where it is done again; None where nothing did.
    """

    seconds: float
    ahead: int
    last: "Done[object] | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Generic[Result]):
    """It is done.

    Attributes:
        result: What came of it.
    """

    result: Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Nothing came of it.

    Attributes:
        reason: Why, in words for the page.
    """

    reason: str


@dataclass(slots=True)
class _Work:
    what: str
    call: Callable[[], object]
    asked: float
    begun: float | None = None
    ended: float | None = None
    outcome: "Done[object] | Failed | None" = None
    last: "Done[object] | None" = None

    def pending(self, now: float, ahead: int) -> Pending:
        return Pending(seconds=now - self.asked, ahead=ahead, last=self.last)

    def is_old(self, now: float, fresh_seconds: float) -> bool:
        """Return whether it is over, and so long that it is done again for who asks."""
        kept = min(FAILED_SECONDS, fresh_seconds) if isinstance(self.outcome, Failed) else fresh_seconds
        return self.ended is not None and now - self.ended > kept


class Background:
    """Does one thing at a time; what came of it, also that it failed, is kept for a while.

    Args:
        limit_seconds: See `LIMIT_SECONDS`.
        kept_seconds: See `KEPT_SECONDS`.
    """

    def __init__(self, *, limit_seconds: float = LIMIT_SECONDS, kept_seconds: float = KEPT_SECONDS) -> None:
        self._limit_seconds, self._kept_seconds = limit_seconds, kept_seconds
        self._works: OrderedDict[Key, _Work] = OrderedDict()
        self._change = threading.Condition()
        self._worker: threading.Thread | None = None

    def ask(self, key: Key, call: Callable[[], Result], *, fresh_seconds: float = KEPT_SECONDS) -> Pending | Done[Result] | Failed:
        """Return what came of a call, which is made once for its key until that is forgotten or old; see `background`."""
        now = monotonic()
        with self._change:
            self._tidy(now)
            self._start()  # before anything is noted: where it fails, the next one who asks tries again
            work = self._works.get(key)
            if work is None or work.is_old(now, fresh_seconds):
                if sum(each.outcome is None for each in self._works.values()) >= MOST_WAITING:
                    return Failed(reason="too much is waiting to be done already; try again in a minute")
                last = self._works.pop(key).outcome if work is not None else None
                work = self._works[key] = _Work(str(key[0]), call, now, last=last if isinstance(last, Done) else None)
                self._change.notify()
            if work.outcome is not None:
                return work.outcome  # type: ignore[return-value]  # what its own call returned
            return work.pending(now, self._ahead(key))

    def peek(self, key: Key) -> Pending | Done[object] | Failed | None:
        """Return how something is that somebody asked for; None where nobody did, or it is forgotten."""
        now = monotonic()
        with self._change:
            self._tidy(now)
            work = self._works.get(key)
            if work is None:
                return None
            return work.outcome or work.pending(now, self._ahead(key))

    def forget(self, key: Key) -> None:
        """Forget what came of something, so that it is done again when it is asked for; what is being done goes on."""
        with self._change:
            work = self._works.get(key)
            if work is not None and work.outcome is not None:
                del self._works[key]

    def _ahead(self, key: Key) -> int:
        before = list(self._works)[: list(self._works).index(key)]
        return 0 if self._works[key].begun is not None else sum(self._works[each].outcome is None for each in before)

    def _tidy(self, now: float) -> None:
        """Give up what takes too long, and forget what is old."""
        for work in self._works.values():
            if work.outcome is None and work.begun is not None and now - work.begun > self._limit_seconds:
                work.ended, work.call = now, _nothing
                work.outcome = Failed(reason=f"it took longer than {self._limit_seconds:.0f} s and was given up")
                self._worker = None
                self._start()
        old = [key for key, work in self._works.items() if work.ended is not None and now - work.ended > self._kept_seconds]
        ended = [key for key, work in self._works.items() if work.ended is not None]
        for key in dict.fromkeys([*old, *ended[: max(0, len(ended) - MOST_KEPT)]]):
            del self._works[key]

    def _start(self) -> None:
        if self._worker is None:
            worker = threading.Thread(target=self._run, name="background", daemon=True)
            worker.start()
            self._worker = worker

    def _run(self) -> None:
        while True:
            with self._change:
                while (work := self._next()) is None:
                    if self._worker is not threading.current_thread():
                        return
                    self._change.wait()
                work.begun = monotonic()
            outcome = _outcome_of(work.call, work.what)
            with self._change:
                if work.outcome is None:
                    work.outcome, work.ended, work.call = outcome, monotonic(), _nothing
                if self._worker is not threading.current_thread():
                    return

    def _next(self) -> _Work | None:
        return next((work for work in self._works.values() if work.begun is None), None)


def background(key: Key, call: Callable[[], Result], *, fresh_seconds: float = KEPT_SECONDS) -> Pending | Done[Result] | Failed:
    """Return what came of a call that takes longer than a page may, or that it is under way; for a fragment that polls.

    All sessions share one thread. What came of it is kept for some minutes, and is what the next one gets who asks by the same
    key; that it failed for some seconds, because what was away may be back.

    Args:
        key: Tells it from all else: the name of what is done first, then of what.
        call: Does it, without Streamlit. A PlatformError becomes its words; another exception is logged, and only that it failed is
            told.
        fresh_seconds: What came of it longer ago is only the last one while it is done again.
    """
    return _background().ask(key, call, fresh_seconds=fresh_seconds)


def peek(key: Key) -> Pending | Done[object] | Failed | None:
    """Return how something is that `background` was asked for; None where it was not, or is forgotten."""
    return _background().peek(key)


def forget(key: Key) -> None:
    """Forget what came of something, so that `background` does it again."""
    _background().forget(key)


@st.cache_resource(show_spinner=False)
def _background() -> Background:
    return Background()


@dataclass(frozen=True, slots=True)
class Heard(Generic[Result]):
    """What a question last said.

    Attributes:
        answer: None before the first, and where the question failed before any was given.
        at_us: When that was given, UTC epoch microseconds; None before.
        asking: Whether it is asked at this moment.
        failed: Why the last attempt gave no answer; empty where it gave one.
    """

    answer: Result | None
    at_us: int | None
    asking: bool
    failed: str = ""


class Behind(Generic[Result]):
    """A question that is asked over and over: when somebody looks and what is known is too old; the last answer stays meanwhile.

    Each has a thread of its own while it is asked, so that none waits for the long work of others.

    Args:
        name: Of the question, for the log.
        ask: The question; called from a thread.
        fresh_seconds: For so long an answer is not asked for again.
    """

    def __init__(self, name: str, ask: Callable[[], Result], *, fresh_seconds: float) -> None:
        self._name, self._ask, self._fresh = name, ask, fresh_seconds
        self._lock, self._first = threading.Lock(), threading.Event()
        self._heard: Heard[Result] = Heard(None, None, asking=False)
        self._ended = float("-inf")

    def look(self, *, wait_seconds: float = 0.0, oldest_seconds: float | None = None) -> Heard[Result]:
        """Return what is known, and have it asked for again where it is too old.

        Args:
            wait_seconds: How long to wait for the first answer of all.
            oldest_seconds: Older than this it is asked for again; None for the usual time.
        """
        oldest = self._fresh if oldest_seconds is None else oldest_seconds
        with self._lock:
            if not self._heard.asking and monotonic() - self._ended >= oldest:
                threading.Thread(target=self._answer, name=self._name, daemon=True).start()
                before = self._heard
                self._heard = Heard(before.answer, before.at_us, asking=True, failed=before.failed)
        if wait_seconds > 0:
            self._first.wait(wait_seconds)
        return self._heard

    def _answer(self) -> None:
        before, outcome = self._heard, _outcome_of(self._ask, self._name)
        heard = (
            Heard(before.answer, before.at_us, asking=False, failed=outcome.reason)
            if isinstance(outcome, Failed)
            else Heard(outcome.result, now_us(), asking=False)
        )
        with self._lock:
            self._heard, self._ended = heard, monotonic()
        self._first.set()


def _outcome_of(call: Callable[[], Result], what: str) -> Done[Result] | Failed:
    try:
        return Done(result=call())
    except PlatformError as error:
        return Failed(reason=str(error))
    except (Exception, SystemExit):
        logger.exception("background work failed what=%s", what)
        return Failed(reason="it failed in an unexpected way; the log of the page says how")


def _nothing() -> None:
    """Stands for a call that is over, so that what it holds is let go."""
