"""A store that may be away: asking it never raises, and never hangs a page that ticks."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from market.clock import monotonic
from market.errors import StoreBusy, StoreError, StoreUnreachable

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
        self._why, self._quiet_until = "", 0.0
        self._lock = threading.Lock()

    def ask(self, question: Callable[[Client], Answer], otherwise: Other, lost: Lost) -> Answer | Other:
        """Return the answer to a question; when the store is away, note that in `lost` and return what was given for then.

        Who noted it already is not let wait once more: a page asks for many things, and each may be held up by the same lock.
        """
        if self.name in lost:
            return otherwise
        begun = monotonic()
        try:
            self.check()
            answer = question(self._asked_client())
        except StoreError as error:
            if not isinstance(error, StoreBusy):
                self._note(error, begun)
            lost[self.name] = str(error)
            return otherwise
        self._why, self._quiet_until = "", 0.0
        return answer

    def check(self) -> None:
        """Do nothing, unless the store is left alone: for who waited at a lock while another one tried in vain.

        Raises:
            StoreUnreachable: With the words of that attempt.
        """
        if monotonic() < self._quiet_until:
            raise StoreUnreachable(self._why)

    def client(self) -> Client:
        """Return the client, for what is tried even while the store is left alone.

        Raises:
            StoreError: If there is nothing to connect to.
        """
        with self._lock:
            return self._connected()

    def _asked_client(self) -> Client:
        with self._lock:
            self.check()
            return self._connected()

    def _connected(self) -> Client:
        if self._client is None:
            begun = monotonic()
            try:
                self._client = self._connect()
            except StoreError as error:
                if not isinstance(error, StoreBusy):
                    self._note(error, begun)  # before the next one has the lock
                raise
        return self._client

    def _note(self, error: StoreError, begun: float) -> None:
        now = monotonic()
        self._why = str(error)
        # Who only heard of the attempt of another one waited no longer than that: it does not begin anew.
        self._quiet_until = max(self._quiet_until, now + min(_PAUSE * (now - begun), _LONGEST_SECONDS))
