"""The ledger of holes: what is missing from the tape, why, and what became of it."""

from dataclasses import dataclass
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
        cause: Why it came to be, one word: `sequence`, `disconnect`, `crash`, `late`, `reset`.
        state: `open` until it is healed; then how it ended.
        recovered: Trades fetched into it so far.
        evidence: What proves the cause or the end, as JSON.
    """

    symbol: str
    first_id: int | None
    last_id: int | None
    start_us: int
    end_us: int
    cause: str
    state: str = "open"
    recovered: int = 0
    evidence: Any = None


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

    def list(self, symbol: str | None = None, state: str | None = None) -> list[Gap]:
        """Return the gaps of a symbol and in a state, or of all, in the order of time."""
        query = sa.select(gaps).order_by(gaps.c.start, gaps.c.id)
        if symbol is not None:
            query = query.where(gaps.c.symbol == symbol)
        if state is not None:
            query = query.where(gaps.c.state == state)
        return [_gap(row) for row in self._connection.execute(query).mappings()]


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
        "evidence": gap.evidence,
    }


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
        evidence=row["evidence"],
    )
