"""Backfills: what is missing of each symbol, what the venues answered already, and how far each backfill came."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from db.bounds import lower, upper
from db.tables import backfills, candle_conflicts
from market.clock import from_datetime, to_datetime
from market.timeframe import Timeframe
from market.window import Window

SILENT_SECONDS = 30
"""Who runs a backfill and writes nothing for so long is dead."""

# Any number that nobody else uses as the first half of an advisory lock of this database.
_SPANS = 72_266

# Islands of what is known, and the gaps between them; the borders of the window are islands without width.
_MISSING = """
with known as (
    select timestamp - {width} as start, timestamp as "end" from market_data
    where symbol = :symbol and timeframe = :timeframe and timestamp > :start and timestamp <= :end
    union all
    select start, "end" from backfill_spans
    where symbol = :symbol and timeframe = :timeframe and "end" > :start and start < :end and not :again
    union all values (cast(:start as timestamptz), cast(:start as timestamptz)), (:end, :end)
),
reached as (
    select start, max("end") over (order by start rows between unbounded preceding and 1 preceding) as reach from known
)
select reach as start, start as "end" from reached where start > reach order by 1
"""

# Rows on both sides of a hole, and one span of answers from the one to the other.
_QUIET = """
with stored as (
    select timestamp, close, lag(timestamp) over (order by timestamp) as before, lag(close) over (order by timestamp) as price
    from market_data where symbol = :symbol and timeframe = :timeframe
    and timestamp >= coalesce((
        select max(timestamp) from market_data where symbol = :symbol and timeframe = :timeframe and timestamp <= :start
    ), :start)
    and timestamp <= coalesce((
        select min(timestamp) from market_data where symbol = :symbol and timeframe = :timeframe and timestamp > :end
    ), :end)
)
select before, timestamp as behind, price from stored
where timestamp - before > {width} and exists (
    select from backfill_spans as span
    where span.symbol = :symbol and span.timeframe = :timeframe
    and span.start <= stored.before and span."end" >= stored.timestamp - {width}
)
order by timestamp
"""

_ANSWERED = """
with touching as (
    delete from backfill_spans
    where symbol = :symbol and timeframe = :timeframe and "end" >= :start and start <= :end
    returning start, "end"
)
insert into backfill_spans (symbol, timeframe, start, "end")
select :symbol, :timeframe, least(min(start), :start), greatest(max("end"), :end) from touching
"""

_STATE = (
    f"case when state = 'running' and updated_at < now() - interval '{SILENT_SECONDS} seconds' then 'interrupted' else state end"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """One backfill and how far it came.

    Attributes:
        id: Its number.
        symbol: `EXCHANGE:BASE-QUOTE`.
        timeframe: Width of the candles.
        source: `candles` of the venue, or `trades` that candles are made of.
        start_us: Where the time begins that is filled, UTC epoch microseconds.
        end_us: Where it ends.
        state: `running`, `done`, `failed`, `cancelled`, or `interrupted`: its process is gone.
        wanted: Candles that were missing when it began.
        fetched: Of how many of them the venue was asked and answered, be it that it has none.
        stored: Rows that were added or changed.
        requests: Questions to the venue.
        conflicts: Candles that differ from ours.
        error: Why it failed; None where it did not.
        started_us: When it began, by the clock of the database.
        updated_us: When its process last wrote.
    """

    id: int
    symbol: str
    timeframe: str
    source: str
    start_us: int
    end_us: int
    state: str
    wanted: int
    fetched: int
    stored: int
    requests: int
    conflicts: int
    error: str | None
    started_us: int
    updated_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A candle that is proven whole and differs from the venue's own.

    Attributes:
        symbol: `EXCHANGE:BASE-QUOTE`.
        timeframe: Width of the candle.
        timestamp_us: Its close, UTC epoch microseconds.
        ours: Its open, high, low, close and volume as the trades have them.
        theirs: The same as the venue says.
    """

    symbol: str
    timeframe: Timeframe
    timestamp_us: int
    ours: dict[str, float]
    theirs: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Spans in which nobody traded: the venue answered for all of them and has none, and candles on both sides.

    Attributes:
        before_us: Close of the candle before them.
        behind_us: Close of the candle behind them.
        price: Close price of the one before.
    """

    before_us: int
    behind_us: int
    price: float


class BackfillRepository:
    """Backfills on one connection; who opened it commits."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    # -- what is missing -----------------------------------------------------------------------------------------

    def missing(self, symbol: str, timeframe: Timeframe, window: Window, *, again: bool = False) -> list[Window]:
        """Return the parts of a window of which no candle is stored, oldest first.

        Args:
            symbol: `EXCHANGE:BASE-QUOTE`.
            timeframe: Width of the candles; the window begins and ends where such candles do.
            window: Where to look.
            again: Also those of which the venue said already that it has nothing.
        """
        rows = self._connection.execute(
            _on(_MISSING, timeframe), {"symbol": symbol, "timeframe": str(timeframe), "again": again, **_bounds(window)}
        )
        return [Window(from_datetime(row.start), from_datetime(row.end)) for row in rows]

    def quiet(self, symbol: str, timeframe: Timeframe, window: Window) -> list[Quiet]:
        """Return the spans that touch a window in which nobody traded, as far as answers and stored candles tell, oldest first."""
        rows = self._connection.execute(_on(_QUIET, timeframe), {"symbol": symbol, "timeframe": str(timeframe), **_bounds(window)})
        return [Quiet(before_us=from_datetime(row.before), behind_us=from_datetime(row.behind), price=row.price) for row in rows]

    def answered(self, symbol: str, timeframe: Timeframe, window: Window) -> None:
        """Note that the venue was asked for the candles of a window and answered; spans that touch become one."""
        self._connection.execute(
            sa.text("select pg_advisory_xact_lock(:lock, hashtext(:key))"), {"lock": _SPANS, "key": f"{symbol} {timeframe}"}
        )
        self._connection.execute(_typed(sa.text(_ANSWERED)), {"symbol": symbol, "timeframe": str(timeframe), **_bounds(window)})

    def spans(self, symbol: str, timeframe: Timeframe) -> list[Window]:
        """Return of which time the venue answered, oldest first."""
        query = sa.text('select start, "end" from backfill_spans where symbol = :symbol and timeframe = :timeframe order by start')
        rows = self._connection.execute(query, {"symbol": symbol, "timeframe": str(timeframe)})
        return [Window(from_datetime(row.start), from_datetime(row.end)) for row in rows]

    def begin_tape(self, symbol: str, since_us: int) -> None:
        """Move back the moment from which on the tape of a symbol is known; it never moves forward."""
        self._connection.execute(
            sa.text("update watermarks set since = :since where symbol = :symbol and (since is null or since > :since)"),
            {"symbol": symbol, "since": to_datetime(since_us)},
        )

    # -- conflicts -----------------------------------------------------------------------------------------------

    def note_conflicts(self, conflicts: Sequence[Conflict]) -> None:
        """Note candles that differ; of one that is noted already the newer word counts."""
        if not conflicts:
            return
        rows = [
            {
                "symbol": each.symbol, "timeframe": str(each.timeframe), "timestamp": to_datetime(each.timestamp_us),
                "ours": each.ours, "theirs": each.theirs,
            }
            for each in conflicts
        ]  # fmt: skip
        new = insert(candle_conflicts).values(rows)
        newer = {"ours": new.excluded.ours, "theirs": new.excluded.theirs, "noted_at": sa.func.now()}
        self._connection.execute(new.on_conflict_do_update(constraint="candle_conflicts_key", set_=newer))

    def conflicts(
        self, symbol: str | None = None, start_us: int | None = None, end_us: int | None = None, *, newest: int | None = None
    ) -> list[Conflict]:
        """Return what differs of a symbol, or of all, and closes in [start, end], oldest first; with `newest` the last so many."""
        noted = candle_conflicts.c
        query = (
            sa.select(candle_conflicts).where(noted.timestamp >= lower(start_us), noted.timestamp <= upper(end_us)).limit(newest)
        )
        if symbol is not None:
            query = query.where(noted.symbol == symbol)
        rows = self._connection.execute(query.order_by(noted.timestamp.desc(), noted.symbol.desc(), noted.timeframe.desc()))
        return [
            Conflict(
                symbol=row["symbol"], timeframe=Timeframe(row["timeframe"]), timestamp_us=from_datetime(row["timestamp"]),
                ours=row["ours"], theirs=row["theirs"],
            )
            for row in reversed(rows.mappings().all())
        ]  # fmt: skip

    # -- how far each came ---------------------------------------------------------------------------------------

    def begin(self, symbol: str, timeframe: Timeframe, source: str, window: Window, wanted: int) -> int:
        """Note a backfill that begins and return its number.

        Who calls it holds the claim, so others that still call themselves running are interrupted.
        """
        kept = backfills.c
        gone = (kept.symbol == symbol, kept.timeframe == str(timeframe), kept.state == "running")
        self._connection.execute(sa.update(backfills).where(*gone).values(state="interrupted"))
        bounds = {"start": to_datetime(window.start_us), "end": to_datetime(window.end_us)}
        new = insert(backfills).values(symbol=symbol, timeframe=str(timeframe), source=source, wanted=wanted, **bounds)
        return int(self._connection.execute(new.returning(kept.id)).scalar_one())

    def advance(self, number: int, *, fetched: int = 0, stored: int = 0, requests: int = 0, conflicts: int = 0) -> None:
        """Add to what a backfill did so far; without anything to add it says that its process lives.

        Args:
            number: Which backfill.
            fetched: Candles more that the venue was asked for and answered.
            stored: Rows more.
            requests: Questions to the venue since it began, as many as there were; a smaller number than is known counts nothing.
            conflicts: Conflicts more.
        """
        added = {"fetched": fetched, "stored": stored, "conflicts": conflicts}
        values = {name: backfills.c[name] + count for name, count in added.items() if count}
        values["requests"] = sa.func.greatest(backfills.c.requests, requests)
        self._connection.execute(sa.update(backfills).where(backfills.c.id == number).values(**values, updated_at=sa.func.now()))

    def end(self, number: int, state: str, error: str | None = None) -> None:
        """Note how a backfill ended: `done`, `failed` or `cancelled`."""
        values = {"state": state, "error": error, "updated_at": sa.func.now()}
        self._connection.execute(sa.update(backfills).where(backfills.c.id == number).values(**values))

    def list(self, symbol: str | None = None, *, newest: int | None = None) -> list[Backfill]:
        """Return the backfills of a symbol, or of all, oldest first; with `newest` the last so many."""
        columns = [sa.literal_column(_STATE).label("state") if column.name == "state" else column for column in backfills.c]
        query = sa.select(*columns).order_by(backfills.c.id.desc()).limit(newest)
        if symbol is not None:
            query = query.where(backfills.c.symbol == symbol)
        return [_backfill(row) for row in reversed(self._connection.execute(query).mappings().all())]


def _on(query: str, timeframe: Timeframe) -> sa.TextClause:
    return _typed(sa.text(query.format(width=f"interval '{timeframe.width_us} microseconds'")))


def _typed(query: sa.TextClause) -> sa.TextClause:
    return query.bindparams(*(sa.bindparam(name, type_=sa.TIMESTAMP(timezone=True)) for name in ("start", "end")))


def _bounds(window: Window) -> dict[str, object]:
    return {"start": to_datetime(window.start_us), "end": to_datetime(window.end_us)}


def _backfill(row: sa.RowMapping) -> Backfill:
    values = dict(row)
    for ours, theirs in _MOMENTS.items():
        values[ours] = from_datetime(values.pop(theirs))
    return Backfill(**values)


_MOMENTS = {"start_us": "start", "end_us": "end", "started_us": "started_at", "updated_us": "updated_at"}
