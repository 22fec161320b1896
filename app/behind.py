"""A question that may take long: asked in a thread, one at a time for all sessions, while pages show what it last said."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from market.clock import monotonic, now_us
from market.errors import PlatformError

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Heard(Generic[Answer]):
    """What a question last said.

    Attributes:
        answer: None before the first, and where the question failed before any was given.
        at_us: When that was given, UTC epoch microseconds; None before.
        asking: Whether it is asked at this moment.
        failed: Why the last attempt gave no answer; empty where it gave one.
    """

    answer: Answer | None
    at_us: int | None
    asking: bool
    failed: str = ""


class Behind(Generic[Answer]):
    """Asks when somebody looks and what is known is too old; nobody waits longer than they want to.

    Args:
        name: Of the question, for the log.
        ask: The question; called from a thread.
        fresh_seconds: For so long an answer is not asked for again.
    """

    def __init__(self, name: str, ask: Callable[[], Answer], *, fresh_seconds: float) -> None:
        self._name, self._ask, self._fresh = name, ask, fresh_seconds
        self._lock, self._first = threading.Lock(), threading.Event()
        self._heard: Heard[Answer] = Heard(None, None, asking=False)
        self._ended = float("-inf")

    def look(self, *, wait_seconds: float = 0.0, oldest_seconds: float | None = None) -> Heard[Answer]:
        """Return what is known, and have it asked for again where it is too old.

        Args:
            wait_seconds: How long to wait for the first answer of all.
            oldest_seconds: Older than this it is asked for again; None for the usual time.
        """
        oldest = self._fresh if oldest_seconds is None else oldest_seconds
        with self._lock:
            if not self._heard.asking and monotonic() - self._ended >= oldest:
                before = self._heard
                self._heard = Heard(before.answer, before.at_us, asking=True, failed=before.failed)
                threading.Thread(target=self._answer, name=self._name, daemon=True).start()
        if wait_seconds > 0:
            self._first.wait(wait_seconds)
        return self._heard

    def _answer(self) -> None:
        answer, at_us, failed = self._heard.answer, self._heard.at_us, ""
        try:
            answer, at_us = self._ask(), now_us()
        except PlatformError as error:
            failed = str(error)
        except Exception:
            logger.exception("question=%s", self._name)
            failed = "it could not be asked; the log of the page says why"
        with self._lock:
            self._heard, self._ended = Heard(answer, at_us, asking=False, failed=failed), monotonic()
        self._first.set()
