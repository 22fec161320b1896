"""Runs as rows of a table: what each was, how far it is, and what came of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from app.charts.zone import Zone
from app.words import NOTHING
from db.backtest_runs import StoredBacktest

DIGITS = 12
"""So many digits of an id are shown."""

_SHOWN = {"return": "total_return", "Sharpe": "sharpe_ratio", "max drawdown": "max_drawdown", "trades": "total_trades"}


def run_table(runs: Sequence[StoredBacktest], *, zone: Zone) -> pd.DataFrame:
    """Return one row for each run; figures that there are not are NaN.

    Columns id, begun, kind, state, strategy, return, Sharpe, max drawdown, trades (numbers, returns and drawdowns as fractions),
    symbols, timeframe, parameters and window.
    """
    return pd.DataFrame([_row(each, zone) for each in runs], columns=_ORDER).astype(dict.fromkeys(_SHOWN, "float64"))


def parameter_words(values: Mapping[str, Any]) -> str:
    """Return parameters as `fast=10 slow=30`."""
    return (
        " ".join(f"{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in values.items()) or NOTHING
    )


def state_words(run: StoredBacktest) -> str:
    """Return how far a run is: `done`, `running 40 %`, `cancelled at 40 %`."""
    if run.state == "done" or not run.total:
        return run.state
    part = f"{run.done * 100 // run.total} %"
    return f"{run.state} {part}" if run.state == "running" else f"{run.state} at {part}"


def window_words(run: StoredBacktest, *, zone: Zone) -> str:
    """Return the window of a run."""
    form = "%Y-%m-%d %H:%M"
    return f"{zone.told(run.start_us, form)} to {zone.told(run.end_us, form)}"


_ORDER = ["id", "begun", "kind", "state", "strategy", *_SHOWN, "symbols", "timeframe", "parameters", "window"]


def _row(run: StoredBacktest, zone: Zone) -> dict[str, Any]:
    metrics = run.metrics or {}
    return {
        "id": run.id[:DIGITS], "begun": zone.told(run.started_us, "%Y-%m-%d %H:%M"), "kind": run.kind, "state": state_words(run),
        "strategy": run.strategy, "parameters": parameter_words(run.parameters) if run.kind == "backtest" else "searched",
        "symbols": ", ".join(run.symbols), "timeframe": run.timeframe, "window": window_words(run, zone=zone),
        **{title: metrics.get(name) for title, name in _SHOWN.items()},
    }  # fmt: skip
