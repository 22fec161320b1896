"""One backtest as a row: what is kept of it, how it becomes a row, and the row a value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from db.backtest_rows import plain
from db.purposes import Purpose
from db.tables import backtests
from market.clock import from_datetime, to_datetime
from market.errors import InputError

SILENT_SECONDS = 30
"""Who runs a backtest, holds no claim (`Purpose.RESEARCH`) on its id and writes nothing for so long is dead."""

STATE: sa.ColumnElement[str] = sa.literal_column(
    f"""case when backtests.state = 'running' and backtests.updated_at < now() - interval '{SILENT_SECONDS} seconds'
    and not exists (
        select from pg_locks where locktype = 'advisory' and granted
        and database = (select oid from pg_database where datname = current_database())
        and classid = {int(Purpose.RESEARCH)} and objid = cast(hashtext(backtests.id) as oid) and objsubid = 2
    ) then 'interrupted' else backtests.state end""",  # noqa: S608 - numbers of ours
    sa.Text,
)
"""In which state a backtest is, by its row `backtests` and the claims that are held."""

HEAVY = ("coverage", "report")
"""Columns that a list of backtests does without."""

LISTED = [STATE.label("state") if column.name == "state" else column for column in backtests.c if column.name not in HEAVY]
"""The others."""

_MOMENTS = {"start": "start_us", "end": "end_us", "started_at": "started_us", "updated_at": "updated_us", "ended_at": "ended_us"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBacktest:
    """A backtest, sweep, walk-forward or Monte Carlo. What stands before `parent` decides its result.

    Attributes:
        id: 32 hex digits.
        kind: `backtest`, `sweep`, `walk-forward` or `monte-carlo`.
        strategy: Its name.
        parameters: Of the strategy; of a search what all its sets have in common.
        symbols: `EXCHANGE:BASE-QUOTE` each.
        timeframe: Width of the candles.
        start_us: Where the window begins, UTC epoch microseconds.
        end_us: Where it ends.
        settings: Rules, balance, listings, whether holes are allowed; of a search its space and sampler.
        fingerprint: Of the candles.
        code_version: Of this program.
        seed: Of what is drawn; None where nothing is.
        coverage: For each symbol what is known of the window; None in a list.
        parent: Of which backtest it is a part or is made; None where of none.
        total: Sets of parameters or windows it has in all.
        flow_run: Of Prefect, that last began it; None where it was begun by a command.
        state: `running`, `done`, `failed`, `cancelled`, or `interrupted`: its process is gone.
        done: Of how many sets or windows the pieces are stored.
        final_value: Of the account at the end, in the quote currency; None before the end and where there is none.
        total_return: A fraction; None as above.
        metrics: By name, each a number or None where it has no value; None before the end.
        report: What else came of it; None before the end, and in a list.
        error: Why it failed; None where it did not.
        started_us: When it began, the last time, by the clock of the database.
        updated_us: When its process last wrote.
        ended_us: When it ended; None before.
    """

    id: str
    kind: str
    strategy: str
    parameters: dict[str, Any]
    symbols: tuple[str, ...]
    timeframe: str
    start_us: int
    end_us: int
    settings: dict[str, Any]
    fingerprint: str
    code_version: str
    seed: int | None = None
    coverage: list[dict[str, Any]] | None = None
    parent: str | None = None
    total: int = 0
    flow_run: str | None = None
    state: str = "running"
    done: int = 0
    final_value: float | None = None
    total_return: float | None = None
    metrics: dict[str, float | None] | None = None
    report: dict[str, Any] | None = None
    error: str | None = None
    started_us: int = 0
    updated_us: int = 0
    ended_us: int | None = None


def row_of(run: StoredBacktest) -> dict[str, Any]:
    """Return what decides the result of a backtest, its parent and its total, as columns.

    Raises:
        InputError: If a number is infinite, or the seed has more than 63 bits.
    """
    if run.seed is not None and not -(2**63) <= run.seed < 2**63:
        raise InputError(f"seed is {run.seed}, and is stored in 64 bits; give one of at most {2**63 - 1}")
    return {
        "id": run.id, "kind": run.kind, "parent": run.parent, "strategy": run.strategy,
        "parameters": plain(run.parameters, "parameters"), "symbols": list(run.symbols), "timeframe": run.timeframe,
        "start": to_datetime(run.start_us), "end": to_datetime(run.end_us), "settings": plain(run.settings, "settings"),
        "fingerprint": run.fingerprint, "code_version": run.code_version, "seed": run.seed,
        "coverage": plain(run.coverage or [], "coverage"), "total": run.total,
        "flow_run": run.flow_run,
    }  # fmt: skip


def stored(row: Mapping[Any, Any]) -> StoredBacktest:
    """Return a row as a value; columns that were not read are None."""
    values: dict[str, Any] = {_MOMENTS.get(name, name): value for name, value in row.items()}
    for name in _MOMENTS.values():
        values[name] = None if values[name] is None else from_datetime(values[name])
    return StoredBacktest(**values | {"symbols": tuple(values["symbols"])})
