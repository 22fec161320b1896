"""The steps that try strategies on stored candles, one set or many, and keep what came of it."""

import asyncio
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from research.backtests import keep, run_backtest
from research.searches import Wanted, Windows, Workers, keep_sweep, keep_walk
from research.sweeps import Progress
from research.trials import trial_of
from research.walks import Walked
from tasks import resources
from tasks.keys import artifact_key
from tasks.progress import shown_as
from tasks.retrying import DELAYS_SECONDS, worth_another_try
from trading.backtest.document import document
from trading.backtest.sweep import Sampler
from trading.registry import Registry


@task(retries=2, retry_delay_seconds=DELAYS_SECONDS[1:], retry_condition_fn=worth_another_try, cache_policy=NO_CACHE)
async def try_strategy(asked: dict[str, Any], *, resamples: int = 0, seed: int = 0) -> dict[str, Any]:
    """Run one backtest, keep its document and return it; the same one again replaces it."""
    trial = trial_of(Registry(resources.settings().strategies), **asked)
    with resources.store() as db:
        result = await asyncio.to_thread(run_backtest, db, trial.test, trial.symbols)
        told = await asyncio.to_thread(document, result, resamples=resamples, seed=seed)
        keep(db, told, flow_run=flow_run.id)
    return told


@task(retries=2, retry_delay_seconds=DELAYS_SECONDS[1:], retry_condition_fn=worth_another_try, cache_policy=NO_CACHE)
async def search_sets(asked: dict[str, Any], searched: dict[str, Any], workers: Workers) -> dict[str, Any]:
    """Try many sets and return the document of it; what is done is kept, and the same one again goes on from there."""
    wanted = wanted_of(asked, searched)
    with resources.store() as db:
        async with shown_as(artifact_key("sweep-progress", wanted.symbols[0]), "the sweep begins", far) as told:
            return await asyncio.to_thread(keep_sweep, db, wanted, workers, told)


@task(retries=2, retry_delay_seconds=DELAYS_SECONDS[1:], retry_condition_fn=worth_another_try, cache_policy=NO_CACHE)
async def search_windows(asked: dict[str, Any], searched: dict[str, Any], windows: Windows, workers: Workers) -> dict[str, Any]:
    """Search the best set of each window and return the document of all; it goes on as `search_sets` does."""
    wanted = wanted_of(asked, searched)
    with resources.store() as db:
        async with shown_as(artifact_key("walk-forward-progress", wanted.symbols[0]), "the walk-forward begins", far) as told:
            return await asyncio.to_thread(keep_walk, db, wanted, windows, workers, told)


def wanted_of(asked: dict[str, Any], searched: dict[str, Any]) -> Wanted:
    """Return what is searched: what is tried, and how sets are chosen.

    Raises:
        InputError: If something of it cannot be.
    """
    trial = trial_of(Registry(resources.settings().strategies), **asked)
    given = {**searched, "sampler": Sampler(searched["sampler"])}
    return Wanted(test=trial.test, symbols=trial.symbols, **given)


def far(progress: Progress | Walked) -> tuple[float, str]:
    """Return how far a search is, in per cent and in words."""
    percent = 100.0 * progress.done / progress.total if progress.total else 100.0
    words = f"{progress.done:,} of {progress.total:,}"
    if isinstance(progress, Progress) and progress.best is not None:
        words += f"; best {progress.best[1]:.4g} at {', '.join(f'{name}={value}' for name, value in progress.best[0].items())}"
    return percent, words
