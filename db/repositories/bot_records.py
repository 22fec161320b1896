"""What bots wrote: signals, orders, executions, the ledger, performance and events; written in one fenced transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from decimal import Decimal
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from db import bot_writes
from db.bot_rows import EventRow, OrderRow, PerformanceRow, PostingRow, SignalRow, TradeRow, Written
from db.bot_state import is_one, known, lock
from db.storage import storage_of
from db.tables import bot_events, bot_orders, bot_performance, bot_postings, bot_signals, bot_trades, bots
from market.clock import from_datetime, isoformat, to_datetime

_FORGOTTEN = "signals-forgotten"


class BotRecords:
    """What bots wrote, on one connection; who opened it commits.

    Reads are of the account that a bot has now unless `run` says of which, oldest first; with `newest` of the newest ones only so
    many. `start_us` and `end_us` are UTC epoch microseconds of the market, half-open: from `start_us` on, before `end_us`.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    # -- written -------------------------------------------------------------------------------------------------

    def write(self, steps: Sequence[Written]) -> set[str]:
        """Write what steps lead to, all of a bot or nothing, and return the bots whose steps were taken.

        They are while their lease is the bot's newest one, their account is the one the bot has, the bot is wanted to run, and
        none leads back before what was acted on. A bot may come more than once, oldest first. To write the same steps again
        changes nothing but that their events are there twice. Others who change these bots wait until the transaction ends.

        Raises:
            InputError: If an amount is no number; then nothing is written.
        """  # fmt: skip
        by_bot: dict[str, list[Written]] = {}
        for step in steps:
            by_bot.setdefault(step.bot, []).append(step)
        storage = storage_of(self._connection)
        for moment_us in bot_writes.months(steps):  # before any lock: they are made beside this transaction
            storage.ensure_partitions(self._connection, bot_performance.name, start_us=moment_us, end_us=moment_us)
        found = lock(self._connection, is_one(by_bot))
        taken = {bot: by_bot[bot] for bot, row in found.items() if _admits(row, by_bot[bot])}
        if taken:
            bot_writes.write(self._connection, taken)
        return set(taken)

    def add_event(self, event: EventRow) -> int:
        """Store an event and return its number; it happened now, whatever it says.

        Raises:
            InputError: If its bot is not known.
        """
        known(self._connection, [] if event.bot is None else [event.bot])
        return self._add_events([event])[0]

    def add_event_of_day(self, kind: str, text: str, *, day: int) -> bool:
        """Store an event that concerns all bots, unless one of its kind was stored that day; return whether it was.

        Args:
            kind: Of the event.
            text: A sentence.
            day: Number of the UTC day, which is in its details.
        """
        self._connection.execute(sa.text("select pg_advisory_xact_lock(hashtext(:kind), :day)"), {"kind": kind, "day": day})
        of = bot_events.c
        query = sa.select(of.details).where(of.kind == kind, of.bot.is_(None)).order_by(of.id.desc()).limit(1)
        newest = self._connection.scalar(query)
        if newest is not None and newest.get("day") == day:
            return False
        self._add_events([EventRow(kind=kind, text=text, details={"day": day})])
        return True

    def forget_signals(self, before_us: int) -> int:
        """Remove the signals of candles that closed before a moment and were not acted on; return how many.

        An event tells of it, so that nobody takes them for never said.
        """
        kept = bot_signals.c
        old = sa.delete(bot_signals).where(~kept.acted, kept.timestamp < to_datetime(before_us))
        count = self._connection.execute(old).rowcount
        if count:
            text = f"{count:,} signals before {isoformat(before_us)} that were not acted on are forgotten"
            self._add_events([EventRow(kind=_FORGOTTEN, text=text, details={"before_us": before_us, "signals": count})])
        return count

    def forgotten_us(self) -> int | None:
        """Return before which close signals that were not acted on are forgotten; None where none ever were."""
        of = bot_events.c
        newest = self._connection.scalar(sa.select(of.details).where(of.kind == _FORGOTTEN).order_by(of.id.desc()).limit(1))
        return None if newest is None else int(newest["before_us"])

    # -- read ----------------------------------------------------------------------------------------------------

    def signals(
        self,
        bot: str,
        *,
        run: int | None = None,
        symbol: str | None = None,
        start_us: int | None = None,
        end_us: int | None = None,
        newest: int | None = None,
    ) -> list[SignalRow]:
        """Return what the strategy of a bot said, by the close of the candle and symbol."""  # fmt: skip
        of = bot_signals.c
        return self._read(bot_signals, SignalRow, bot, run, _of(of.symbol, symbol), of.timestamp, start_us, end_us, newest)

    def orders(
        self,
        bot: str,
        *,
        run: int | None = None,
        symbol: str | None = None,
        start_us: int | None = None,
        end_us: int | None = None,
        newest: int | None = None,
    ) -> list[OrderRow]:
        """Return the orders of a bot, by when they were made and number."""  # fmt: skip
        of = bot_orders.c
        return self._read(bot_orders, OrderRow, bot, run, _of(of.symbol, symbol), of.made_at, start_us, end_us, newest)

    def trades(
        self,
        bot: str,
        *,
        run: int | None = None,
        symbol: str | None = None,
        start_us: int | None = None,
        end_us: int | None = None,
        newest: int | None = None,
    ) -> list[TradeRow]:
        """Return the executions of a bot, by time and number."""  # fmt: skip
        of = bot_trades.c
        return self._read(bot_trades, TradeRow, bot, run, _of(of.symbol, symbol), of.timestamp, start_us, end_us, newest)

    def postings(
        self,
        bot: str,
        *,
        run: int | None = None,
        symbol: str | None = None,
        start_us: int | None = None,
        end_us: int | None = None,
        newest: int | None = None,
    ) -> list[PostingRow]:
        """Return the ledger of a bot, by time, entry and account; with `symbol` only of its executions."""  # fmt: skip
        of, trades = bot_postings.c, bot_trades.c
        same = (trades.bot == of.bot, trades.run == of.run, trades.number == of.trade, trades.symbol == symbol)
        some = [] if symbol is None else [sa.exists().where(*same)]
        return self._read(bot_postings, PostingRow, bot, run, some, of.timestamp, start_us, end_us, newest)

    def performance(
        self,
        bot: str,
        *,
        run: int | None = None,
        start_us: int | None = None,
        end_us: int | None = None,
        newest: int | None = None,
    ) -> list[PerformanceRow]:
        """Return what the account of a bot was worth, by time."""  # fmt: skip
        of = bot_performance.c
        return self._read(bot_performance, PerformanceRow, bot, run, [], of.timestamp, start_us, end_us, newest)

    def events(
        self, bot: str | None = None, *, kind: str | None = None, after_id: int | None = None, newest: int | None = None
    ) -> list[EventRow]:
        """Return events by number, of one bot or of all; one of a longer transaction may come behind one with a higher number."""
        of = bot_events.c
        some = [*_of(of.bot, bot), *_of(of.kind, kind)] + ([] if after_id is None else [of.id > after_id])
        return self._rows(bot_events, EventRow, some, [of.id], newest)

    def day_began(self, day_us: int) -> dict[str, Decimal]:
        """Return the equity at the begin of a UTC day by bot, of its account now; without those that had not begun."""
        query = sa.text(
            "select bots.id, last.equity from bots cross join lateral (select equity from bot_performance as row"
            " where row.bot = bots.id and row.run = bots.run and row.timestamp <= :day order by row.timestamp desc limit 1"
            ") as last order by bots.id"
        )
        return {row.id: row.equity for row in self._connection.execute(query, {"day": to_datetime(day_us)})}

    def _read(
        self, table: sa.Table, row: type[Any], bot: str, run: int | None, some: Sequence[sa.ColumnElement[bool]],
        time: sa.Column[Any], start_us: int | None, end_us: int | None, newest: int | None,
    ) -> list[Any]:  # fmt: skip
        account = sa.select(bots.c.run).where(bots.c.id == bot).scalar_subquery() if run is None else run
        where = [table.c.bot == bot, table.c.run == account, *some]
        where += [] if start_us is None else [time >= to_datetime(start_us)]
        where += [] if end_us is None else [time < to_datetime(end_us)]
        return self._rows(table, row, where, [time, *(each for each in table.primary_key if each is not time)], newest)

    def _rows(
        self, table: sa.Table, row: type[Any], where: Sequence[sa.ColumnElement[bool]], order: Sequence[sa.Column[Any]],
        newest: int | None,
    ) -> list[Any]:  # fmt: skip
        names = [each.name for each in fields(row)]
        query = sa.select(*(table.c[bot_writes.COLUMNS.get(name, name)] for name in names)).where(*where).limit(newest)
        ordered = query.order_by(*(column if newest is None else column.desc() for column in order))
        found = [row(**dict(values_of(names, each))) for each in self._connection.execute(ordered)]
        return found if newest is None else found[::-1]

    def _add_events(self, events: Sequence[EventRow]) -> list[int]:
        names = ("bot", "epoch", "kind", "text", "details")
        values = [{name: bot_writes.clean(getattr(event, name)) for name in names} for event in events]
        if not values:
            return []
        return [*self._connection.scalars(sa.insert(bot_events).returning(bot_events.c.id, sort_by_parameter_order=True), values)]


def _admits(row: sa.RowMapping, steps: Sequence[Written]) -> bool:
    """Return whether the steps of a bot go on from its row."""
    before = [] if row["acted_until"] is None else [from_datetime(row["acted_until"])]
    moments = [*before, *(step.acted_until_us for step in steps)]
    own = (row["lease_epoch"], row["run"])
    is_own = row["wanted"] == "running" and all((step.epoch, step.run) == own for step in steps)
    return is_own and all(earlier <= later for earlier, later in pairwise(moments))


def _of(column: sa.Column[Any], value: object) -> list[sa.ColumnElement[bool]]:
    return [] if value is None else [column == value]


def values_of(names: Sequence[str], row: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of a row by name, moments as UTC epoch microseconds."""
    for name, value in zip(names, row, strict=True):
        yield name, from_datetime(value) if name in bot_writes.COLUMNS and value is not None else value
