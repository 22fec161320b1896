"""What happened lately that a person may want to be told of; each read asks for the time since a moment.

By time and not by number: of two transactions the one with the lower number may commit later.
"""

from collections.abc import Collection

import sqlalchemy as sa

from db.bot_rows import EventRow
from db.bot_tables import bot_events
from db.repositories.gaps import Gap, GapRepository
from db.repositories.quality import QualityRepository, QualityRun
from db.tables import quality_runs
from market.clock import from_datetime, to_datetime


class HappeningRepository:
    """Reads on one connection; times are those of the database."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def bot_events(self, kinds: Collection[str], since_us: int) -> list[EventRow]:
        """Return events of bots of some kinds, oldest first."""
        query = sa.select(bot_events).where(bot_events.c.kind.in_(kinds), bot_events.c.at >= to_datetime(since_us))
        return [
            EventRow(
                id=row.id, bot=row.bot, epoch=row.epoch, at_us=from_datetime(row.at), kind=row.kind, text=row.text,
                details=row.details,
            )
            for row in self._connection.execute(query.order_by(bot_events.c.at, bot_events.c.id))
        ]  # fmt: skip

    def unrecoverable_gaps(self, since_us: int) -> dict[int, Gap]:
        """Return the holes that ended as unrecoverable, by number, in the order in which they ended."""
        return GapRepository(self._connection).ended("unrecoverable", since_us)

    def failed_checks(self, since_us: int) -> list[QualityRun]:
        """Return the runs of checks that found errors, or broke off, with their results, in the order in which they ended."""
        ran = quality_runs.c
        failed = sa.or_(ran.success.is_(False), ran.state == "failed")
        query = sa.select(ran.id).where(failed, ran.ended_at >= to_datetime(since_us)).order_by(ran.ended_at, ran.id)
        quality = QualityRepository(self._connection)
        found = [quality.get(number) for number in self._connection.scalars(query)]
        return [run for run in found if run is not None]
