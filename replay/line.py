"""One open connection as the core of the exchange knows it."""

from collections import deque
from typing import Any

from replay.deeds import Deed
from replay.session import Session


class Line:
    """A connection: its session, and what time it is for it. All times are seconds of the monotonic clock.

    Attributes:
        number: 1 for the first client of the exchange, and so on.
        venue: Whose protocol it speaks.
        path: The path that it was opened on.
        opened: When it was opened.
        subscribed: When it first subscribed to anything; None before that.
        active: When something last went to the client.
        ping_at: When the next ping is due, None where the venue does not ping.
        pinged: When a ping was sent that was not answered yet, None without one.
        frozen: Whether nothing reaches it any more, in either direction.
        troubles: What each fault notes of this connection.
        late: What is said to it later, in order, each with the moment from which it may be said.
    """

    def __init__(self, number: int, session: Session, path: str, now: float) -> None:
        self.number, self.session, self.path, self.venue = number, session, path, session.venue
        self.opened = self.active = now
        self.subscribed: float | None = None
        self.pinged: float | None = None
        self.ping_at = None if session.ping_seconds is None else now + session.ping_seconds
        self.frozen = False
        self.troubles: dict[object, Any] = {}
        self.late: deque[tuple[float, Deed]] = deque()
