"""Sweeps for the tests of workers: a walk by chance, an average cross, and chunks that are far too small."""

from dataclasses import replace

import pandas as pd

from market.timeframe import Timeframe
from research.sweeps import Sweep, run_sweep
from tests.trading.bars import walk
from trading.backtest.market import market_of
from trading.backtest.sweep import Found, Ground, Sampler, plan_of, space_of
from trading.registry import Registry
from trading.rules import Rules
from trading.strategy import BaseStrategy

SMA_CROSS = Registry().get("sma_cross")


def frame(bars: int = 300) -> pd.DataFrame:
    """Return candles as the store gives them."""
    return walk(bars, volatility=1e-2).reset_index()


def small_sweep(
    *, name: str = "one", sampler: Sampler = Sampler.GRID, sets: int | None = None, chunk: int = 10,
    strategy: type[BaseStrategy] = SMA_CROSS, **ranges: str,
) -> Sweep:  # fmt: skip
    """Return a sweep of a few sets."""
    ground = Ground(market=market_of({"OKX:BTC-USDT": frame()}, Timeframe.M1), strategy=strategy, rules=Rules())
    space = space_of(strategy, ranges or {"fast": "2:10", "slow": "12:20:2"})
    plan = plan_of(space, ground, sampler=sampler, sets=sets)
    return Sweep(id=name, ground=ground, plan=replace(plan, chunk=chunk))


def done(sweep: Sweep, pool) -> tuple[Found, dict[int, bytes]]:
    """Return what a sweep found, and the bytes of its chunks by their numbers."""
    payloads: dict[int, bytes] = {}
    with pool:
        found = run_sweep(sweep, pool, keep=lambda number, _, payload: payloads.update({number: payload}))
    return found, payloads
