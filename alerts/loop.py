"""One look at what happened, and the sending of it; again and again in a thread of its own, where somebody wants that."""

import logging
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from alerts.kinds import KINDS
from alerts.sender import DAY_US, Sender, Sent
from alerts.services import Services
from alerts.sources import find
from db.operations import DatabaseOperations
from market.clock import now_us
from market.errors import InputError, StoreError, did_you_mean

logger = logging.getLogger(__name__)

OLD_US = 3_600_000_000
"""What is found later than this is noted and not sent: at the first start with alerts nobody wants the news of the night."""

_OVERLAP_US = 600_000_000  # transactions under way longer than this may commit something that no look sees
_WAIT_US = 3_000_000  # what happens within a few seconds becomes one message
_KEPT_US = 90 * DAY_US


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a look led to, in alerts.

    Attributes:
        noted: New ones that are to be sent.
        sent: What was sent.
    """

    noted: int = 0
    sent: Sent = field(default_factory=Sent)


class Alerts:
    """Finds what people are told of, and tells it; any number of processes may do so at once.

    Without addresses it does nothing, and Apprise is not imported.

    Args:
        db: Where it is found, and where the outbox is.
        urls: Addresses of the services, secrets all of them.
        kinds: What is told; the others are not even noted.
        an_hour: Messages of one kind within an hour.
        feed_seconds: For so long a feed has to be stale or down.

    Raises:
        InputError: If a kind is none, or Apprise cannot use an address.
    """

    def __init__(
        self,
        db: DatabaseOperations,
        urls: Sequence[str],
        *,
        kinds: Collection[str] = KINDS,
        an_hour: int = 10,
        feed_seconds: float = 60.0,
    ) -> None:
        for kind in kinds:
            if kind not in KINDS:
                raise InputError(f"alerts.kinds: {kind!r} is not one of {', '.join(KINDS)}{did_you_mean(kind, list(KINDS))}")
        self._db, self._kinds, self._feed_seconds = db, [kind for kind in KINDS if kind in kinds], feed_seconds
        self._sender = Sender(db, Services(urls), an_hour=an_hour) if urls else None
        self._looked_us: int | None = None

    def look(self) -> Looked:
        """Note what happened since the last look, and send what is due; a service that does not answer takes half a minute a kind.

        Raises:
            StoreError: If the database does not answer or is wrong.
        """
        if self._sender is None:
            return Looked()
        noted = self._note(now_us())
        return Looked(noted=noted, sent=self._sender.send(self._kinds))

    def _note(self, at_us: int) -> int:
        first = self._looked_us is None
        since_us = at_us - DAY_US if self._looked_us is None else min(self._looked_us, at_us) - max(_OVERLAP_US, self._slow_us)
        with self._db.transaction() as store:
            if first:
                store.alerts.forget(at_us - _KEPT_US)
            found = find(store, self._kinds, since_us=since_us, now_us=at_us, feed_seconds=self._feed_seconds)
            noted = store.alerts.note(found, now_us=at_us, wait_us=_WAIT_US, old_before_us=at_us - OLD_US)
        self._looked_us = at_us
        return noted

    @property
    def _slow_us(self) -> int:
        """What becomes an alert only after a while, a silent feed, has to lie within the overlap."""
        return round(2 * self._feed_seconds * 1_000_000)

    def watch(self, stop: threading.Event, *, seconds: float = 5.0) -> None:
        """Look every few seconds until told to stop; for a thread of its own. A database that is away is waited for."""
        away = False
        while self._sender is not None and not stop.is_set():
            try:
                self.look()
                away = False
            except StoreError as error:
                logger.log(logging.DEBUG if away else logging.WARNING, "alerts wait for the database error=%s", error)
                away = True
            except Exception:
                logger.exception("alerts failed; they go on")
            stop.wait(seconds)
