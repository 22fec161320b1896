"""Backtests: what decides the result of each, how far it is, what came of it, its trades, and the pieces of a search."""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, DOUBLE_PRECISION, insert

from db import backtest_reads
from db.backtest_reads import Looked
from db.backtest_rows import plain, read_trades, write_trades
from db.backtest_runs import HEAVY, LISTED, StoredBacktest, row_of, stored
from db.tables import backtest_chunks, backtest_trades, backtests
from market.clock import to_datetime
from market.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_NUMBERS = ("final_value", "total_return")
_SHOWN = 5


class BacktestRepository:
    """Backtests on one connection; who opened it commits."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    # -- how each goes -------------------------------------------------------------------------------------------

    def begin(self, run: StoredBacktest) -> None:
        """Note a backtest that begins, or begins again: then its result is gone, and the pieces that are done stay.

        Args:
            run: What decides its result, its parent, its total and its run of Prefect; the rest is not looked at.

        Raises:
            InputError: If a number is infinite, or the seed has more than 63 bits.
        """
        values = row_of(run)
        fresh = {"state": "running", "error": None, "ended_at": None, "metrics": None, "report": None}
        fresh |= dict.fromkeys(_NUMBERS) | {"done": _sets(run.id), "started_at": sa.func.now(), "updated_at": sa.func.now()}
        new = insert(backtests).values(values | fresh)
        self._connection.execute(new.on_conflict_do_update(constraint="backtests_key", set_=values | fresh))
        self._forget_trades(run.id)

    def progress(self, backtest: str, done: int, total: int) -> bool:
        """Note how far a backtest is, and that its process lives; return whether it is still wanted: neither ended nor deleted."""
        return self._change(backtest, done=done, total=total)

    def finish(
        self,
        backtest: str,
        *,
        metrics: dict[str, Any],
        report: dict[str, Any],
        final_value: float | None = None,
        total_return: float | None = None,
        trades: Any = None,
    ) -> None:
        """Store what came of a backtest in place of what came of it before.

        Args:
            backtest: Its id; it has begun.
            metrics: By name; NaN becomes None.
            report: What else its document has; NaN becomes None.
            final_value: See `StoredBacktest`.
            total_return: See `StoredBacktest`.
            trades: A table or a mapping with the columns `db.backtest_rows.TRADE_COLUMNS`; moments are UTC epoch microseconds or
                datetimes. None for none.

        Raises:
            InputError: If it has not begun, a number is infinite, or trades lack a column.
        """  # fmt: skip
        numbers = {name: _exact(plain(value, name)) for name, value in zip(_NUMBERS, (final_value, total_return), strict=True)}
        result = {"metrics": plain(metrics, "metrics"), "report": plain(report, "report"), "error": None, **numbers}
        ended = {"state": "done", "done": backtests.c.total, "updated_at": sa.func.now(), "ended_at": sa.func.now()}
        changed = self._connection.execute(sa.update(backtests).where(backtests.c.id == backtest).values(**result, **ended))
        if not changed.rowcount:
            raise _gone(backtest)
        self._forget_trades(backtest)
        if trades is not None:
            write_trades(self._connection, backtest, trades)

    def fail(self, backtest: str, error: str) -> bool:
        """Note why a running backtest broke off; return whether it was one."""
        return self._change(backtest, state="failed", error=error, ended_at=sa.func.now())

    def cancel(self, backtest: str) -> bool:
        """Note that somebody stopped a running backtest, whose process learns it by `progress`; return whether it was one."""
        return self._change(backtest, state="cancelled", ended_at=sa.func.now())

    # -- what came of them ---------------------------------------------------------------------------------------

    def get(self, backtest: str) -> StoredBacktest | None:
        """Return a backtest with all but its trades; None where there is none of that id."""
        columns = [*LISTED, *(backtests.c[name] for name in HEAVY)]
        row = self._connection.execute(sa.select(*columns).where(backtests.c.id == backtest)).mappings().one_or_none()
        return None if row is None else stored(row)

    def find(self, prefix: str) -> StoredBacktest:
        """Return the one backtest whose id begins with what a person typed.

        Raises:
            InputError: If that is no part of an id, or the begin of none or of several.
        """
        digits = prefix.strip().lower()
        if not re.fullmatch("[0-9a-f]{1,32}", digits):
            raise InputError(f"{prefix!r} is not the begin of an id: up to 32 digits from 0 to 9 and a to f")
        query = sa.select(backtests.c.id).where(backtests.c.id.startswith(digits)).order_by(backtests.c.id).limit(_SHOWN + 1)
        found = list(self._connection.scalars(query))
        one = self.get(found[0]) if len(found) == 1 else None
        if one is not None:
            return one
        if not found:
            raise InputError(f"no backtest has an id that begins with {digits!r}; it may be deleted, or in another database")
        shown = ", ".join(found[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")
        raise InputError(f"several backtests have ids that begin with {digits!r}; give more digits of one: {shown}")

    def list(
        self,
        *,
        kind: str | None = None,
        strategy: str | None = None,
        symbol: str | None = None,
        state: str | None = None,
        parent: str | None = None,
        newest: int | None = None,
        offset: int = 0,
    ) -> list[StoredBacktest]:
        """Return backtests as a page shows them, the newest first, without coverage and report; with `newest` at most so many.

        Args:
            kind: Only those of it.
            strategy: Only those of it.
            symbol: Only those with it among their symbols.
            state: Only those in it; a dead one is `interrupted`.
            parent: Only those that are a part of it, or made of it.
            newest: How many.
            offset: How many newer ones are left out.
        """  # fmt: skip
        query = (
            sa.select(*LISTED)
            .where(*Looked(kind=kind, strategy=strategy, symbol=symbol, state=state, parent=parent).conditions())
            .limit(newest)
            .offset(offset)
        )
        rows = self._connection.execute(query.order_by(backtests.c.started_at.desc(), backtests.c.id.desc())).mappings()
        return [stored(row) for row in rows]

    def count(
        self,
        *,
        kind: str | None = None,
        strategy: str | None = None,
        symbol: str | None = None,
        state: str | None = None,
        parent: str | None = None,
    ) -> int:
        """Return how many backtests `list` has in all."""  # fmt: skip
        query = (
            sa.select(sa.func.count())
            .select_from(backtests)
            .where(*Looked(kind=kind, strategy=strategy, symbol=symbol, state=state, parent=parent).conditions())
        )
        return int(self._connection.execute(query).scalar_one())

    def page(self, looked: Looked, *, newest: int, offset: int = 0) -> tuple[Sequence[StoredBacktest], int]:
        """Return backtests as `list` does, at most so many, and how many there are in all; 0 where nothing is behind the offset."""
        return backtest_reads.page(self._connection, looked, newest, offset)

    def facets(self) -> tuple[Sequence[str], Sequence[str]]:
        """Return all strategies and all symbols that were tried, in the order of the alphabet."""
        return backtest_reads.facets(self._connection)

    def of_flow_run(self, flow_run: str) -> StoredBacktest | None:
        """Return the backtest that a run of Prefect began, as `list` does; None while it began none."""
        return backtest_reads.of_flow_run(self._connection, flow_run)

    def several(self, prefixes: Sequence[str], *, parts: Sequence[str] = ()) -> Sequence[StoredBacktest]:
        """Return some backtests by the begins of their ids, with some parts of their documents; see `db.backtest_reads.several`.

        Raises:
            InputError: If one is no begin of an id, or the begin of several.
        """
        return backtest_reads.several(self._connection, prefixes, parts)

    def largest_trades(self, backtest: str, *, most: int) -> "pd.DataFrame":
        """Return the trades that weigh most, in the order of their numbers; see `db.backtest_reads.largest_trades`."""
        return backtest_reads.largest_trades(self._connection, backtest, most)

    def trade_page(self, backtest: str, *, offset: int, limit: int) -> "pd.DataFrame":
        """Return a few trades in the order of their numbers, in one statement; columns as of `trades`."""
        return backtest_reads.trade_page(self._connection, backtest, offset, limit)

    def trades(self, backtest: str, *, offset: int = 0, limit: int | None = None) -> "tuple[pd.DataFrame, int]":
        """Return trades in the order of their numbers, and how many there are in all.

        The table has the columns `db.backtest_rows.TRADE_COLUMNS`; entered_at and left_at are datetime64[us, UTC].
        """
        return read_trades(self._connection, backtest, offset, limit)

    def delete(self, backtest: str) -> bool:
        """Remove a backtest with its trades and pieces; return whether it was there."""
        return self._connection.execute(sa.delete(backtests).where(backtests.c.id == backtest)).rowcount > 0

    def forget(self, before_us: int) -> int:
        """Remove the backtests that last began before a moment, with their trades and pieces; return how many.

        Nobody calls it unasked: backtests are kept for good.
        """
        return self._connection.execute(sa.delete(backtests).where(backtests.c.started_at < to_datetime(before_us))).rowcount

    # -- pieces of a search --------------------------------------------------------------------------------------

    def put_chunk(self, backtest: str, number: int, sets: int, payload: bytes) -> None:
        """Store a piece that is done; one of that number may be stored already.

        Args:
            backtest: Its id; it has begun.
            number: Which piece, from 0.
            sets: Sets of parameters, or windows, that it has.
            payload: What came of them.

        Raises:
            InputError: If the backtest has not begun, or was deleted since.
        """
        values = [sa.literal(number), sa.literal(sets), sa.literal(payload, BYTEA)]
        row = sa.select(backtests.c.id, *values).where(backtests.c.id == backtest)
        new = insert(backtest_chunks).from_select(["backtest", "number", "sets", "payload"], row)
        newer = {"sets": new.excluded.sets, "payload": new.excluded.payload}
        if not self._connection.execute(new.on_conflict_do_update(constraint="backtest_chunks_key", set_=newer)).rowcount:
            raise _gone(backtest)

    def chunk(self, backtest: str, number: int) -> bytes | None:
        """Return a piece; None where it is not done."""
        kept = backtest_chunks.c
        query = sa.select(kept.payload).where(kept.backtest == backtest, kept.number == number)
        found: bytes | None = self._connection.scalar(query)
        return found

    def chunk_numbers(self, backtest: str) -> Sequence[int]:
        """Return which pieces are done, in order."""
        kept = backtest_chunks.c
        return [*self._connection.scalars(sa.select(kept.number).where(kept.backtest == backtest).order_by(kept.number))]

    def chunks(self, backtest: str) -> Iterator[tuple[int, bytes]]:
        """Yield the pieces that are done with their numbers, in order, one in memory at a time; inside of `transaction()` only."""
        for number in self.chunk_numbers(backtest):
            payload = self.chunk(backtest, number)
            if payload is not None:
                yield number, payload

    def _change(self, backtest: str, **values: Any) -> bool:
        running = (backtests.c.id == backtest, backtests.c.state == "running")
        return (
            self._connection.execute(sa.update(backtests).where(*running).values(**values, updated_at=sa.func.now())).rowcount > 0
        )

    def _forget_trades(self, backtest: str) -> None:
        self._connection.execute(sa.delete(backtest_trades).where(backtest_trades.c.backtest == backtest))


def _exact(value: float | None) -> sa.ColumnElement[float] | None:
    # As a text: in a statement of the driver -0.0 is a numeric, which has no negative zero.
    return None if value is None else sa.cast(sa.literal(repr(float(value))), DOUBLE_PRECISION)


def _sets(backtest: str) -> sa.ScalarSelect[Any]:
    """Return how many sets the pieces have that are done."""
    sets = sa.func.coalesce(sa.func.sum(backtest_chunks.c.sets), 0)
    return sa.select(sets).where(backtest_chunks.c.backtest == backtest).scalar_subquery()


def _gone(backtest: str) -> InputError:
    return InputError(f"backtest {backtest} is not stored: it was not begun, or somebody deleted it since; start it again")
