"""Backtests, sweeps, a walk-forward and Monte Carlos in every state; those that are done were really run on the stored candles."""

from dataclasses import replace
from typing import Any

from db import DatabaseOperations
from market.clock import isoformat
from research.backtests import keep, run_backtest, stored_of
from research.searches import Wanted, Windows, Workers, keep_sweep, keep_walk
from research.trials import Trial, trial_of
from tests.app.full.bots import STRATEGIES
from tests.app.full.candles import PRICES
from trading.backtest.document import document
from trading.backtest.sweep import Sampler
from trading.registry import Registry

DONE = 40
RANGES = {"fast": "3:9:3", "slow": "12:30:6"}
UNFINISHED = ("running", "failed", "cancelled", "interrupted")


def fill_backtests(database: DatabaseOperations, start_us: int, end_us: int) -> None:
    """Store what was tried on the candles between two moments."""
    days = (end_us - start_us) // 86_400_000_000
    width = "1h" if days > 30 else "15m"
    told: dict[str, Any] = {}
    for number in range(DONE):
        trial = _trial(number, width, start_us, end_us)
        told = document(run_backtest(database, trial.test, trial.symbols), resamples=500 * (number % 8 == 0), seed=1)
        keep(database, told)
    for number, (metric, sampler) in enumerate((("sharpe_ratio", Sampler.GRID), ("calmar_ratio", Sampler.RANDOM))):
        keep_sweep(database, _wanted(number, width, start_us, end_us, metric=metric, sampler=sampler), Workers(count=1))
    third = (end_us - start_us) // 4
    keep_walk(database, _wanted(6, width, start_us, end_us), Windows(train_us=2 * third, test_us=third), Workers(count=1))
    _leave_unfinished(database, told)


def _trial(number: int, width: str, start_us: int, end_us: int, strategy: str | None = None) -> Trial:
    name = strategy or list(STRATEGIES)[number % len(STRATEGIES)]
    symbols = [list(PRICES)[number % len(PRICES)]] if number % 10 else list(PRICES)[:2]
    rules = {"size": 0.5 / len(symbols), "stop_loss": 0.02 + 0.001 * number}
    return trial_of(
        Registry(), name, symbols=symbols, parameters={} if strategy else STRATEGIES[name], timeframe=width, allow_holes=True,
        start=isoformat(start_us + number * 60_000_000), end=isoformat(end_us), rules=rules,
    )  # fmt: skip


def _wanted(number: int, width: str, start_us: int, end_us: int, **more: Any) -> Wanted:
    trial = _trial(number, width, start_us, end_us, "sma_cross")
    return Wanted(test=trial.test, symbols=trial.symbols, ranges=RANGES, sets=12, **more)


def _leave_unfinished(database: DatabaseOperations, told: dict[str, Any]) -> None:
    """Store runs that did not end, in each way, of each kind."""
    whole = stored_of(told, total=100)
    for number, state in enumerate(UNFINISHED):
        run = replace(whole, id=f"{number:032x}", kind=("backtest", "sweep", "walk-forward", "monte-carlo")[number], parent=None)
        with database.transaction() as store:
            store.backtests.begin(run)
            store.backtests.progress(run.id, 10 * (number + 1), 100)
            if state == "failed":
                store.backtests.fail(run.id, "no candle of OKX:BTC-USDT is stored from 2020-01-01 to 2020-02-01")
            elif state == "cancelled":
                store.backtests.cancel(run.id)
    with database.engine.begin() as connection:  # nobody lives any more who could say so
        connection.exec_driver_sql(
            f"update backtests set updated_at = updated_at - interval '1 hour' where id = '{UNFINISHED.index('interrupted'):032x}'"
        )
        connection.exec_driver_sql("update backtests set started_at = started_at - interval '7 minutes' * ascii(id)")
