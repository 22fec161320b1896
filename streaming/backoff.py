"""How long to wait before trying again: doubling, capped, with jitter, starting over only after good data."""

import random


class Backoff:
    """Waits of one connection, in seconds.

    Args:
        first: The longest first wait.
        cap: The longest wait of all.
        good_after: Seconds of good data after which the waits start over; an accept-then-drop loop does not reset them.
        rng: Where the jitter comes from; a wait lies between half and the whole of its step.
    """

    def __init__(
        self, *, first: float = 0.5, cap: float = 30.0, good_after: float = 10.0, rng: random.Random | None = None
    ) -> None:
        self._first, self._cap, self._good_after = first, cap, good_after
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        self._step = first
        self._good_since: float | None = None
        self.attempts = 0

    def next(self) -> float:
        """Return the next wait, and make the one after it longer."""
        self.attempts += 1
        step, self._step = self._step, min(self._step * 2, self._cap)
        self._good_since = None
        return step * (0.5 + self._rng.random() / 2)

    def good(self, now: float) -> None:
        """Note good data at a moment of a clock in seconds."""
        if self._good_since is None:
            self._good_since = now
        if now - self._good_since >= self._good_after:
            self._step, self.attempts = self._first, 0
