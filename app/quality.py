"""Runs of checks as rows of charts and tables; pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from app.charts.zone import UTC, Zone
from app.words import NOTHING
from db.repositories.backfills import Conflict
from db.repositories.quality import Match, QualityResult, QualityRun
from market.clock import parse_time

_FIRST = ("timestamp", "trade_id", "start", "end", "open", "high", "low", "close", "volume")  # JSON is kept by the length of names
_FORM = "%Y-%m-%d %H:%M:%S"
_PRICES = ("open", "high", "low", "close", "volume")


def result_of(run: QualityRun) -> str:
    """Return how a run ended in a word: `passed`, `failed`, `broke off`, `running`."""
    if run.state == "running":
        return "running"
    if run.state != "done":
        return "broke off"
    return "passed" if run.success else "failed"


def run_rows(runs: Sequence[QualityRun], *, zone: Zone = UTC) -> pd.DataFrame:
    """Return one row for each run in the order given.

    Returns:
        Columns run (its number), symbol, suite, what, begun (moment in the zone), told (the same in words), rows, result, error.
    """
    begun = pd.Series(pd.to_datetime([run.started_us for run in runs], unit="us", utc=True))
    return pd.DataFrame(
        {
            "run": [run.id for run in runs],
            "symbol": [run.symbol for run in runs],
            "suite": [_suite(run) for run in runs],
            "what": [f"{run.symbol} {_suite(run)}" for run in runs],
            "begun": zone.moved(begun),
            "told": zone.moved(begun).dt.strftime(_FORM),
            "rows": pd.array([run.rows for run in runs], dtype="int64"),
            "result": [result_of(run) for run in runs],
            "error": [run.error or "" for run in runs],
        }
    )


def match_rows(matches: Iterable[Match], comparisons: Iterable[Mapping[str, Any]], *, zone: Zone = UTC) -> pd.DataFrame:
    """Return which share of candles was the venue's own, as runs of checks and the flow `reconcile` found, by time.

    Returns:
        Columns symbol, source (`check` or `reconcile`), found (moment in the zone), told, compared, differing, rate (a fraction).
    """
    found = [(each.symbol, "check", each.at_us, each.compared, each.differing) for each in matches]
    found += [
        (str(each["symbol"]), "reconcile", parse_time(each["at"]), int(each["compared"]), int(each["differing"]))
        for each in comparisons
    ]
    rows = sorted((row for row in found if row[3]), key=lambda row: row[2])
    table = pd.DataFrame(rows, columns=["symbol", "source", "at_us", "compared", "differing"])
    moments = pd.to_datetime(table["at_us"].astype("int64"), unit="us", utc=True)
    return table.drop(columns="at_us").assign(
        found=zone.moved(moments), told=zone.moved(moments).dt.strftime(_FORM),
        rate=1 - table["differing"].astype("float64") / table["compared"].astype("float64"),
    )  # fmt: skip


def result_table(results: Sequence[QualityResult]) -> pd.DataFrame:
    """Return one row for each rule of a run, what failed first."""
    return pd.DataFrame(
        [
            {
                "rule": each.rule,
                "result": _told(each),
                "found": each.unexpected_count,
                "asks for": each.details,
                "figures": ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in each.observed.items()) or NOTHING,
            }
            for each in results
        ]
    )


def sample_table(result: QualityResult) -> pd.DataFrame:
    """Return the rows that broke a rule, as they are kept, all of them as text."""
    named = dict.fromkeys(name for row in result.sample for name in row)
    names = sorted(named, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))
    return pd.DataFrame([{name: NOTHING if row.get(name) is None else str(row[name]) for name in names} for row in result.sample])


def conflict_table(conflicts: Sequence[Conflict], *, zone: Zone = UTC) -> pd.DataFrame:
    """Return two rows for each candle that differs, ours and the venue's, the newest first."""
    return pd.DataFrame(
        [
            {
                "symbol": each.symbol,
                "width": str(each.timeframe),
                f"close ({zone.name})": zone.told(each.timestamp_us),
                "which": which,
                **{name: str(values.get(name, NOTHING)) for name in _PRICES},
            }
            for each in reversed(conflicts)
            for which, values in (("ours", each.ours), ("the venue's", each.theirs))
        ]
    )


def _suite(run: QualityRun) -> str:
    return run.suite if run.timeframe is None else f"{run.timeframe} {run.suite}"


def _told(result: QualityResult) -> str:
    if result.success is None:
        return "not checked"
    return "ok" if result.success else "failed" if result.severity == "critical" else "to be looked at"
