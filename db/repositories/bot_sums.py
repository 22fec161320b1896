"""Sums over all bots, each read in one statement: how all of them are, what they were worth over time, and who runs them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from db.bot_rows import StoredBot
from db.bot_state import CLOCK, columns, stored
from db.repositories.bot_rescues import OWED, BotRescues
from db.tables import bots
from market.clock import from_datetime, to_datetime

if TYPE_CHECKING:
    import pandas as pd

MOST_POINTS = 500
"""More moments than this no curve has."""

EARLIER_ACCOUNTS = 100
"""So many accounts of a bot are looked at that ended by a reset; older ones are not."""

# Ended accounts count with what they won or lost since the day began. A day is that of the market, as in `cli.bot_list`.
_OF_DAY = f"""
with day as (
    select date_trunc('day', coalesce(max(acted_until) filter (where wanted = 'running'), clock_timestamp())
        - interval '1 microsecond') as began from bots
)
select bots.id, day.began, coalesce(before.equity, capital.amount) as base, ended.gain
from bots cross join day
left join postings as capital
    on capital.bot = bots.id and capital.run = bots.run and capital.entry = 1 and capital.account = 'cash'
left join lateral (
    select equity from bot_performance as row
    where row.bot = bots.id and row.run = bots.run and row.timestamp <= day.began order by row.timestamp desc limit 1
) as before on true
left join lateral (
    select sum(last.equity - coalesce(first.equity, begun.amount)) as gain
    from generate_series(greatest(1, bots.run - {EARLIER_ACCOUNTS}), bots.run - 1) as earlier (run)
    join postings as begun
        on begun.bot = bots.id and begun.run = earlier.run and begun.entry = 1 and begun.account = 'cash'
    cross join lateral (
        select equity from bot_performance as row
        where row.bot = bots.id and row.run = earlier.run and row.timestamp > day.began order by row.timestamp desc limit 1
    ) as last
    left join lateral (
        select equity from bot_performance as row
        where row.bot = bots.id and row.run = earlier.run and row.timestamp <= day.began order by row.timestamp desc limit 1
    ) as first on true
) as ended on true
"""  # noqa: S608 - text of ours

# The newest moment is always one of them; the first is not before any of these accounts began.
_WORTH = f"""
with account as (
    select bots.id as bot, each.run, begun.timestamp as begun, begun.amount, last.timestamp as last, each.run < bots.run as ended
    from bots cross join lateral generate_series(greatest(1, bots.run - {EARLIER_ACCOUNTS}), bots.run) as each (run)
    join postings as begun on begun.bot = bots.id and begun.run = each.run and begun.entry = 1 and begun.account = 'cash'
    left join lateral (
        select timestamp from bot_performance as row
        where row.bot = bots.id and row.run = each.run order by row.timestamp desc limit 1
    ) as last on true
    where bots.id = any(cast(:ids as text[])) and begun.timestamp <= :end
        and (each.run = bots.run or coalesce(last.timestamp, begun.timestamp) >= :start)
), span as (
    select greatest(:start, min(begun)) as start,
        greatest((:end - greatest(:start, min(begun))) / cast(:steps as integer), interval '1 minute') as step from account
), moment as materialized (
    select :end - number * span.step as at from span cross join generate_series(0, cast(:steps as integer)) as number
    where :end - number * span.step >= span.start
)
select account.bot, account.run, moment.at as timestamp, coalesce((
        select equity from bot_performance as row
        where row.bot = account.bot and row.run = account.run and row.timestamp <= moment.at order by row.timestamp desc limit 1
    ), account.amount)::float8 as equity,
    account.amount::float8 as amount, account.begun, account.ended and moment.at > coalesce(account.last, account.begun) as over
from account join moment on moment.at >= account.begun order by account.bot, account.run, moment.at
"""  # noqa: S608 - text of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class BotGlance:
    """A bot, and what there is to know of its day.

    Attributes:
        bot: Its row, without its account.
        at_us: When it was read, by the clock of the database.
        owed_us: Since when it could act on something; see `BotRescues.owed`.
        day_us: When the UTC day began of the market that the running bots trade in, else of the clock.
        base: What its account had then, or began with since; None of one that has not begun.
        ended: What accounts of it that ended by a reset won since then, below 0 for lost.
    """

    bot: StoredBot
    at_us: int
    owed_us: int | None
    day_us: int
    base: float | None
    ended: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BotRunner:
    """A runner that has bots.

    Attributes:
        name: By default machine and process, `HOST-PID`.
        bots: How many it has.
        heartbeat_us: The oldest heartbeat of them; None where one never had any.
        lease_until_us: When the first of their leases ends unless it is renewed.
        at_us: When it was read, by the clock of the database.
    """

    name: str
    bots: int
    heartbeat_us: int | None
    lease_until_us: int | None
    at_us: int


class BotSums(BotRescues):
    """Sums over all bots, on one connection."""

    def glance(self) -> list[BotGlance]:
        """Return all bots by id, each with what there is to know of its day."""
        day = sa.text(_OF_DAY).columns(
            sa.column("id", sa.Text), sa.column("began", sa.DateTime(timezone=True)),
            sa.column("base", sa.Numeric), sa.column("gain", sa.Numeric),
        ).subquery("of_day")  # fmt: skip
        owed = sa.text(OWED).columns(sa.column("id", sa.Text), sa.column("since", sa.DateTime(timezone=True))).subquery("owed")
        extra = [CLOCK.label("at"), day.c.began, day.c.base, day.c.gain, owed.c.since]
        read = columns(accounts=False)
        query = sa.select(*read, *extra).join(day, day.c.id == bots.c.id).outerjoin(owed, owed.c.id == bots.c.id)
        names = [column.name for column in read]
        return [
            BotGlance(
                bot=stored({name: row[name] for name in names}),
                at_us=from_datetime(row["at"]),
                owed_us=None if row["since"] is None else from_datetime(row["since"]),
                day_us=from_datetime(row["began"]),
                base=None if row["base"] is None else float(row["base"]),
                ended=float(row["gain"] or 0),
            )
            for row in self._connection.execute(query.order_by(bots.c.id)).mappings()
        ]

    def worth(self, ids: Sequence[str], *, end_us: int, span_us: int, points: int) -> "pd.DataFrame":
        """Return what the accounts of bots were worth over time, those that ended by a reset within the time among them.

        Args:
            ids: Of the bots.
            end_us: The newest moment, of the market, UTC epoch microseconds.
            span_us: How long before it begins; later where no account had begun yet.
            points: How many moments there are at most, `MOST_POINTS` at the utmost.

        Returns:
            A row for each account and moment since it began, ordered by bot, run and timestamp: `equity` as it was last known
            (before that what it began with), `amount` with which it began at `begun`, and `over` where it had ended by then.
        """
        import pandas as pd  # noqa: PLC0415 - half a second, which most who open the store need not wait for

        bounds = {"start": to_datetime(end_us) - timedelta(microseconds=span_us), "end": to_datetime(end_us)}
        wanted = {"ids": [*ids], "steps": max(1, min(points, MOST_POINTS) - 1), **bounds}
        typed = [sa.bindparam(name, type_=sa.DateTime(timezone=True)) for name in bounds]
        rows = self._connection.execute(sa.text(_WORTH).bindparams(*typed), wanted)
        found = pd.DataFrame(rows.fetchall(), columns=["bot", "run", "timestamp", "equity", "amount", "begun", "over"])
        return found.assign(**{name: pd.to_datetime(found[name], utc=True) for name in ("timestamp", "begun")})

    def runners(self) -> list[BotRunner]:
        """Return who has bots, by name."""
        has = bots.c
        oldest = sa.case((sa.func.count(has.heartbeat_at) == sa.func.count(), sa.func.min(has.heartbeat_at)))
        wanted = (has.lease_owner, sa.func.count(), oldest, sa.func.min(has.lease_until), CLOCK)
        query = sa.select(*wanted).where(has.lease_owner.is_not(None)).group_by(has.lease_owner).order_by(has.lease_owner)
        return [
            BotRunner(
                name=name, bots=count, heartbeat_us=_us(heartbeat), lease_until_us=_us(until), at_us=from_datetime(now)
            )
            for name, count, heartbeat, until, now in self._connection.execute(query)
        ]  # fmt: skip


def _us(moment: "pd.Timestamp | None") -> int | None:
    return None if moment is None else from_datetime(moment)
