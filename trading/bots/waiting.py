"""Questions that wait for a process: one of a bot at a time, and bots that have failed apart from those that have not."""

from collections import deque
from dataclasses import dataclass

SECLUDED_SECONDS = 3_600.0


@dataclass(slots=True, kw_only=True)
class Asking:
    """A question that is waited for.

    Attributes:
        number: From 1, in the order in which they were asked.
        bot: Whose.
        symbol: Of the question.
        timestamp_us: Of its newest candle.
        message: As it is sent.
        limit_seconds: How long its strategy may take.
        tries: How many processes were lost before they began with it.
        cancelled: Whether nobody waits for its answer any more.
    """

    number: int
    bot: str
    symbol: str
    timestamp_us: int
    message: bytes
    limit_seconds: float
    tries: int = 0
    cancelled: bool = False


class Waiting:
    """Whose turn it is: bots take turns, and a bot's own questions keep their order.

    A bot that did harm is secluded for an hour: it is asked in a process apart, where it delays only its like.
    """

    def __init__(self) -> None:
        self._lines: dict[str, deque[Asking]] = {}
        self._turns: dict[bool, deque[str]] = {False: deque(), True: deque()}
        self._under_way: set[str] = set()
        self._failed: dict[str, float] = {}

    def add(self, asking: Asking, now: float) -> None:
        """Queue a question behind those of its bot; `now` in seconds of a clock that never goes back."""
        line = self._lines.setdefault(asking.bot, deque())
        line.append(asking)
        if len(line) == 1 and asking.bot not in self._under_way:
            self._turns[self.secluded(asking.bot, now)].append(asking.bot)

    def next(self, *, secluded: bool) -> Asking | None:
        """Take the next question of bots that are secluded, or of those that are not; None where none waits."""
        while self.any(secluded=secluded):
            bot = self._turns[secluded].popleft()
            line = self._lines[bot]
            asking = line.popleft()
            if not line:
                del self._lines[bot]
            self._under_way.add(bot)
            return asking
        return None

    def any(self, *, secluded: bool) -> bool:
        """Return whether a question of such bots could be asked now."""
        turns = self._turns[secluded]
        while turns and (turns[0] not in self._lines or turns[0] in self._under_way):
            turns.popleft()  # cancelled since
        return bool(turns)

    def count(self) -> int:
        """Return how many bots that are not secluded have a question that could be asked now, or had one that was cancelled."""
        return len(self._turns[False])

    def waits(self, bot: str) -> bool:
        """Return whether a bot has questions and none of them is under way."""
        return bot in self._lines and bot not in self._under_way

    def done(self, asking: Asking, now: float) -> None:
        """Let the next question of a bot have its turn: this one is answered."""
        self._under_way.discard(asking.bot)
        if asking.bot in self._lines:
            self._turns[self.secluded(asking.bot, now)].append(asking.bot)

    def back(self, asking: Asking, now: float) -> None:
        """Put a question back in front: nobody began with it."""
        self._under_way.discard(asking.bot)
        if not asking.cancelled:
            self._lines.setdefault(asking.bot, deque()).appendleft(asking)
        if asking.bot in self._lines:
            self._turns[self.secluded(asking.bot, now)].appendleft(asking.bot)

    def drop(self, bot: str) -> None:
        """Forget the questions of a bot that wait."""
        self._lines.pop(bot, None)

    def seclude(self, bot: str, now: float) -> None:
        """Ask a bot apart from others for an hour."""
        self._failed[bot] = now

    def secluded(self, bot: str, now: float) -> bool:
        """Return whether a bot is asked apart from others."""
        since = self._failed.get(bot)
        if since is not None and now - since >= SECLUDED_SECONDS:
            del self._failed[bot]
            return False
        return since is not None
