"""What was read last, which stays on the page while its store is away."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from market.clock import monotonic

Value = TypeVar("Value")

MOST = 64


class Kept(Generic[Value]):
    """Keeps what was read, by key, for all sessions; one reads at a time, the others get what that one found.

    Args:
        seconds: After so long it is read again, also where nothing says that it changed.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._found: OrderedDict[Hashable, tuple[float, Hashable, Value]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, version: Hashable, read: Callable[[], Value | None]) -> Value | None:
        """Return what there is under a key.

        Args:
            key: What it is.
            version: What was known of it for nothing; another one than last time lets it be read again.
            read: Reads it; returns None while the store is away, then what was read last is returned.
        """
        with self._lock:
            at, known, value = self._found.get(key, (float("-inf"), None, None))
            if value is not None and known == version and monotonic() < at + self._seconds:
                return value
            fresh = read()
            if fresh is None:
                return value
            self._found[key] = (monotonic(), version, fresh)
            self._found.move_to_end(key)
            while len(self._found) > MOST:
                self._found.popitem(last=False)
            return fresh

    def expire(self) -> None:
        """Let all of it be read again."""
        with self._lock:
            for key, (_, version, value) in self._found.items():
                self._found[key] = (float("-inf"), version, value)
