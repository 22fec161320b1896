"""The ledger of holes: what is missing from the tape, why, and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from db.tables import gaps
from market.clock import from_datetime, to_datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Trades of one symbol that the store does not have.

    Attributes:
        symbol: `EXCHANGE:BASE-QUOTE`.
        first_id: The lowest missing id; None where the venue's ids prove nothing.
        last_id: The highest missing id; None likewise.
        start_us: Time of the last trade before the hole, UTC epoch microseconds.
        end_us: Time of the first trade after it.
        cause: Why it came to be: `sequence`, `disconnect`, `stall`, `crash`, `overload`, `reset`, `conflict`.
        state: `open` until it is healed; then `filled`, `never_existed` or `unrecoverable`. `alarm` is no hole: one id came with
            two payloads.
        recovered: Ids fetched into it so far; trades where ids prove nothing.
        missing: What is not there yet, as pairs of the lowest and the highest id; None before anything was fetched.
        evidence: What proves the cause or the end, as JSON.
        opened_us: When it was noted, by the clock of the database; None in one that was not read from there. Not compared.
        closed_us: When it ended; None while it is open. Not compared.
    """

    symbol: str
    first_id: int | None
    last_id: int | None
    start_us: int
    end_us: int
    cause: str
    state: str = "open"
    recovered: int = 0
    missing: tuple[tuple[int, int], ...] | None = None
    evidence: Any = None
    opened_us: int | None = field(default=None, compare=False)
    closed_us: int | None = field(default=None, compare=False)

    @property
    def ids(self) -> int | None:
        """How many ids it is wide; None where ids prove nothing."""
        return None if self.first_id is None or self.last_id is None else self.last_id - self.first_id + 1

    @property
    def missing_ids(self) -> int | None:
        """How many ids the tape still lacks; None where ids prove nothing. What never existed is not lacking."""
        if self.state not in {"open", "unrecoverable"}:
            return 0
        if self.ids is None or self.missing is None:
            return self.ids
        return sum(high - low + 1 for low, high in self.missing)

    @property
    def key(self) -> tuple[str, int | None, int | None, int, int]:
        """What tells it from all others."""
        return self.symbol, self.first_id, self.last_id, self.start_us, self.end_us


class GapRepository:
    """Gaps on one connection; who opened it commits."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def open(self, gap: Gap) -> int:
        """Note a gap and return its number; one that is noted already keeps its number, cause and state."""
        new = insert(gaps).values(_row(gap))
        # Nothing changes; but only an update gives the number back.
        again = new.on_conflict_do_update(constraint="gaps_hole", set_={"symbol": gaps.c.symbol})
        return int(self._connection.execute(again.returning(gaps.c.id)).scalar_one())

    def progress(self, gap: Gap) -> bool:
        """Note how far the healing of a gap is: its state, what was recovered, what is missing, the evidence.

        One that ended stays as it ended, unless more came after all: then it may end otherwise, and keeps its moment and,
        where there is none that is newer, its evidence. It is never open again, and an alarm never changes. Return whether
        anything was noted.
        """
        now, may_change = sa.func.now(), gaps.c.state == "open"
        if gap.state != "open":
            may_change = sa.or_(may_change, sa.and_(gaps.c.state != "alarm", gaps.c.recovered < gap.recovered))
        values = {
            "state": gap.state,
            "recovered": gap.recovered,
            "missing": _missing_row(gap.missing),
            "evidence": sa.case((gaps.c.state != "open", gaps.c.evidence)) if gap.evidence is None else gap.evidence,
            "updated_at": now,
            "closed_at": None if gap.state == "open" else sa.func.coalesce(gaps.c.closed_at, now),
        }
        return self._connection.execute(sa.update(gaps).where(*_same(gap), may_change).values(values)).rowcount == 1

    def list(
        self,
        symbol: str | None = None,
        state: str | None = None,
        *,
        start_us: int | None = None,
        end_us: int | None = None,
        newest: int | None = None,
    ) -> list[Gap]:
        """Return the gaps of a symbol and in a state, or of all, in the order of time.

        With bounds only those that share a moment with `start_us` to `end_us`, both included; with `newest` only the last so many.
        """
        query = sa.select(gaps).where(*_of(symbol, start_us, end_us))
        if state is not None:
            query = query.where(gaps.c.state == state)
        query = query.order_by(gaps.c.start.desc(), gaps.c.id.desc()).limit(newest)
        return [_gap(row) for row in reversed(self._connection.execute(query).mappings().all())]

    def page(
        self,
        symbols: Sequence[str] = (),
        states: Sequence[str] = (),
        causes: Sequence[str] = (),
        *,
        start_us: int | None = None,
        end_us: int | None = None,
        limit: int,
        offset: int = 0,
    ) -> tuple[dict[int, Gap], int]:
        """Return some of the gaps of some symbols, states and causes by number, newest first, and how many these are in all.

        Without any symbol, state or cause all are meant; bounds are those of `list`. Behind the last one nothing is found, and
        nothing is counted.
        """
        named = [column.in_(each) for column, each in _columns(symbols, states, causes) if each]
        wanted = [*named, *_of(None, start_us, end_us)]
        query = sa.select(gaps, sa.func.count().over().label("total")).where(*wanted)
        rows = self._connection.execute(query.order_by(gaps.c.start.desc(), gaps.c.id.desc()).limit(limit).offset(offset))
        found = rows.mappings().all()
        return {row["id"]: _gap(row) for row in found}, found[0]["total"] if found else 0

    def ended(self, state: str, since_us: int) -> dict[int, Gap]:
        """Return the gaps that ended in a state since a moment, by number, in the order of their ends."""
        query = sa.select(gaps).where(gaps.c.state == state, gaps.c.closed_at >= to_datetime(since_us))
        rows = self._connection.execute(query.order_by(gaps.c.closed_at, gaps.c.id)).mappings()
        return {row["id"]: _gap(row) for row in rows}

    def overdue(self, seconds: float) -> Sequence[Gap]:
        """Return the gaps that were noted longer ago, by the clock of the database, and are still open."""
        noted_before = sa.func.now() - timedelta(seconds=seconds)
        query = sa.select(gaps).where(gaps.c.state == "open", gaps.c.opened_at < noted_before)
        return [_gap(row) for row in self._connection.execute(query.order_by(gaps.c.start, gaps.c.id)).mappings()]

    def counts(self, symbol: str | None = None, *, start_us: int | None = None, end_us: int | None = None) -> Mapping[str, int]:
        """Return how many gaps of a symbol, or of all, are in each state; those of `list` without a state."""
        query = sa.select(gaps.c.state, sa.func.count().label("holes")).where(*_of(symbol, start_us, end_us)).group_by(gaps.c.state)
        return {row.state: row.holes for row in self._connection.execute(query)}


def _row(gap: Gap) -> dict[str, Any]:
    return {
        "symbol": gap.symbol,
        "first_id": gap.first_id,
        "last_id": gap.last_id,
        "start": to_datetime(gap.start_us),
        "end": to_datetime(gap.end_us),
        "cause": gap.cause,
        "state": gap.state,
        "recovered": gap.recovered,
        "missing": _missing_row(gap.missing),
        "evidence": gap.evidence,
    }


def _columns(
    symbols: Sequence[str], states: Sequence[str], causes: Sequence[str]
) -> tuple[tuple[sa.ColumnElement[str], Sequence[str]], ...]:
    return (gaps.c.symbol, symbols), (gaps.c.state, states), (gaps.c.cause, causes)


def _of(symbol: str | None, start_us: int | None, end_us: int | None) -> Sequence[sa.ColumnElement[bool]]:
    conditions = []
    if symbol is not None:
        conditions.append(gaps.c.symbol == symbol)
    if start_us is not None:
        conditions.append(gaps.c.end >= to_datetime(start_us))
    if end_us is not None:
        conditions.append(gaps.c.start <= to_datetime(end_us))
    return conditions


def _missing_row(missing: tuple[tuple[int, int], ...] | None) -> Any:
    return None if missing is None else [list(pair) for pair in missing]


def _same(gap: Gap) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        gaps.c.symbol == gap.symbol,
        gaps.c.first_id.is_not_distinct_from(gap.first_id),
        gaps.c.last_id.is_not_distinct_from(gap.last_id),
        gaps.c.start == to_datetime(gap.start_us),
        gaps.c.end == to_datetime(gap.end_us),
    )


def _gap(row: sa.RowMapping) -> Gap:
    return Gap(
        symbol=row["symbol"],
        first_id=row["first_id"],
        last_id=row["last_id"],
        start_us=from_datetime(row["start"]),
        end_us=from_datetime(row["end"]),
        cause=row["cause"],
        state=row["state"],
        recovered=row["recovered"],
        missing=None if row["missing"] is None else tuple((low, high) for low, high in row["missing"]),
        evidence=row["evidence"],
        opened_us=from_datetime(row["opened_at"]),
        closed_us=None if row["closed_at"] is None else from_datetime(row["closed_at"]),
    )
