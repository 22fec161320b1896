"""Long work of the pages, one after the other in a thread of its own: a page asks by a key, and asks again until it is there."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

import streamlit as st

from market.clock import monotonic
from market.errors import PlatformError

logger = logging.getLogger(__name__)

MOST_WAITING = 8
"""So many wait at most; who comes then is told to come later."""
MOST_KEPT = 32
KEPT_SECONDS = 300.0
"""So long what came of it is kept."""
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
    """

    seconds: float
    ahead: int


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
    call: Callable[[], object]
    asked: float
    begun: float | None = None
    ended: float | None = None
    outcome: "Done[object] | Failed | None" = None


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

    def ask(self, key: Key, call: Callable[[], Result]) -> Pending | Done[Result] | Failed:
        """Return what came of a call, which is made once for its key until that is forgotten; see `background`."""
        now = monotonic()
        with self._change:
            self._tidy(now)
            work = self._works.get(key)
            if work is None:
                if sum(each.outcome is None for each in self._works.values()) >= MOST_WAITING:
                    return Failed(reason="too much is waiting to be done already; try again in a minute")
                work = self._works[key] = _Work(call, now)
                self._start()
                self._change.notify()
            if work.outcome is not None:
                return work.outcome  # type: ignore[return-value]  # what its own call returned
            return Pending(seconds=now - work.asked, ahead=self._ahead(key))

    def peek(self, key: Key) -> Pending | Done[object] | Failed | None:
        """Return how something is that somebody asked for; None where nobody did, or it is forgotten."""
        now = monotonic()
        with self._change:
            self._tidy(now)
            work = self._works.get(key)
            if work is None:
                return None
            return work.outcome or Pending(seconds=now - work.asked, ahead=self._ahead(key))

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
            self._worker = threading.Thread(target=self._run, name="background", daemon=True)
            self._worker.start()

    def _run(self) -> None:
        while True:
            with self._change:
                while (work := self._next()) is None:
                    if self._worker is not threading.current_thread():
                        return
                    self._change.wait()
                work.begun = monotonic()
            outcome = _outcome_of(work.call)
            with self._change:
                if work.outcome is None:
                    work.outcome, work.ended, work.call = outcome, monotonic(), _nothing
                if self._worker is not threading.current_thread():
                    return

    def _next(self) -> _Work | None:
        return next((work for work in self._works.values() if work.begun is None), None)


def background(key: Key, call: Callable[[], Result]) -> Pending | Done[Result] | Failed:
    """Return what came of a call that takes longer than a page may, or that it is under way; for a fragment that polls.

    All sessions share one thread. What came of it, also that it failed, is kept for some minutes, and is what the next one
    gets who asks by the same key.

    Args:
        key: Tells it from all else: the name of what is done first, then of what.
        call: Does it, without Streamlit. A PlatformError becomes its words; another exception is logged, and only that it failed is
            told.
    """
    return _background().ask(key, call)


def peek(key: Key) -> Pending | Done[object] | Failed | None:
    """Return how something is that `background` was asked for; None where it was not, or is forgotten."""
    return _background().peek(key)


def forget(key: Key) -> None:
    """Forget what came of something, so that `background` does it again."""
    _background().forget(key)


@st.cache_resource(show_spinner=False)
def _background() -> Background:
    return Background()


def _outcome_of(call: Callable[[], object]) -> Done[object] | Failed:
    try:
        return Done(result=call())
    except PlatformError as error:
        return Failed(reason=str(error))
    except (Exception, SystemExit):  # a user's strategy may raise anything
        logger.exception("background work failed")
        return Failed(reason="it failed in an unexpected way; the log of the page says how")


def _nothing() -> None:
    """Stands for a call that is over, so that what it holds is let go."""
