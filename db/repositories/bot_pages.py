"""What pages show of bots: all of them in one statement, and what one of them wrote by the page and thinned, however much it is."""

import json
from dataclasses import dataclass, fields
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP

from db import bot_writes
from db.bot_rows import EventRow, OrderRow, SignalRow, StoredBot, TradeRow
from db.bot_state import CLOCK, columns, stored, unknown
from db.repositories.bot_records import BotRecords
from db.repositories.bot_rescues import OWED
from db.tables import bot_events, bot_orders, bot_performance, bot_postings, bot_signals, bot_trades, bots
from market.clock import from_datetime

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["trades", "orders", "signals", "events"]

_PAGED: dict[Kind, tuple[sa.Table, type[Any], tuple[str, ...]]] = {
    "trades": (bot_trades, TradeRow, ("number",)),
    "orders": (bot_orders, OrderRow, ("number",)),
    "signals": (bot_signals, SignalRow, ("timestamp", "symbol")),
    "events": (bot_events, EventRow, ("id",)),
}
_BEGUN = bot_postings.alias("begun")
_IS_FIRST = sa.and_(
    _BEGUN.c.bot == bots.c.id, _BEGUN.c.run == bots.c.run, _BEGUN.c.entry == 1, _BEGUN.c.account == "cash"
)  # fmt: skip
_OWED = sa.text(OWED).columns(sa.column("id", sa.Text), sa.column("since", TIMESTAMP(timezone=True))).subquery("owed")
_DAY = sa.func.timezone("UTC", sa.func.date_trunc("day", sa.func.timezone("UTC", bots.c.acted_until - timedelta(microseconds=1))))
_MORNING = (
    sa.select(bot_performance.c.equity)
    .where(bot_performance.c.bot == bots.c.id, bot_performance.c.run == bots.c.run, bot_performance.c.timestamp <= _DAY)
    .order_by(bot_performance.c.timestamp.desc())
    .limit(1)
    .lateral("morning")
)
# Of few rows all; of many the last of each of so many spans of time, each of which is one look into the index.
_CURVE = sa.text("""
with few as (
    select timestamp, equity, drawdown, exposure from bot_performance
    where bot = :bot and run = :run order by timestamp limit :most + 1
), ends as (
    select (select min(timestamp) from few) as begin,
        (select timestamp from bot_performance where bot = :bot and run = :run order by timestamp desc limit 1) as until
)
select *, null::bigint as span_us from few where (select count(*) from few) <= :most
union all
select last.*, (extract(epoch from (until - begin) / :most) * 1000000)::bigint as span_us
from ends cross join generate_series(0, :most - 1) as place
cross join lateral (
    select timestamp, equity, drawdown, exposure from bot_performance
    where bot = :bot and run = :run and timestamp <= until - (until - begin) / :most * (:most - 1 - place)
        and timestamp > until - (until - begin) / :most * (:most - place)
    order by timestamp desc limit 1
) as last where (select count(*) from few) > :most order by timestamp
""")
_LEDGER = sa.text("""
with own as (select id, run, equity, account from bots where id = :bot),
line as (select entry, postings.account, amount from postings join own on postings.bot = own.id and postings.run = own.run),
entry as (select entry, sum(amount) as remains from line group by entry)
select 'bot' as kind, account::text as name, equity as amount from own
union all select 'account', account, sum(amount) from line group by account
union all select 'entries', '', count(*) from entry
union all (select 'unbalanced', entry::text, remains from entry where remains <> 0 order by entry limit :most)
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class BotLine:
    """A bot in a list.

    Attributes:
        bot: Its row; with its account where one bot was asked for.
        clock_us: When it was read, by the clock of the database.
        begun_with: What its account began with; None before it began.
        day_equity: At the begin of the UTC day, by the market's time, in which it acted last; None where the account is younger.
        owed_us: Since when the next minute is there; see `BotRescues.owed`.
    """

    bot: StoredBot
    clock_us: int
    begun_with: Decimal | None
    day_equity: Decimal | None
    owed_us: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """What an account was worth over time.

    Attributes:
        rows: Columns timestamp (datetime64, UTC), equity, drawdown (a fraction) and exposure (float64), oldest first.
        span_us: Each row is the last of a span of so many microseconds; None where these are all rows.
    """

    rows: "pd.DataFrame"
    span_us: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What the ledger of the account that a bot has now adds up to, and that account as of the same moment.

    Attributes:
        account: As in `StoredBot`.
        equity: Likewise.
        balances: Sums by account.
        entries: How many there are.
        unbalanced: The first ones that do not add up to 0.
    """

    account: dict[str, Any] | None
    equity: Decimal | None
    balances: dict[str, Decimal]
    entries: int
    unbalanced: list[int]


class BotPages(BotRecords):
    """Reads of pages, on one connection; each is one statement."""

    def lines(self) -> list[BotLine]:
        """Return all bots by id."""
        return self._lines(accounts=False)

    def line(self, bot: str) -> BotLine:
        """Return one bot with its account.

        Raises:
            InputError: If there is none of that id.
        """
        found = self._lines(bots.c.id == bot, accounts=True)
        if not found:
            raise unknown(self._connection, bot)
        return found[0]

    def page(self, kind: Kind, bot: str, *, run: int, size: int, skipped: int = 0, acted: bool = False) -> list[Any]:
        """Return some of what a bot wrote, newest first.

        Args:
            kind: What: the rows are those of `trades`, `orders`, `signals` or `events`.
            bot: Its id.
            run: Number of the account; events are of all.
            size: So many at most.
            skipped: So many newer ones are left out.
            acted: Of signals only those that an order came of.
        """
        table, row, order = _PAGED[kind]
        names = [each.name for each in fields(row)]
        query = sa.select(*(table.c[bot_writes.COLUMNS.get(name, name)].label(name) for name in names)).where(table.c.bot == bot)
        query = query if kind == "events" else query.where(table.c.run == run)
        query = query.where(table.c.acted) if acted and kind == "signals" else query
        rows = self._connection.execute(query.order_by(*(table.c[name].desc() for name in order)).limit(size).offset(skipped))
        return [row(**_values(each)) for each in rows.mappings()]

    def curve(self, bot: str, *, run: int, most: int) -> Curve:
        """Return what an account was worth, in `most` rows at most, of which the last is the newest there is."""
        import pandas as pd  # noqa: PLC0415 - what only writes needs none

        rows = self._connection.execute(_CURVE, {"bot": bot, "run": run, "most": most}).all()
        stamps = pd.to_datetime(pd.Series([row.timestamp for row in rows], dtype="object"), utc=True)
        numbers = {
            name: pd.Series([getattr(row, name) for row in rows], dtype="float64") for name in ("equity", "drawdown", "exposure")
        }
        return Curve(rows=pd.DataFrame({"timestamp": stamps, **numbers}), span_us=rows[0].span_us if rows else None)

    def posted(self, bot: str, *, most: int = 20) -> Posted:
        """Return what the ledger of a bot adds up to, with so many of the entries that do not come to 0.

        Raises:
            InputError: If there is no such bot.
        """
        found: dict[str, list[Any]] = {"bot": [], "account": [], "entries": [], "unbalanced": []}
        for row in self._connection.execute(_LEDGER, {"bot": bot, "most": most}):
            found[row.kind].append(row)
        if not found["bot"]:
            raise unknown(self._connection, bot)
        [own] = found["bot"]
        return Posted(
            account=None if own.name is None else json.loads(own.name), equity=own.amount,
            balances={row.name: row.amount for row in sorted(found["account"], key=lambda row: str(row.name))},
            entries=int(found["entries"][0].amount), unbalanced=[int(row.name) for row in found["unbalanced"]],
        )  # fmt: skip

    def _lines(self, *where: sa.ColumnElement[bool], accounts: bool) -> list[BotLine]:
        beside = bots.outerjoin(_BEGUN, _IS_FIRST).outerjoin(_MORNING, sa.true()).outerjoin(_OWED, _OWED.c.id == bots.c.id)
        own = (_BEGUN.c.amount.label("begun_with"), _MORNING.c.equity.label("day_equity"), _OWED.c.since.label("owed"))
        query = sa.select(*columns(accounts=accounts), CLOCK.label("clock"), *own).select_from(beside)
        rows = self._connection.execute(query.where(*where).order_by(bots.c.id)).mappings()
        return [_line(dict(row)) for row in rows]


def _line(row: dict[str, Any]) -> BotLine:
    clock, owed = row.pop("clock"), row.pop("owed")
    begun_with, day_equity = row.pop("begun_with"), row.pop("day_equity")
    return BotLine(
        bot=stored(row), clock_us=from_datetime(clock), begun_with=begun_with, day_equity=day_equity,
        owed_us=None if owed is None else from_datetime(owed),
    )  # fmt: skip


def _values(row: sa.RowMapping) -> dict[str, Any]:
    return {
        name: from_datetime(value) if name in bot_writes.COLUMNS and value is not None else value for name, value in row.items()
    }
