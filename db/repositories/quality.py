"""Quality: runs of checks and what came of them, and reads that show rows as they are, be they damaged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects import postgresql

from db import candle_rows, wider
from db.binary import decode, from_postgres
from db.bounds import lower, upper
from db.bulk import copy_out
from db.series import KINDS, ORIGINS, PRICES, CandleSeries
from db.tables import metadata, quality_results, quality_runs
from market.clock import from_datetime, to_datetime
from market.timeframe import Timeframe
from market.window import Window

# What is not there becomes NaN, and is found as such: without its constraints a table may hold anything. Where NaN stands for
# null, a NaN that is stored becomes infinite; and a row of an origin that there is not becomes one of ours, of revision -1.
_PRICES = ", ".join(f"coalesce({name}, 'NaN') as {name}" for name in PRICES)
_NAN = "case when {0} = 'NaN' then 'Infinity' else {0} end as {0}"
_KNOWN = "origin in ({})".format(", ".join(f"'{origin}'" for origin in ORIGINS))
_ROW = f"""{_PRICES}, {_NAN.format("quote_volume")}, trades, {_NAN.format("taker_buy_volume")},
       first_trade_id, last_trade_id, complete,
       case when {_KNOWN} then origin else 'live' end as origin,
       case when {_KNOWN} then coalesce(revision, -1) else -1 end as revision"""
_CANDLES = f"""
select timestamp, {_ROW}
from market_data
where symbol = %(symbol)s and timeframe = %(timeframe)s and timestamp > %(after)s and timestamp <= %(until)s
order by timestamp
"""  # noqa: S608 - names of ours

_KEPT = f"""
select coalesce(timestamp, bucket) as timestamp, {_ROW} from {{relation}}
where symbol = %(symbol)s and bucket > %(after)s and bucket <= %(until)s order by timestamp
"""  # noqa: S608 - names of ours

_TRADES = """
select trade_id, timestamp, coalesce(price, 'NaN'), coalesce(size, 'NaN'), coalesce(taker_buy::integer, -1), coalesce(count, 0),
       coalesce(id_span, 1)
from raw_trades
where symbol = %(symbol)s and timestamp >= %(start)s and timestamp < %(end)s and trade_id is not null
order by timestamp, trade_id
"""
_TRADE_KINDS = {"trade_id": "i8", "timestamp": "i8", "price": "f8", "size": "f8", "taker_buy": "i4", "count": "i4", "id_span": "i4"}

_COLUMNS = """
select column_name as name, data_type || case is_nullable when 'NO' then ' not null' else '' end as kind
from information_schema.columns where table_schema = current_schema() and table_name = :table
"""
_KEY = """
select string_agg(attname, ', ' order by place)
from pg_index, unnest(indkey) with ordinality as part (number, place)
join pg_attribute on attnum = part.number
where indrelid = to_regclass(:table) and attrelid = indrelid and indisprimary
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityResult:
    """What came of one rule.

    Attributes:
        rule: Its name.
        severity: `critical`, or `warning`: to be looked at, and may be right.
        success: Whether all is as it should be; None where it was not checked.
        unexpected_count: How often it is not.
        observed: Figures that were found.
        sample: Some of the rows that are wrong.
        details: A sentence: what the rule asks for, or why it was not checked.
    """

    rule: str
    severity: str
    success: bool | None
    unexpected_count: int
    observed: dict[str, Any]
    sample: list[dict[str, Any]]
    details: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityRun:
    """One run of a suite.

    Attributes:
        id: Its number.
        symbol: `EXCHANGE:BASE-QUOTE`.
        timeframe: Width of the candles; None for trades.
        suite: `candles` or `trades`.
        start_us: Where the time begins that was checked, UTC epoch microseconds.
        end_us: Where it ends.
        state: `running`, `done`, `failed`: it broke off, or `interrupted`: its process is gone.
        rows: Rows that were looked at.
        success: Whether no critical rule failed; None before the end.
        error: Why it broke off; None where it did not.
        started_us: When it began, by the clock of the database.
        ended_us: When it ended; None before.
        results: What came of each rule; empty in a list of runs.
        missing: What a backfill has to fetch, oldest first; only in what a run returns.
    """

    id: int
    symbol: str
    timeframe: str | None
    suite: str
    start_us: int
    end_us: int
    state: str
    rows: int
    success: bool | None
    error: str | None
    started_us: int
    ended_us: int | None
    results: tuple[QualityResult, ...] = ()
    missing: tuple[Window, ...] = ()

    @property
    def failed(self) -> tuple[QualityResult, ...]:
        """What is not as it should be, warnings included."""
        return tuple(result for result in self.results if result.success is False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How many candles of a sample were the venue's own, as a run found.

    Attributes:
        run: Its number.
        symbol: `EXCHANGE:BASE-QUOTE`.
        timeframe: Of the candles.
        at_us: When it began, by the clock of the database, UTC epoch microseconds.
        compared: How many candles were compared.
        differing: How many of them are not the venue's.
    """

    run: int
    symbol: str
    timeframe: str
    at_us: int
    compared: int
    differing: int


class QualityRepository:
    """Runs of checks on one connection; who opened it commits."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    # -- runs ----------------------------------------------------------------------------------------------------

    def begin(self, symbol: str, timeframe: Timeframe | None, suite: str, window: Window) -> int:
        """Note a run that begins and return its number; an earlier one of the same that did not end is interrupted."""
        kept, width = quality_runs.c, None if timeframe is None else str(timeframe)
        same = (kept.symbol == symbol, kept.suite == suite, kept.timeframe.is_not_distinct_from(width), kept.state == "running")
        self._connection.execute(sa.update(quality_runs).where(*same).values(state="interrupted", ended_at=sa.func.now()))
        bounds = {"start": to_datetime(window.start_us), "end": to_datetime(window.end_us)}
        new = sa.insert(quality_runs).values(symbol=symbol, timeframe=width, suite=suite, **bounds)
        return int(self._connection.execute(new.returning(kept.id)).scalar_one())

    def end(self, number: int, rows: int, results: Sequence[QualityResult]) -> QualityRun:
        """Note what came of a run and return it."""
        failed = any(result.success is False and result.severity == "critical" for result in results)
        self._finish(number, state="done", rows=rows, success=not failed)
        if results:
            self._connection.execute(sa.insert(quality_results), [_result_row(number, result) for result in results])
        found = self.get(number)
        assert found is not None
        return found

    def fail(self, number: int, error: str) -> None:
        """Note that a run broke off."""
        self._finish(number, state="failed", error=error)

    def get(self, number: int) -> QualityRun | None:
        """Return a run with what came of its rules, in the order in which they were checked."""
        row = self._connection.execute(sa.select(quality_runs).where(quality_runs.c.id == number)).mappings().one_or_none()
        if row is None:
            return None
        return _run(row, self.results(number))

    def results(self, number: int) -> tuple[QualityResult, ...]:
        """Return what came of the rules of a run: failures first, then by name; none where there is no such run."""
        kept = quality_results.c  # the rows of one insert stand in its order in no table
        query = sa.select(quality_results).where(kept.run == number).order_by(kept.success.nulls_last(), kept.rule)
        return tuple(_result(each) for each in self._connection.execute(query).mappings())

    def list(self, symbol: str | None = None, *, newest: int | None = None) -> list[QualityRun]:
        """Return the runs of a symbol, or of all, oldest first and without their results; with `newest` the last so many."""
        query = sa.select(quality_runs).order_by(quality_runs.c.id.desc()).limit(newest)
        if symbol is not None:
            query = query.where(quality_runs.c.symbol == symbol)
        return [_run(row) for row in reversed(self._connection.execute(query).mappings().all())]

    def matches(self, symbol: str | None = None, *, newest: int) -> Sequence[Match]:
        """Return how the newest runs of a symbol, or of all, compared candles with the venue's own, oldest first."""
        kept, found = quality_runs.c, quality_results.c.observed
        counts = [found[name].as_integer().label(name) for name in ("compared", "differing")]
        query = sa.select(kept.id, kept.symbol, kept.timeframe, kept.started_at, *counts)
        query = query.join_from(quality_runs, quality_results, quality_results.c.run == kept.id)
        query = query.where(quality_results.c.rule == "venue", found["compared"].is_not(None)).order_by(kept.id.desc())
        rows = self._connection.execute(query.where(*([kept.symbol == symbol] if symbol else [])).limit(newest)).all()
        return [
            Match(
                run=row.id, symbol=row.symbol, timeframe=row.timeframe, at_us=from_datetime(row.started_at), compared=row.compared,
                differing=row.differing,
            )
            for row in reversed(rows)
        ]  # fmt: skip

    def forget(self, before_us: int) -> int:
        """Remove the runs that began before a moment, with their results; return how many."""
        old = sa.select(quality_runs.c.id).where(quality_runs.c.started_at < to_datetime(before_us))
        self._connection.execute(sa.delete(quality_results).where(quality_results.c.run.in_(old)))
        return self._connection.execute(sa.delete(quality_runs).where(quality_runs.c.id.in_(old))).rowcount

    def _finish(self, number: int, **values: Any) -> None:
        self._connection.execute(
            sa.update(quality_runs).where(quality_runs.c.id == number).values(**values, ended_at=sa.func.now())
        )

    # -- what is looked at ---------------------------------------------------------------------------------------

    def schema(self, table: str) -> Sequence[dict[str, str]]:
        """Return what a table is made of: each column and the key, as it should be and as it is."""
        own, dialect = metadata.tables[table], postgresql.dialect()  # type: ignore[no-untyped-call]
        expected = {
            f"column {column.name}": column.type.compile(dialect).lower() + ("" if column.nullable else " not null")
            for column in own.columns
        }
        expected["primary key"] = ", ".join(column.name for column in own.primary_key.columns)
        rows = self._connection.execute(sa.text(_COLUMNS), {"table": table})
        found = {f"column {row.name}": row.kind for row in rows}
        found["primary key"] = self._connection.scalar(sa.text(_KEY), {"table": table}) or "absent"
        names = [*expected, *(name for name in found if name not in expected)]
        return [{"item": name, "expected": expected.get(name, "absent"), "found": found.get(name, "absent")} for name in names]

    def candles(self, symbol: str, timeframe: Timeframe, after_us: int | None, until_us: int | None) -> CandleSeries:
        """Return the stored rows that close in (after, until] as they are: keys may come twice, numbers be absent (NaN)."""
        parameters = {"symbol": symbol, "timeframe": str(timeframe), "after": lower(after_us), "until": upper(until_us)}
        return candle_rows.select(self._connection, _CANDLES, parameters, of=(symbol, timeframe))

    def kept(self, symbol: str, width: Timeframe, after_us: int, until_us: int) -> CandleSeries:
        """Return the wider candles that a rollup keeps and that close in (after, until], both of them closes of such candles."""
        query = _KEPT.format(relation=wider.relation_of(width))
        parameters = {"symbol": symbol, "after": to_datetime(after_us), "until": to_datetime(until_us)}
        return candle_rows.select(self._connection, query, parameters, of=(symbol, width))

    def is_kept(self, width: Timeframe) -> bool:
        """Return whether the rollup of a width is there, with all columns."""
        rows = self._connection.execute(sa.text(_COLUMNS), {"table": wider.relation_of(width)})
        return {"symbol", "bucket", *KINDS} <= {row.name for row in rows}

    def trades(self, symbol: str, start_us: int, end_us: int) -> dict[str, NDArray[Any]]:
        """Return trades of [start, end) as they are, in the order of time and id; a side that is absent is -1, a count 0."""
        parameters = {"symbol": symbol, "start": to_datetime(start_us), "end": to_datetime(end_us)}
        columns = decode(copy_out(self._connection, _TRADES, parameters), list(_TRADE_KINDS.items()))
        return {**columns, "timestamp": np.asarray(from_postgres(columns["timestamp"]))}


def _result_row(number: int, result: QualityResult) -> dict[str, Any]:
    return {
        "run": number, "rule": result.rule, "severity": result.severity, "success": result.success,
        "unexpected_count": result.unexpected_count, "observed": result.observed, "sample": result.sample,
        "details": result.details,
    }  # fmt: skip


def _result(row: sa.RowMapping) -> QualityResult:
    return QualityResult(**{name: value for name, value in row.items() if name != "run"})


def _run(row: sa.RowMapping, results: tuple[QualityResult, ...] = ()) -> QualityRun:
    return QualityRun(
        id=row["id"], symbol=row["symbol"], timeframe=row["timeframe"], suite=row["suite"], start_us=from_datetime(row["start"]),
        end_us=from_datetime(row["end"]), state=row["state"], rows=row["rows"], success=row["success"], error=row["error"],
        started_us=from_datetime(row["started_at"]), ended_us=None if row["ended_at"] is None else from_datetime(row["ended_at"]),
        results=results,
    )  # fmt: skip
