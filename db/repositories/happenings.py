"""What happened lately that a person may want to be told of; each read asks for the time since a moment.

By time and not by number: of two transactions the one with the lower number may commit later.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from db.bot_rows import EventRow
from db.bot_tables import bot_events
from db.repositories.gaps import Gap, GapRepository
from db.repositories.quality import QualityRepository, QualityRun
from db.tables import quality_runs
from market.clock import from_datetime, to_datetime

# Each part by its key, newest first: none reads more than it shows, but for holes, which are counted and which end in any order,
# and the few feeds there are.
# That a runner took a bot is no news: after each start it would be all there is.
_RECENT = """
(select 'bot' as source, id, at, bot as subject, kind, text from bot_events where kind <> 'leased' order by id desc limit :most)
union all (select 'alert', id, noted_at, null, state, title from alerts order by id desc limit :most)
union all (select 'wish', id, at, subject, action, "by" from wishes order by id desc limit :most)
union all (
    select 'hole', id, coalesce(closed_at, opened_at) as moment, symbol, state, cause from (
        (select id, opened_at, closed_at, symbol, state, cause from gaps order by id desc limit :most)
        union (
            select id, opened_at, closed_at, symbol, state, cause from gaps
            where closed_at is not null order by closed_at desc limit :most
        )
    ) as holes order by moment desc, id desc limit :most
)
union all (select 'feed', null, since, symbol, state, reason from feeds order by since desc limit :most)
union all (select 'count', count(*), null, null, state, '' from gaps group by state)
"""
_LONGEST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """Something that happened lately, of any kind.

    Attributes:
        source: `bot`, `alert`, `wish`, `hole` or `feed`: of which table it is.
        id: Its number there; None of a feed, which has one row.
        at_us: When; of a hole, when it was noted or ended.
        subject: Id of the bot, symbol, or what a wish is about; None where it concerns all, and of alerts.
        kind: Of an event; the state of an alert, a hole or a feed; the action of a wish.
        text: In words, at most 500 characters: the title of an alert, the cause of a hole, the reason of a feed, who wished.
    """

    source: str
    id: int | None
    at_us: int
    subject: str | None
    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lately:
    """What happened lately.

    Attributes:
        recent: Newest first.
        holes: How many holes are in each state.
    """

    recent: list[Recent]
    holes: Mapping[str, int]


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

    def lately(self, most: int) -> Lately:
        """Return the newest of what happened, so many of each kind, and how many holes there are; in one statement."""
        rows = self._connection.execute(sa.text(_RECENT), {"most": most}).all()
        recent = [
            Recent(source=row.source, id=row.id, at_us=from_datetime(row.at), subject=row.subject, kind=row.kind,
                   text=row.text[:_LONGEST])
            for row in rows if row.source != "count"
        ]  # fmt: skip
        recent.sort(key=lambda each: (each.at_us, each.source, each.id or 0), reverse=True)
        return Lately(recent=recent, holes={row.kind: row.id for row in rows if row.source == "count"})

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
