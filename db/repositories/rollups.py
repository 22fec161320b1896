"""How far the rollups are: up to which 1m row of a symbol they were made, and which rows changed since."""

from collections.abc import Iterable, Sequence

import msgspec
import sqlalchemy as sa

from db.bounds import lower, upper
from market.clock import from_datetime, to_datetime

# Any number that nobody else uses as the first half of an advisory lock of this database.
_LOCK = 72_264

_LOCK_WRITERS = "select pg_advisory_xact_lock_shared(:lock, hashtext(symbol)) from unnest(cast(:symbols as text[])) as symbol"
_LOCK_REFRESHER = "select pg_try_advisory_xact_lock(:lock, hashtext(:symbol))"

_NOTE = """
insert into rollup_changes (symbol, after, until)
select written.symbol, written.after, least(written.until, marks.until)
from unnest(cast(:symbols as text[]), cast(:after as timestamptz[]), cast(:until as timestamptz[]))
    as written (symbol, after, until)
join rollup_marks as marks on marks.symbol = written.symbol and marks.until > written.after
"""

_ADVANCE = """
with before as (select until from rollup_marks where symbol = :symbol),
     marked as (
         insert into rollup_marks (symbol, until) values (:symbol, :until)
         on conflict (symbol) do update set until = excluded.until, updated_at = now() where rollup_marks.until < excluded.until
         returning 1
     )
insert into rollup_changes (symbol, after, until)
select :symbol, coalesce((select until from before), :first), :until from marked
"""


class Change(msgspec.Struct, frozen=True):
    """1m rows that changed since the rollups were made of them: those that close in (after, until].

    Attributes:
        id: Its number.
        symbol: `EXCHANGE:BASE-QUOTE`.
        after_us: UTC epoch microseconds; where the first of them opens.
        until_us: Where the last of them closes.
    """

    id: int
    symbol: str
    after_us: int
    until_us: int


class RollupRepository:
    """Marks and changes on one connection; who opened it commits.

    Who writes 1m rows holds a shared lock on their symbols until the commit, and notes what lies below the mark; who moves a
    mark needs the lock for itself. So no row can slip in between: it is either noted, or seen by who made the rollup.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def lock(self, symbols: Iterable[str]) -> None:
        """Hold marks where they are until the end of the transaction; call it before rows are written."""
        ordered = sorted(set(symbols))
        if ordered:
            self._connection.execute(sa.text(_LOCK_WRITERS), {"lock": _LOCK, "symbols": ordered})

    def note(self, written: Sequence[tuple[str, int, int]]) -> None:
        """Note rows that were written: symbol, where the first one opens and where the last one closes (UTC epoch microseconds)."""
        if not written:
            return
        symbols, after, until = zip(*written, strict=True)
        moments = {"after": [to_datetime(each) for each in after], "until": [to_datetime(each) for each in until]}
        self._connection.execute(sa.text(_NOTE), {"symbols": list(symbols), **moments})

    def until_us(self, symbol: str) -> int | None:
        """Return up to which close the 1m rows of a symbol are rolled up or noted as changed; None when they never were."""
        moment = self._connection.scalar(sa.text("select until from rollup_marks where symbol = :symbol"), {"symbol": symbol})
        return None if moment is None else from_datetime(moment)

    def advance(self, symbol: str, first_us: int, until_us: int) -> bool:
        """Move the mark of a symbol forward, and note the rows up to it as changed; return False while somebody writes.

        `first_us` is where its first row opens.
        """
        if not self._connection.scalar(sa.text(_LOCK_REFRESHER), {"lock": _LOCK, "symbol": symbol}):
            return False
        moments = {"first": to_datetime(first_us), "until": to_datetime(until_us)}
        self._connection.execute(sa.text(_ADVANCE), {"symbol": symbol, **moments})
        return True

    def changes(self, symbol: str, start_us: int | None = None, end_us: int | None = None) -> list[Change]:
        """Return what changed of a symbol and touches (start, end), in the order of time."""
        rows = self._connection.execute(
            sa.text(
                "select id, symbol, after, until from rollup_changes"
                " where symbol = :symbol and until > :start and after < :end order by after, id"
            ),
            {"symbol": symbol, "start": lower(start_us), "end": upper(end_us)},
        )
        return [Change(row.id, row.symbol, from_datetime(row.after), from_datetime(row.until)) for row in rows]

    def done(self, changes: Sequence[Change]) -> None:
        """Forget changes of which the rollups were made anew."""
        self._connection.execute(sa.text("delete from rollup_changes where id = any(:ids)"), {"ids": [each.id for each in changes]})
