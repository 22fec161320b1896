"""What time it is at the venue, as far as its own words prove it."""

from market.timeframe import DAY_US, MINUTE_US

_AHEAD_OF_ANSWER_US = 10_000_000
_AHEAD_US, _BEHIND_US = 60 * MINUTE_US, 7 * DAY_US


class VenueClock:
    """The venue's time, from its frames and from its answers. Moments `now` are seconds of a local clock that never goes back.

    The local clock is never taken for the venue's: it only says when it is worth asking. So a replay at any speed, a venue
    that stands still and a local clock that is wrong all close the same candles.

    Args:
        grace_us: How far the venue's time has to be past a close before the clock closes it.
        settle: Seconds to wait after an answer, for the frames that were under way.
        ask_every: Least seconds between two questions.
        quiet: Seconds of silence after which it is asked all the same: its clock may run faster than ours, as a replay's does.
    """

    def __init__(self, *, grace_us: int = 2_000_000, settle: float = 1.0, ask_every: float = 1.0, quiet: float = 5.0) -> None:
        self._grace_us, self._settle, self._ask_every, self._quiet = grace_us, settle, ask_every, quiet
        self._seen_us, self._seen_at = 0, 0.0
        self._answer_us, self._answer_at = 0, 0.0
        self._asked_at = float("-inf")

    def seen(self, venue_us: int, now: float) -> None:
        """Note the time of a frame."""
        if venue_us > self._seen_us:
            self._seen_us, self._seen_at = venue_us, now

    def answered(self, venue_us: int, now: float) -> None:
        """Note the answer to the question for the time."""
        if venue_us > self._answer_us:
            self._answer_us, self._answer_at = venue_us, now

    @property
    def newest_us(self) -> int:
        """The newest moment that the venue named, 0 before the first."""
        return max(self._seen_us, self._answer_us)

    def is_possible(self, venue_us: int, local_us: int) -> bool:
        """Return whether a venue's clock may show this: neither an hour ahead of all we know, nor a week behind it."""
        newest_us = max(self.newest_us, local_us)
        return newest_us - _BEHIND_US <= venue_us <= newest_us + _AHEAD_US

    def may_trade_at(self, venue_us: int, local_us: int, now: float) -> bool:
        """Return whether a trade may have this time; once the venue told its time, not more than ten seconds ahead of it.

        One absurd time would otherwise close candles of all symbols up to it.
        """
        if not self._answer_us:
            return self.is_possible(venue_us, local_us)
        told_us = self._answer_us + int((now - self._answer_at) * 1_000_000)
        newest_us = max(self.newest_us, told_us, local_us)
        return newest_us - _BEHIND_US <= venue_us <= newest_us + _AHEAD_OF_ANSWER_US

    def closable_until(self, now: float) -> int:
        """Return the moment up to which spans may be closed."""
        proven_us = self._seen_us
        if now >= self._answer_at + self._settle:
            proven_us = max(proven_us, self._answer_us)
        return proven_us - self._grace_us

    def should_ask(self, due_us: int, now: float) -> bool:
        """Return whether the venue should be asked for the time, because a span that ends at `due_us` looks over."""
        if now < self._asked_at + self._ask_every or now < self._answer_at + self._settle:
            return False
        newest_us, at = max((self._seen_us, self._seen_at), (self._answer_us, self._answer_at))
        looks_over = newest_us + int((now - at) * 1_000_000) >= due_us + self._grace_us
        if not looks_over and now < max(at, self._asked_at) + self._quiet:
            return False
        self._asked_at = now
        return True
