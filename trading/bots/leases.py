"""Which bots a runner has: taken for some seconds, renewed while it lives, given back when they stop, crash or change."""

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from db.bot_rows import EventRow, StoredBot
from trading.bots.restarts import charge

if TYPE_CHECKING:
    from db.operations import DatabaseOperations

logger = logging.getLogger(__name__)

LEASE_SECONDS = 15.0
RENEW_SECONDS = 5.0
"""That is the heartbeat, too."""
LOOK_SECONDS = 1.0


@dataclass(slots=True)
class Changes:
    """What a look at the leases found.

    Attributes:
        taken: Bots that are new here, with their accounts.
        gone: Ids of those that this runner has no more, or that are not wanted to run as they do.
    """

    taken: list[StoredBot] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)


class Leases:
    """The bots that one runner has.

    Args:
        db: The store.
        owner: Name of the runner.
        most: So many bots at most.
        only: No others than these; None for any.

    Attributes:
        held: Bots by id, as they were taken.
    """

    def __init__(self, db: "DatabaseOperations", owner: str, *, most: int, only: Collection[str] | None = None) -> None:
        self._db, self.owner, self._most, self._only = db, owner, most, only
        self.held: dict[str, StoredBot] = {}
        self._again: set[str] = set()
        self._looked = self._renewed = float("-inf")

    def look(self, now: float, well: Collection[str]) -> Changes | None:
        """Renew leases, give back what is not wanted, and take what nobody has; None where it is too early for a look.

        Args:
            now: Monotonic seconds.
            well: For which bots a heartbeat is noted.

        Raises:
            StoreUnreachable: If the database does not answer.
        """
        if now < self._looked + LOOK_SECONDS:
            return None
        self._looked = now
        changes = Changes()
        epochs = {bot: stored.lease_epoch for bot, stored in self.held.items()}
        if now >= self._renewed + RENEW_SECONDS:
            self._renewed = now
            kept = self._db.bots.renew(self.owner, epochs, well=well, seconds=LEASE_SECONDS)
        else:
            kept = self._db.bots.held(self.owner, epochs)
        wanted = {each.id: each for each in kept}
        for bot, stored in list(self.held.items()):
            if bot not in wanted:
                del self.held[bot]
                changes.gone.add(bot)
                logger.warning("lost bot=%s epoch=%d", bot, stored.lease_epoch)
            elif wanted[bot].wanted != "running" or wanted[bot].config_digest != stored.config_digest or bot in self._again:
                self.release(bot)
                changes.gone.add(bot)
        self._again.clear()
        if len(self.held) < self._most:
            most = self._most - len(self.held)
            changes.taken = self._db.bots.take(self.owner, most=most, seconds=LEASE_SECONDS, only=self._only)
            self.held |= {stored.id: stored for stored in changes.taken}
        return changes

    def release(self, bot: str, *, reason: str = "") -> None:
        """Give a bot back; whoever takes it goes on behind what was written last."""
        self._db.bots.release(bot, self.held.pop(bot).lease_epoch, state="stopped", reason=reason)

    def take_again(self, bots: Iterable[str]) -> None:
        """Give bots back at the next look and take them anew: nobody knows what was written of them last."""
        self._again |= {bot for bot in bots if bot in self.held}
        self._looked = float("-inf")

    def park(self, bot: str, why: str) -> None:
        """Give a bot back that nobody is to take until a person starts it."""
        event = EventRow(kind="parked", text=why)
        self._db.bots.release(bot, self.held.pop(bot).lease_epoch, state="parked", reason=why, event=event)

    def crashed(self, bot: str, why: str) -> None:
        """Give a bot back that crashed: to be started again after a pause, or parked where it did too often."""
        epoch = self.held.pop(bot).lease_epoch
        logger.warning("crashed bot=%s reason=%s", bot, why)
        with self._db.transaction() as store:
            charge(store, bot, epoch, why)

    def give_back(self) -> None:
        """Give all bots back: this runner ends."""
        with self._db.transaction() as store:
            for bot, stored in self.held.items():
                store.bots.release(bot, stored.lease_epoch, state="stopped", reason="its runner stopped")
        self.held.clear()
