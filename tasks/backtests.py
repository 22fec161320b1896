"""The step that tries a strategy on stored candles and keeps what came of it."""

from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from research.backtests import keep, run_backtest
from research.trials import trial_of
from tasks import resources
from tasks.retrying import DELAYS_SECONDS, worth_another_try
from trading.backtest.document import document
from trading.registry import Registry


@task(retries=2, retry_delay_seconds=DELAYS_SECONDS[1:], retry_condition_fn=worth_another_try, cache_policy=NO_CACHE)
def try_strategy(asked: dict[str, Any], *, resamples: int = 0, seed: int = 0) -> dict[str, Any]:
    """Run one backtest, keep its document and return it; the same one again replaces it."""
    trial = trial_of(Registry(resources.settings().strategies), **asked)
    with resources.store() as db:
        told = document(run_backtest(db, trial.test, trial.symbols), resamples=resamples, seed=seed)
        keep(db, told)
    return told
