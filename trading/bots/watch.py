"""Which bots of a runner come on, and which do not: the same verdict as everywhere, by what only their runner knows."""

from collections.abc import Callable, Iterable, Mapping

from trading.bots.bot import Bot
from trading.bots.health import Facts, Health, Verdict, verdict

LOOK_SECONDS = 3.0


class Watch:
    """Counts for how long each bot has something to act on and does not come on.

    What counts is time in which the runner looked: while it waits for the database, or the machine sleeps, nobody is to blame.

    Args:
        blocked: Returns what keeps the question of a bot from being asked; empty where it is asked, or there is none.
    """

    def __init__(self, blocked: Callable[[str], str]) -> None:
        self._blocked = blocked
        self._at: dict[str, tuple[int, int]] = {}
        self._still: dict[str, float] = {}
        self._verdicts: dict[str, Verdict] = {}
        self._looked = float("-inf")

    def look(self, now: float, bots: Iterable[Bot], limits: Mapping[str, float]) -> dict[str, str]:
        """Judge bots, every few seconds; return those that are stuck, with the reason.

        Args:
            now: Monotonic seconds.
            bots: All that run here.
            limits: How long the strategy of each may take, seconds.
        """
        if now < self._looked + LOOK_SECONDS:
            return {}
        passed, self._looked = min(now - self._looked, LOOK_SECONDS), now
        at, still, verdicts = {}, {}, {}
        for bot in bots:
            at[bot.id] = bot.progress
            rests = self._at.get(bot.id) != bot.progress or not (bot.is_asking or bot.is_behind)
            still[bot.id] = 0.0 if rests else self._still[bot.id] + passed
            verdicts[bot.id] = self._verdict(bot.id, still[bot.id], limits[bot.id])
        self._at, self._still, self._verdicts = at, still, verdicts
        return {bot: each.reason for bot, each in verdicts.items() if each.state is Health.STUCK}

    def is_well(self, bot: str) -> bool:
        """Return whether a bot comes on, or does not by no fault of its own; those that were not looked at yet do."""
        found = self._verdicts.get(bot)
        return found is None or found.state is Health.RUNNING or bool(self._blocked(bot))

    def reason(self, bot: str) -> str:
        """Return why a bot is late; empty where it is not."""
        found = self._verdicts.get(bot)
        return "" if found is None else found.reason

    def _verdict(self, bot: str, still_seconds: float, limit_seconds: float) -> Verdict:
        """Return how a bot is at a moment 0 that its runner looks at it."""
        owed_us = -round(still_seconds * 1e6) if still_seconds else None
        facts = Facts(
            wanted="running", state="running", owner="its runner", lease_until_us=1, heartbeat_us=0, owed_us=owed_us,
            limit_seconds=limit_seconds, blocked=self._blocked(bot),
        )  # fmt: skip
        return verdict(facts, 0)
