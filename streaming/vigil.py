"""Tells a quiet symbol from a lost one: how old its last trade is against its own usual rate. Pure; moments are handed in."""

_ALPHA = 0.05
_FIRST_LOOK = 3.0
_TIMES = 8.0
_LEAST, _MOST = 4.0, 60.0
_RARER = 4
_SHARE = 2.0  # seconds between two questions about quiet symbols of one venue, all together
_BLIND = 6.0
_PROBATION = 12.0
_RENEW_FIRST, _RENEW_MOST = 15.0, 1800.0


class Vigil:
    """Watches one symbol on a line that is up. Moments are seconds of the monotonic clock.

    Silence is suspicious after eight times the usual pause between trades, but not before 4 s, and at the latest after a minute.
    Then the venue is asked for its newest trade. While it has nothing that did not come, the symbol is quiet, and the
    questions become rarer, up to four times as rare.

    Args:
        others: How many symbols share the venue's limits with it: the more, the rarer the questions about the quiet ones.

    Attributes:
        asking: Whether a question is under way.
        owes: What the venue has and did not send, in words; empty when it owes nothing.
    """

    def __init__(self, *, others: int = 0) -> None:
        self._others, self._most = others, _MOST + _SHARE * others
        self._fresh_at: float | None = None
        self._last_at: float | None = None
        self._pause: float | None = None
        self._silent_since = self._look_at = float("inf")
        self._confirmed_at = self._answered_at = float("-inf")
        self._looks = 0
        self._blind_since: float | None = None
        self._renew_at, self._renew_step = float("-inf"), _RENEW_FIRST
        self._missed_id: int | None = None
        self.asking, self.owes = False, ""

    def connected(self, now: float) -> None:
        """Note a new line: a first look follows soon, for who knows what was missed."""
        self._silent_since, self._looks = now, 0
        self._look_at = min(self._look_at, now + _FIRST_LOOK) if self._look_at > now else now + _FIRST_LOOK

    def renewed(self, now: float) -> None:
        """Note that a new line took over."""
        self._fresh_at, self._missed_id = now, None

    @property
    def overdue(self) -> float:
        """When the venue should be asked, the oldest first."""
        return self._look_at

    def heard(self, count: int, now: float) -> None:
        """Note trades that arrived together."""
        if self._last_at is not None:
            sample, weight = (now - self._last_at) / count, 1.0 - (1.0 - _ALPHA) ** count
            self._pause = sample if self._pause is None else self._pause + weight * (sample - self._pause)
        if not self.owes and self._last_at is not None:
            self._renew_step = _RENEW_FIRST
        self._last_at = self._silent_since = now
        self._looks, self._blind_since, self._missed_id, self.owes = 0, None, None, ""
        self._look_at = now + self.patience

    @property
    def patience(self) -> float:
        """Seconds of silence that are usual."""
        return _LEAST if self._pause is None else min(max(_TIMES * self._pause, _LEAST), _MOST)

    def should_look(self, now: float) -> bool:
        """Return whether the venue should be asked for its newest trade."""
        return not self.asking and now >= self._look_at

    def look_soon(self, now: float) -> None:
        """Ask at the next occasion: something says that trades were lost."""
        self._look_at = min(self._look_at, now)

    def look_for_proof(self, now: float) -> None:
        """Ask soon, for a minute is over and waits for a proof; of many symbols each has to wait for its turn."""
        if self._blind_since is None:  # who does not answer is not asked more often
            self._look_at = min(self._look_at, max(now, self._answered_at + _SHARE * self._others))

    def confirmed(self, now: float) -> None:
        """Note that the venue has nothing that did not come."""
        self._confirmed_at = self._answered_at = now
        self._blind_since = None
        if self._fresh_at is not None and now >= self._fresh_at + self.patience + _PROBATION:
            self.owes = ""  # only a trade, or a new line that owes nothing for a while, says that it delivers again
        self._looks += 1
        rarer = max(self.patience * min(2 ** min(self._looks, 10), _RARER), _SHARE * self._others)
        self._look_at = now + min(rarer, self._most)

    def unanswered(self, now: float) -> None:
        """Note that the venue did not answer the question."""
        self._blind_since = now if self._blind_since is None else self._blind_since
        self._answered_at = now
        self._looks += 1
        self._look_at = now + min(2.0 ** min(self._looks, 10), self._most)

    def lost(self, words: str, now: float) -> None:
        """Note that the venue has trades that did not come."""
        self.owes, self._blind_since, self._fresh_at = words, None, None
        self._look_at = now + _LEAST

    def misses(self, newest_id: int) -> bool:
        """Note the newest trade that the line did not deliver; return whether an earlier look found another one.

        What came into being between two looks is the fault of the line there is, however new it is.
        """
        before, self._missed_id = self._missed_id, newest_id
        return before is not None and before != newest_id

    def should_renew(self, now: float) -> bool:
        """Return whether a new line may help a symbol that owes; each time it is worth it after a longer wait only."""
        if now < self._renew_at:
            return False
        self._renew_at, self._renew_step = now + self._renew_step, min(2 * self._renew_step, _RENEW_MOST)
        return True

    def state(self, now: float) -> tuple[str, str]:
        """Return `live`, `quiet` or `stale`, and why."""
        if self.owes:
            return "stale", self.owes
        silent = now - self._silent_since
        if self._blind_since is not None and now - self._blind_since > _BLIND:
            return "stale", f"no trade for {silent:.0f} s, and the venue does not answer over REST"
        if self._last_at is None:
            return "quiet", "subscribed, no trade yet"
        if silent > self.patience and self._confirmed_at > self._last_at:
            return "quiet", ""
        return "live", ""
