"""A store that may be away: asking it never raises, and never hangs a page that ticks."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from market.clock import monotonic
from market.errors import StoreBusy, StoreError

Lost = dict[str, str]
"""Stores that are away, `database` and `redis`, and why."""

_PAUSE, _LONGEST_SECONDS = 5, 15.0

Client = TypeVar("Client")
Answer = TypeVar("Answer")
Other = TypeVar("Other")


class Store(Generic[Client]):
    """PostgreSQL or Redis as the pages see it.

    After a vain attempt nobody asks again for five times as long as it took, a quarter of a minute at most: at once where the
    connection was refused, after a while where nothing answered. One question that was given up by a store that is there
    silences nobody else.

    Args:
        name: `database` or `redis`.
        connect: Makes the client; raises StoreError when there is nothing to connect to. Called until it succeeds.
    """

    def __init__(self, name: str, connect: Callable[[], Client]) -> None:
        self.name, self._connect = name, connect
        self._client: Client | None = None
        self._error: StoreError | None = None
        self._quiet_until = 0.0
        self._lock = threading.Lock()

    def ask(self, question: Callable[[Client], Answer], otherwise: Other, lost: Lost) -> Answer | Other:
        """Return the answer to a question; when the store is away, note that in `lost` and return what was given for then.

        Who noted it already is not let wait once more: a page asks for many things, and each may be held up by the same lock.
        """
        if self.name in lost:
            return otherwise
        if self._error is not None and monotonic() < self._quiet_until:
            lost[self.name] = str(self._error)
            return otherwise
        begun = monotonic()
        try:
            answer = question(self.client())
        except StoreBusy as error:
            lost[self.name] = str(error)
            return otherwise
        except StoreError as error:
            self._error, now = error, monotonic()
            self._quiet_until = now + min(_PAUSE * (now - begun), _LONGEST_SECONDS)
            lost[self.name] = str(error)
            return otherwise
        self._error = None
        return answer

    def client(self) -> Client:
        """Return the client, for what is tried even while the store is left alone.

        Raises:
            StoreError: If there is nothing to connect to.
        """
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client
