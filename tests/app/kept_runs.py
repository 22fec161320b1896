"""Runs in the store as the page of backtests finds them."""

from typing import Any

from db import DatabaseOperations
from research.backtests import keep, stored_of
from tests.app.documents import document, monte_carlo, sweep, walk_forward

BACKTEST, SWEEP, WALK, CHANCE = ("a" * 32, "b" * 32, "c" * 32, "d" * 32)
_DAY_US = 86_400_000_000


def keep_all(database: DatabaseOperations) -> None:
    """Keep a run of each kind."""
    for one in (
        document(id=BACKTEST),
        whole_sweep(),
        walk_forward(id=WALK, train_us=10 * _DAY_US, test_us=_DAY_US, step_us=_DAY_US, efficiency=0.5),
        monte_carlo(id=CHANCE, kind="backtest"),
    ):
        keep(database, one)


def whole_sweep() -> dict[str, Any]:
    """Return the document of a sweep with all that a real one has."""
    kept = sweep(id=SWEEP, errors=[{"parameters": {"fast": 1}, "error": "no"}], failed=1, undefined=1, left_out=2)
    return {
        **kept,
        "parameters": {},
        "metrics": kept["results"][-1]["metrics"],
        "final_value": None,
        "total_return": 0.08,
        "trades": [],
    }


def begin(database: DatabaseOperations, *, done: int = 0, total: int = 8, flow_run: str | None = None) -> str:
    """Begin a sweep that has no result yet; return its id."""
    told = whole_sweep()
    with database.transaction() as store:
        store.backtests.begin(stored_of({**told, "id": "e" * 32}, total=total, flow_run=flow_run))
        if done:
            store.backtests.put_chunk("e" * 32, 0, done, b"")
            store.backtests.progress("e" * 32, done, total)
    return "e" * 32
