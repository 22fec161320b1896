"""What is told of bots: sums over what they wrote, and all that happened to one in the order in which it was written."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from db import bot_writes
from db.bot_rows import EventRow, OrderRow, SignalRow, TradeRow
from db.bot_state import CLOCK, is_one
from db.repositories.bot_records import BotRecords, values_of
from db.tables import bot_events, bot_orders, bot_postings, bot_signals, bot_trades, bots
from market.clock import from_datetime, to_datetime

_HAPPENED: tuple[tuple[sa.Table, type[Any], str, tuple[str, ...]], ...] = (
    (bot_events, EventRow, "at", ("id",)),
    (bot_signals, SignalRow, "written_at", ("run", "timestamp", "symbol")),
    (bot_trades, TradeRow, "written_at", ("run", "number")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """Something that a bot wrote, or that was written of it.

    Attributes:
        at_us: When it was written, by the clock of the database.
        key: No other has the same.
        row: What it is.
    """

    at_us: int
    key: tuple[object, ...]
    row: EventRow | SignalRow | TradeRow


class BotReports(BotRecords):
    """What is told of bots, on one connection; times and accounts are as in `BotRecords`."""

    def snapshot(self) -> None:
        """Let all that this transaction reads be as of one moment; to be called before anything else in it."""
        self._connection.execute(sa.text("set transaction isolation level repeatable read, read only"))

    def clock_us(self) -> int:
        """Return what time it is where leases are judged: by the clock of the database, UTC epoch microseconds."""
        return from_datetime(self._connection.execute(sa.select(CLOCK)).scalar_one())

    def begun_with(self) -> dict[str, Decimal]:
        """Return what the account that each bot has now began with; without those that had not begun."""
        of = bot_postings.c
        same = sa.and_(of.bot == bots.c.id, of.run == bots.c.run, of.entry == 1, of.account == "cash")
        query = sa.select(bots.c.id, of.amount).join(bot_postings, same).order_by(bots.c.id)
        return {row.id: row.amount for row in self._connection.execute(query)}

    def traded_since(self, moment_us: int) -> dict[str, int]:
        """Return how many executions each bot has of minutes that closed behind a moment; without those that have none."""
        of = bot_trades.c
        same = sa.and_(of.bot == bots.c.id, of.run == bots.c.run, of.timestamp > to_datetime(moment_us))
        query = sa.select(bots.c.id, sa.func.count()).join(bot_trades, same).group_by(bots.c.id).order_by(bots.c.id)
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def fills(
        self, symbol: str, *, chosen: Collection[str], start_us: int, end_us: int, most: int
    ) -> tuple[list[str], list[tuple[str, TradeRow]]]:
        """Return the bots that trade a symbol, and the executions that the chosen ones have of it, each with its bot.

        Args:
            symbol: `EXCHANGE:BASE-QUOTE`.
            chosen: Ids of bots; what is none counts for nothing. Each costs, so a few only.
            start_us: Executions of minutes that opened then or later, UTC epoch microseconds.
            end_us: Of minutes that closed then or before.
            most: So many at most, the newest ones; they come by time, bot and number, and are of the accounts that bots have now.
        """
        names, of, ids = [each.name for each in fields(TradeRow)], bot_trades.c, list(chosen)
        # By bot and time, for which there is an index; by symbol there is none.
        row = sa.select(*(of[bot_writes.COLUMNS.get(name, name)].label(name) for name in names))
        row = row.where(of.bot == bots.c.id, of.run == bots.c.run, of.symbol == symbol, is_one(ids))
        row = row.where(of.timestamp > to_datetime(start_us), of.timestamp <= to_datetime(end_us))
        fill = row.order_by(of.timestamp.desc(), of.number.desc()).limit(most).lateral("fill")
        trades_it = sa.func.jsonb_exists(sa.cast(bots.c.config["symbols"], JSONB), symbol)
        query = sa.select(bots.c.id, fill).select_from(sa.outerjoin(bots, fill, sa.true())).where(sa.or_(trades_it, is_one(ids)))
        read = self._connection.execute(query.order_by(fill.c.timestamp_us, bots.c.id, fill.c.number)).all()
        found = [(each[0], TradeRow(**dict(values_of(names, each[1:])))) for each in read if each.number is not None]
        return sorted({each[0] for each in read}), found[-most:]

    def working_orders(self, bot: str) -> list[OrderRow]:
        """Return the orders of a bot that are neither filled nor ended, by number."""
        of = bot_orders.c
        run = sa.select(bots.c.run).where(bots.c.id == bot).scalar_subquery()
        return self._rows(bot_orders, OrderRow, [of.bot == bot, of.run == run, of.state == "working"], [of.number], None)

    def balances(self, bot: str, run: int) -> dict[str, Decimal]:
        """Return what the postings of an account of a bot add up to, by account of its ledger."""
        of = bot_postings.c
        query = sa.select(of.account, sa.func.sum(of.amount)).where(of.bot == bot, of.run == run)
        rows = self._connection.execute(query.group_by(of.account).order_by(of.account))
        return {row[0]: row[1] for row in rows}

    def entries(self, bot: str, run: int) -> tuple[int, list[int]]:
        """Return how many entries the ledger of a bot has, and which of them do not add up to 0."""
        of = bot_postings.c
        each = sa.select(of.entry, sa.func.sum(of.amount).label("left")).where(of.bot == bot, of.run == run)
        rows = self._connection.execute(each.group_by(of.entry).order_by(of.entry)).all()
        return len(rows), [row.entry for row in rows if row.left != 0]

    def happened(self, bot: str, *, after_us: int | None = None, newest: int | None = None) -> list[Happened]:
        """Return the events of a bot, and signals and executions of all its accounts, in the order in which they were written.

        What is written late in a long transaction may come behind what has a later time: who goes on reading reads a little again.

        Args:
            bot: Its id.
            after_us: Only what was written behind this moment, by the clock of the database.
            newest: Only so many.
        """
        found: list[Happened] = []
        for table, row, at, key in _HAPPENED:
            names = [each.name for each in fields(row)]
            columns = [table.c[bot_writes.COLUMNS.get(name, name)].label(name) for name in names]
            keys = [table.c[name].label(f"key_{name}") for name in key]
            when = table.c[at].label("written")
            query = sa.select(when, *columns, *keys).where(table.c.bot == bot)
            if after_us is not None:
                query = query.where(table.c[at] > to_datetime(after_us))
            order = [table.c[at], *(table.c[name] for name in key)]
            query = query.order_by(*(each.desc() for each in order)).limit(newest)
            read = [_happened(each, table.name, row, names) for each in self._connection.execute(query).mappings()]
            found += read[::-1]
        found.sort(key=_order)
        return found if newest is None else found[-newest:]


def _order(happened: Happened) -> tuple[int, int, bool]:
    """Return where something belongs: of one transaction first what is of earlier minutes, and inside one before its close."""
    row = happened.row
    return (happened.at_us, 2**63 if isinstance(row, EventRow) else row.timestamp_us, isinstance(row, SignalRow))


def _happened(read: sa.RowMapping, table: str, row: type[Any], names: list[str]) -> Happened:
    values = {
        name: from_datetime(read[name]) if name in bot_writes.COLUMNS and read[name] is not None else read[name] for name in names
    }
    key = tuple(value for name, value in read.items() if str(name).startswith("key_"))
    return Happened(at_us=from_datetime(read["written"]), key=(table, *key), row=row(**values))
