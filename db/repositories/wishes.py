"""Wishes: what people asked of the system on the page, who and when; with what they do, or before others are asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from db.wish_tables import wishes
from market.clock import from_datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody asked of the system.

    Attributes:
        by: Who, as they signed in.
        action: What: `start bot`.
        subject: Of what: the id of a bot, a symbol, a run.
        details: What else there is to know, as JSON can have it.
        at_us: When, by the clock of the database, UTC epoch microseconds; None before it is stored.
        id: Its number; None before it is stored.
    """

    by: str
    action: str
    subject: str
    details: dict[str, Any] = field(default_factory=dict)
    at_us: int | None = None
    id: int | None = None


class WishRepository:
    """Wishes on one connection; who opened it commits."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, wish: Wish) -> int:
        """Record a wish with the time of the database; return its number."""
        values = {"by": wish.by, "action": wish.action, "subject": wish.subject, "details": wish.details}
        return int(self._connection.execute(sa.insert(wishes).values(**values).returning(wishes.c.id)).scalar_one())

    def tell(self, number: int, details: Mapping[str, Any]) -> None:
        """Give a wish other details, for what is known only when it was carried out."""
        self._connection.execute(sa.update(wishes).where(wishes.c.id == number).values(details=dict(details)))

    def forget(self, number: int) -> None:
        """Take back a wish of which nothing was done."""
        self._connection.execute(sa.delete(wishes).where(wishes.c.id == number))

    def list(self, *, subject: str | None = None, newest: int | None = None, before: int | None = None) -> list[Wish]:
        """Return wishes, oldest first.

        Args:
            subject: Only those about it; None for all.
            newest: So many at most, the newest ones; None for all.
            before: Only those with a lower number, for the next page; None for all.
        """
        query = sa.select(wishes).order_by(wishes.c.id.desc()).limit(newest)
        query = query if subject is None else query.where(wishes.c.subject == subject)
        query = query if before is None else query.where(wishes.c.id < before)
        rows = [
            Wish(by=row.by, action=row.action, subject=row.subject, details=row.details, at_us=from_datetime(row.at), id=row.id)
            for row in self._connection.execute(query)
        ]
        return rows[::-1]
