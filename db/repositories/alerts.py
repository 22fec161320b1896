"""The outbox of alerts: each happening is noted once, claimed by one sender at a time, and told once to each service."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from db.alert_tables import alerts
from market.clock import from_datetime, to_datetime

HOUR_US = 3_600_000_000
_LOCK = 72_270  # first half of an advisory lock of this database that nobody else uses; see db/purposes.py
_MOST = 500  # of one message


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A happening that a person is told of.

    Attributes:
        key: The same for the same happening, whoever finds it.
        kind: What it is, one word.
        title: Half a sentence that says it.
        text: What else there is to know; may be empty.
        at_us: When it happened, UTC epoch microseconds.
    """

    key: str
    kind: str
    title: str
    text: str
    at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAlert:
    """An alert, and how far the telling is.

    Attributes:
        id: Its number.
        alert: What is told.
        noted_us: When it was found.
        state: `waiting`; `sent` to all services; `given-up`; `old`: when it was found it was news no more.
        told: Services that took it.
        tries: How often some service did not take it.
        error: Why, the last time.
        retry_us: Not to be sent before.
        message_us: When it was last told.
        sent_us: When the last service took it.
    """

    id: int
    alert: Alert
    noted_us: int
    state: str
    told: tuple[str, ...]
    tries: int
    error: str | None
    retry_us: int
    message_us: int | None
    sent_us: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """Alerts that one sender tells now, in one message; nobody else does before the lease ends.

    Attributes:
        rows: Oldest first.
        left: How many messages of the kind may follow it within the hour.
    """

    rows: Sequence[StoredAlert]
    left: int


class AlertRepository:
    """Alerts on one connection; who opened it commits."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def note(self, found: Iterable[Alert], *, now_us: int, wait_us: int = 0, old_before_us: int = 0) -> int:
        """Note what is not noted yet; return how much of it waits to be sent.

        Args:
            found: Happenings, known ones among them.
            now_us: The time.
            wait_us: For so long others may join the same message.
            old_before_us: What happened before is noted as old, and not sent.
        """
        by_key = {alert.key: alert for alert in found}
        known = self._connection.scalars(sa.select(alerts.c.key).where(alerts.c.key.in_(by_key)))
        for key in list(known) if by_key else []:  # an insert that conflicts would use up a number each time
            del by_key[key]
        if not by_key:
            return 0
        rows = [_row(alert, now_us, wait_us, old_before_us) for alert in by_key.values()]
        new = insert(alerts).values(rows).on_conflict_do_nothing(constraint="alerts_key").returning(alerts.c.state)
        return sum(state == "waiting" for state in self._connection.scalars(new))

    def claim(self, kind: str, *, sender: str, now_us: int, lease_us: int, an_hour: int) -> Claimed | None:
        """Take all alerts of a kind that are due, and those that wait for company; None where none is due or too many were told.

        Args:
            kind: Of the alerts.
            sender: Name of who sends; no other has it.
            now_us: The time.
            lease_us: Afterwards another may take what was not finished.
            an_hour: Messages of the kind within an hour.
        """
        self._connection.execute(sa.text("select pg_advisory_xact_lock(:lock, hashtext(:kind))"), {"lock": _LOCK, "kind": kind})
        told = self._messages(kind, now_us)
        waiting = sa.and_(alerts.c.state == "waiting", alerts.c.kind == kind)
        due = sa.and_(waiting, alerts.c.retry_at <= to_datetime(now_us))
        if told >= an_hour or self._connection.scalar(sa.select(sa.exists().where(due))) is False:
            return None
        fresh = sa.and_(waiting, alerts.c.sender.is_(None), alerts.c.tries == 0)
        query = sa.select(alerts.c.id).where(sa.or_(due, fresh)).order_by(alerts.c.id).limit(_MOST)
        numbers = list(self._connection.scalars(query.with_for_update(skip_locked=True)))
        if not numbers:
            return None
        lease = {
            "sender": sender,
            "retry_at": to_datetime(now_us + lease_us),
            "message": numbers[0],
            "message_at": to_datetime(now_us),
        }
        taken = sa.update(alerts).where(alerts.c.id.in_(numbers)).values(lease).returning(alerts)
        rows = sorted((_stored(row) for row in self._connection.execute(taken).mappings()), key=lambda row: row.id)
        return Claimed(rows=rows, left=an_hour - told - 1)

    def _messages(self, kind: str, now_us: int) -> int:
        """Return how many messages of a kind were told, or are under way, within the last hour."""
        within = sa.and_(alerts.c.kind == kind, alerts.c.message_at > to_datetime(now_us - HOUR_US))
        different = sa.select(alerts.c.message, alerts.c.message_at).where(within).distinct().subquery()
        return int(self._connection.scalar(sa.select(sa.func.count()).select_from(different)) or 0)

    def finish(self, number: int, *, sender: str, told: Sequence[str], now_us: int) -> bool:
        """Note that all services took an alert; return whether it was still this sender's."""
        values = {"state": "sent", "told": list(told), "sent_at": to_datetime(now_us), "error": None, "sender": None}
        return self._set(number, sender, values)

    def again(self, number: int, *, sender: str, told: Sequence[str], error: str, retry_us: int) -> bool:
        """Note that some service did not take an alert, and when to try again; return whether it was still this sender's.

        Args:
            number: Of the alert.
            sender: Who tried.
            told: Services that took it, of this or an earlier try; a message that none took does not count against the hour.
            error: Why others did not.
            retry_us: When to try again.
        """
        values = {
            "told": list(told),
            "error": error,
            "retry_at": to_datetime(retry_us),
            "sender": None,
            "tries": alerts.c.tries + 1,
        }
        return self._set(number, sender, values if told else {**values, "message": None, "message_at": None})

    def _set(self, number: int, sender: str, values: Mapping[str, Any]) -> bool:
        ours = sa.update(alerts).where(alerts.c.id == number, alerts.c.sender == sender)
        return self._connection.execute(ours.values(values)).rowcount == 1

    def give_up(self, *, noted_before_us: int, now_us: int) -> list[StoredAlert]:
        """Give up what waits since before a moment and nobody sends right now; return it, oldest first."""
        over = sa.update(alerts).where(
            alerts.c.state == "waiting", alerts.c.noted_at < to_datetime(noted_before_us), alerts.c.retry_at <= to_datetime(now_us)
        )
        rows = self._connection.execute(over.values(state="given-up", sender=None).returning(alerts)).mappings()
        return sorted((_stored(row) for row in rows), key=lambda row: row.id)

    def list(self, *, kind: str | None = None, state: str | None = None, newest: int | None = None) -> list[StoredAlert]:
        """Return alerts in the order in which they were noted; with `newest` only the last so many."""
        query = sa.select(alerts).order_by(alerts.c.id.desc()).limit(newest)
        for column, wanted in ((alerts.c.kind, kind), (alerts.c.state, state)):
            query = query if wanted is None else query.where(column == wanted)
        return [_stored(row) for row in reversed(self._connection.execute(query).mappings().all())]

    def counts(self, kind: str | None = None) -> Mapping[str, int]:
        """Return how many alerts of a kind, or of all, are in each state."""
        query = sa.select(alerts.c.state, sa.func.count().label("number")).group_by(alerts.c.state)
        query = query if kind is None else query.where(alerts.c.kind == kind)
        return {row.state: row.number for row in self._connection.execute(query)}

    def forget(self, before_us: int) -> int:
        """Remove what was noted before a moment and does not wait; return how many."""
        old = sa.and_(alerts.c.noted_at < to_datetime(before_us), alerts.c.state != "waiting")
        return self._connection.execute(sa.delete(alerts).where(old)).rowcount


def _row(alert: Alert, now_us: int, wait_us: int, old_before_us: int) -> dict[str, Any]:
    now = to_datetime(now_us)
    return {
        "key": alert.key, "kind": alert.kind, "title": alert.title, "text": alert.text, "happened_at": to_datetime(alert.at_us),
        "noted_at": now, "retry_at": now + timedelta(microseconds=wait_us),
        "state": "old" if alert.at_us < old_before_us else "waiting",
    }  # fmt: skip


def _stored(row: sa.RowMapping) -> StoredAlert:
    return StoredAlert(
        id=row["id"],
        alert=Alert(
            key=row["key"], kind=row["kind"], title=row["title"], text=row["text"], at_us=from_datetime(row["happened_at"])
        ),
        noted_us=from_datetime(row["noted_at"]),
        state=row["state"],
        told=tuple(row["told"]),
        tries=row["tries"],
        error=row["error"],
        retry_us=from_datetime(row["retry_at"]),
        message_us=None if row["message_at"] is None else from_datetime(row["message_at"]),
        sent_us=None if row["sent_at"] is None else from_datetime(row["sent_at"]),
    )
