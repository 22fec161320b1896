"""How near a sweep of backtests comes to a loop written by hand that makes the same trades and nothing else; as ratios."""

import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import numba
import numpy as np
import pandas as pd

from bench.figures import best_seconds, figure, note
from market.timeframe import MINUTE_US, Timeframe
from trading import indicators
from trading.backtest.events import run_events
from trading.backtest.market import Market, market_of
from trading.backtest.metrics import METRICS, Run, measure
from trading.backtest.round_trips import exposure_of, trips_of
from trading.backtest.simulate import simulate, summarise
from trading.frames import to_bars
from trading.registry import Registry
from trading.rules import Rules
from trading.strategies.decisions import MARGIN

BARS, FEE, BALANCE = 525_600, 0.001, 10_000.0
PAIRS = [(fast, slow) for fast in range(5, 35) for slow in range(40, 100, 2)]


def main() -> None:
    """Print one line a figure: what was measured, the target, and whether it holds."""
    market, data = _year()
    rules, registry = Rules(taker_fee=FEE), Registry()
    begun = time.perf_counter()
    summarise(market, np.ones((BARS, 1)), rules)
    note("first run of the kernel in a process, compiled before or not", time.perf_counter() - begun, "s")

    def ours() -> list[float]:
        with indicators.remembered():
            made = (registry.create("sma_cross", {"fast": fast, "slow": slow}).targets(data) for fast, slow in PAIRS)
            return [summarise(market, targets[:, None], rules).equity for targets in made]

    opens, closes = market.open[:, 0].copy(), market.close[:, 0].copy()

    def bare() -> list[float]:
        means = {bars: indicators.sma(closes, bars) for bars in {bars for pair in PAIRS for bars in pair}}
        return [_by_hand(opens, closes, means[fast], means[slow], FEE, BALANCE)[0] for fast, slow in PAIRS]

    same = np.isclose(bare(), ours(), rtol=1e-9).mean()
    note("pairs that both end with the same money: a tie may be rounded elsewhere", same, "")
    assert same > 0.95
    by_hand, sweep = best_seconds(bare, ours, rounds=3)
    note("sweep of 900 pairs of averages over a year of minutes", sweep, "s")
    figure("the same, share of the speed of a loop written by hand", by_hand / sweep, 0.6)
    _one_run(market, data, rules)
    _bar_by_bar(market, rules)
    _fresh()


def _one_run(market: Market, data: pd.DataFrame, rules: Rules) -> None:
    """Print what one run costs: the kernel on its own, and with all metrics; then with rules that need its long way."""
    strategy = Registry().create("sma_cross", {"fast": 20, "slow": 60})
    targets = strategy.targets(data)[:, None]
    guarded = replace(rules, stop_loss=0.02, take_profit=0.05, time_exit=500)

    def measured() -> dict[str, float]:
        outcome = simulate(market, strategy.targets(data)[:, None], rules)
        trips, exposure = trips_of(market, outcome.table, rules), exposure_of(market, outcome.table, outcome.equity)
        return measure(
            Run(
                balance=BALANCE, equity=outcome.equity, bar_seconds=60.0, close=market.close[:, 0], timestamps_us=market.closes_us,
                exposure=exposure, trips=trips.closed,
            )
        )  # fmt: skip

    measured(), simulate(market, targets, guarded)
    kernel, whole, long = best_seconds(
        lambda: simulate(market, targets, rules), measured, lambda: simulate(market, targets, guarded), rounds=9
    )
    note("one run of the kernel with its fills and equity", 1e3 * kernel, "ms")
    figure(f"targets, kernel, round trips and {len(METRICS)} metrics, times the kernel", whole / kernel, 10.0, at_least=False)
    note("one run with a stop, a target and a time exit", 1e3 * long, "ms")


def _bar_by_bar(market: Market, rules: Rules) -> None:
    begun = time.process_time()  # one thread that works for a minute: what others do meanwhile is not to be seen
    found = run_events(market, [Registry().create("sma_cross", {"fast": 10, "slow": 30})], rules)
    seconds = time.process_time() - begun
    assert found.outcome.fills == simulate(market, found.targets, rules).fills
    figure("event engine: bars a second of the processor, an average cross over the year", BARS / seconds, 20_000.0)


def _fresh() -> None:
    """Print how long a new process takes to its first result, imports and all, with what was compiled kept from before."""
    subprocess.run([sys.executable, "-c", _FIRST], check=True)
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", _FIRST], check=True)
    seconds = time.perf_counter() - begun
    figure("a new process to the end of its first backtest", seconds, 3.0, unit="s", at_least=False)


_FIRST = """
import numpy as np
import pandas as pd
from trading.backtest.backtest import Backtest
from trading.registry import Registry

close = 100 * np.exp(np.random.default_rng(1).normal(0, 0.01, 10_000).cumsum())
stamps = pd.date_range("2024-01-01T01:00Z", periods=len(close), freq="h")
frame = pd.DataFrame({"timestamp": stamps, "open": close, "high": close, "low": close, "close": close, "volume": 1.0})
Backtest(Registry().create("sma_cross"), "1h").run({"OKX:BTC-USDT": frame}).metrics
"""


def _year() -> tuple[Market, pd.DataFrame]:
    chance = np.random.default_rng(1)
    close = 30_000 * np.exp(np.cumsum(chance.normal(0, 5e-4, BARS)))
    open_ = np.r_[close[0], close[:-1]] * (1 + chance.normal(0, 1e-5, BARS))
    stamps = pd.to_datetime(1_704_067_200_000_000 + MINUTE_US * np.arange(1, BARS + 1), unit="us", utc=True)
    frame = pd.DataFrame({
        "timestamp": stamps, "open": open_, "high": np.maximum(open_, close), "low": np.minimum(open_, close), "close": close,
        "volume": chance.exponential(10.0, BARS),
    })  # fmt: skip
    return market_of({"OKX:BTC-USDT": frame}, Timeframe.M1), to_bars(frame)


@numba.njit
def _by_hand(open_: Any, close: Any, fast: Any, slow: Any, fee: float, balance: float) -> Any:
    cash = before = peak = balance
    size = wanted = first = second = third = fourth = below = deepest = 0.0
    for bar in range(len(close)):
        if wanted > 0.0 and size == 0.0:
            size = cash / (open_[bar] * (1.0 + fee))
            cash -= size * open_[bar] * (1.0 + fee)
        elif wanted == 0.0 and size > 0.0:
            cash += size * open_[bar] * (1.0 - fee)
            size = 0.0
        value = cash + size * close[bar]
        change = value / before - 1.0
        square = change * change
        first, second, third, fourth = first + change, second + square, third + square * change, fourth + square * square
        if change < 0.0:
            below += square
        before = value
        peak = max(peak, value)
        deepest = max(deepest, 1.0 - value / peak)
        wanted = 1.0 if fast[bar] - slow[bar] > MARGIN * fast[bar] else 0.0
    return before, first, second, third, fourth, below, deepest
