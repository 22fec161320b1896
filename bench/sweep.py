"""What a Dask cluster costs a sweep beside as many processes of this machine, as a ratio; and a million sets in constant memory."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import psutil

from bench.figures import figure, note
from market.timeframe import Timeframe
from research.dask_cluster import LOCAL, DaskPool
from research.jobs import Pool
from research.local import LocalPool
from research.sweeps import Progress, Sweep, run_sweep
from trading.backtest.market import Market, market_of
from trading.backtest.sweep import Ground, plan_of, space_of
from trading.registry import Registry
from trading.rules import Rules

WORKERS = 2
ROUNDS = 3
MEBIBYTE = 2**20


def main() -> None:
    """Print one line a figure: what was measured, the target, and whether it holds."""
    print_cluster()
    print_million()


def print_cluster() -> None:
    """Let both do the same sweep in turns, and hold what they give against each other."""
    sweep = sweep_of(525_600, Timeframe.M1, {"fast": "5:44", "slow": "50:99"})
    seconds: dict[str, list[float]] = {"local": [], "dask": []}
    payloads: dict[str, dict[int, bytes]] = {"local": {}, "dask": {}}
    makers: dict[str, Callable[[], Pool]] = {
        "local": lambda: LocalPool(sweep, WORKERS),
        "dask": lambda: DaskPool(sweep, LOCAL, WORKERS),
    }
    for name, maker in makers.items():
        begun = time.perf_counter()
        with maker() as pool:
            run_sweep(sweep, pool, keep=lambda number, _, payload, own=payloads[name]: own.update({number: payload}))
            note(f"2,000 sets over a year of minutes, {name}, its workers started first", time.perf_counter() - begun, "s")
    assert payloads["local"] == payloads["dask"]
    with makers["local"]() as here, makers["dask"]() as there:
        for _ in range(ROUNDS):
            for name, pool in (("local", here), ("dask", there)):
                seconds[name].append(_took(lambda pool=pool: run_sweep(sweep, pool)))
    best = {name: min(each) for name, each in seconds.items()}
    note("sets a second of 525,600 bars, two local workers", sweep.plan.sets / best["local"], "")
    figure("a Dask cluster's time beside that of as many local processes", best["dask"] / best["local"], 1.1, at_least=False)


def print_million() -> None:
    """Try a million sets on a month of hours, and look at the memory of all processes meanwhile."""
    sweep = sweep_of(720, Timeframe.H1, {"fast": "2:51", "slow": "52:251", "signal": "2:101"}, strategy="macd")
    held: list[float] = []

    def look(_: Progress) -> None:
        one = psutil.Process()
        held.append(sum(each.memory_info().rss for each in (one, *one.children(recursive=True))) / MEBIBYTE)

    begun = time.perf_counter()
    with LocalPool(sweep, WORKERS) as pool:
        found = run_sweep(sweep, pool, told=look)
    note(f"{found.sets:,} sets on 720 bars", time.perf_counter() - begun, "s")
    half = len(held) // 2
    note("memory of all processes when half of them were done", held[half], "MiB")
    figure("the same at the end, beside that", held[-1] / held[half], 1.1, at_least=False)


def sweep_of(bars: int, timeframe: Timeframe, ranges: dict[str, str], strategy: str = "sma_cross") -> Sweep:
    """Return a sweep on a walk by chance."""
    kind = Registry().get(strategy)
    ground = Ground(market=_walk(bars, timeframe), strategy=kind, rules=Rules(taker_fee=0.001))
    return Sweep(id="bench", ground=ground, plan=plan_of(space_of(kind, ranges), ground))


def _walk(bars: int, timeframe: Timeframe) -> Market:
    chance = np.random.default_rng(1)
    close = 30_000 * np.exp(np.cumsum(chance.normal(0, 5e-4, bars)))
    open_ = np.r_[close[0], close[:-1]] * (1 + chance.normal(0, 1e-5, bars))
    stamps = pd.to_datetime(1_704_067_200_000_000 + timeframe.width_us * np.arange(1, bars + 1), unit="us", utc=True)
    columns = {"open": open_, "high": np.maximum(open_, close), "low": np.minimum(open_, close), "close": close}
    return market_of(
        {"OKX:BTC-USDT": pd.DataFrame({"timestamp": stamps, **columns, "volume": chance.exponential(10.0, bars)})}, timeframe
    )


def _took(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
