"""Sends what waits in the outbox: grouped, not too often, again where a service failed, and to each service once.

A sender that dies between sending and noting leaves its lease; whoever takes the alerts over then tells them again. So each
is told at least once, and more than once only then, or where a service answers too late.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from alerts.messages import Message, message
from alerts.services import Services
from db.operations import DatabaseOperations
from db.repositories.alerts import AlertRepository, Claimed, StoredAlert
from market.clock import now_us

logger = logging.getLogger(__name__)

DAY_US = 86_400_000_000
LEASE_US = 120_000_000
"""How long a sender has for what it claimed; more than any service may take."""

_FIRST_PAUSE_US, _LONGEST_PAUSE_US = 15_000_000, 1_800_000_000
_KEPT_US = DAY_US


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a pass over the outbox did, in alerts.

    Attributes:
        sent: Taken by all services.
        failed: Not taken by all, and to be tried again.
        given_up: Not taken by all within a day.
    """

    sent: int = 0
    failed: int = 0
    given_up: int = 0


class Sender:
    """Tells what is due.

    Args:
        db: With the outbox.
        services: Which are told.
        an_hour: Messages of one kind within an hour; what is more waits, and is told in one.
    """

    def __init__(self, db: DatabaseOperations, services: Services, *, an_hour: int) -> None:
        self._db, self._services, self._an_hour = db, services, an_hour
        self._name = uuid4().hex

    def send(self, kinds: Sequence[str]) -> Sent:
        """Send what is due, a kind after the other, and give up what could not be sent for a day.

        Raises:
            StoreError: If the database does not answer or is wrong.
        """
        given_up = self._db.alerts.give_up(noted_before_us=now_us() - _KEPT_US, now_us=now_us())
        for row in given_up:
            logger.warning("alert given up key=%s tries=%d error=%s", row.alert.key, row.tries, row.error)
        sent = failed = 0
        for kind in kinds:
            claimed = self._db.alerts.claim(kind, sender=self._name, now_us=now_us(), lease_us=LEASE_US, an_hour=self._an_hour)
            if claimed is not None:
                taken = self._tell(kind, claimed)
                sent, failed = sent + taken, failed + len(claimed.rows) - taken
        return Sent(sent=sent, failed=failed, given_up=len(given_up))

    def _tell(self, kind: str, claimed: Claimed) -> int:
        """Send what was claimed, note what came of it, and return how many alerts all services have now."""
        messages = {name: self._for(name, claimed) for name in self._services.names}
        wanted = {name: one for name, one in messages.items() if one is not None}
        failed = self._services.tell(wanted)
        if failed:
            told = "; ".join(f"{name}: {error}" for name, error in failed.items())
            logger.warning("alert failed kind=%s alerts=%d services=%s", kind, len(claimed.rows), told)
        with self._db.transaction() as store:
            return sum([self._note(store.alerts, row, failed) for row in claimed.rows])

    def _for(self, name: str, claimed: Claimed) -> Message | None:
        """Return the message for a service: what it was not told yet."""
        alerts = [row.alert for row in claimed.rows if name not in row.told]
        return message(alerts, now_us=now_us(), left=claimed.left) if alerts else None

    def _note(self, outbox: AlertRepository, row: StoredAlert, failed: dict[str, str]) -> bool:
        names = self._services.names
        told = [*row.told, *(name for name in names if name not in row.told and name not in failed)]
        open_ = {name: error for name, error in failed.items() if name not in told}
        if not open_:
            outbox.finish(row.id, sender=self._name, told=told, now_us=now_us())
            return True
        error = "; ".join(f"{name}: {words}" for name, words in open_.items())
        retry_us = now_us() + pause_us(row.tries)
        outbox.again(row.id, sender=self._name, told=told, error=error, retry_us=retry_us)
        return False


def pause_us(tries: int) -> int:
    """Return how long to wait after a try that failed, microseconds: 15 s, then twice as long each time, up to half an hour."""
    return min(_FIRST_PAUSE_US << min(tries, 20), _LONGEST_PAUSE_US)
