"""The exchange's clock: stands at the start of a tape until someone listens, runs at a speed, freezes at the end."""

from collections.abc import Callable

from market import clock

_HOLD_SECONDS = 0.2
_MILLISECOND_US = 1000


class ExchangeClock:
    """A clock that can be held, paused and sped up; it shows whole milliseconds and never goes back.

    Args:
        first_us: Where the tape begins, None for a market without a beginning: then the clock runs at once.
        last_us: Where the tape ends; the clock stands still there. None for no end.
        speed: Seconds of the market in a second.
        shift_to_now: Whether the tape is played as if it happened now.
        start_us: Where a market without a beginning is entered, the wall clock's time if None.
        wall: Reads the wall clock, UTC epoch microseconds.
        monotonic: Reads seconds that never go back.

    Attributes:
        offset_us: What is added to the tape's own times; known once the clock was released.
        released: Whether the clock has ever been set going.
    """

    def __init__(
        self,
        first_us: int | None,
        last_us: int | None,
        *,
        speed: float = 1.0,
        shift_to_now: bool = False,
        start_us: int | None = None,
        wall: Callable[[], int] = clock.now_us,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self.speed, self.released, self.offset_us = speed, False, 0
        self._wall, self._monotonic, self._shift = wall, monotonic, shift_to_now and first_us is not None
        self._last_us, self._anchor, self._paused = last_us, 0.0, False
        begin = first_us if first_us is not None else start_us if start_us is not None else wall()
        self._begin_us = begin // _MILLISECOND_US * _MILLISECOND_US
        if first_us is None:
            self.release(hold_seconds=0.0)

    def now_us(self) -> int:
        """Return the exchange's time, UTC epoch microseconds."""
        if not self.released:
            return self._wall() // _MILLISECOND_US * _MILLISECOND_US if self._shift else self._begin_us
        passed = 0.0 if self._paused else max(0.0, self._monotonic() - self._anchor)
        moment = self._begin_us + int(passed * self.speed * 1_000_000) // _MILLISECOND_US * _MILLISECOND_US
        return moment if self._last_us is None else min(moment, self._last_us)

    def is_end(self, moment_us: int) -> bool:
        """Return whether a moment is the end of the tape, at which the clock stands still."""
        return self.released and self._last_us is not None and moment_us >= self._last_us

    def release(self, hold_seconds: float = _HOLD_SECONDS) -> None:
        """Set the clock going after a short hold; later calls do nothing."""
        if self.released:
            return
        if self._shift:
            now = self._wall() // _MILLISECOND_US * _MILLISECOND_US + int(hold_seconds * 1000) * _MILLISECOND_US
            self.offset_us, self._begin_us = now - self._begin_us, now
            self._last_us = None if self._last_us is None else self._last_us + self.offset_us
        self.released = True
        self._anchor = self._monotonic() + hold_seconds

    def pause(self) -> None:
        """Stand still; nothing is lost, since no time passes."""
        self._begin_us = self.now_us() if self.released else self._begin_us
        self._paused = True

    def resume(self) -> None:
        """Go on from where the clock was paused."""
        if self._paused:
            self._paused, self._anchor = False, self._monotonic()
