"""What the tests of sweeps are tried on: a walk by chance, a strategy that fails on purpose, and small spaces."""

from typing import Any

import numpy as np
import pandas as pd

from market.timeframe import Timeframe
from tests.trading.bars import walk
from trading.backtest.market import market_of
from trading.backtest.sweep import Ground, Space, space_of
from trading.registry import Registry
from trading.rules import Rules
from trading.strategy import BaseStrategy

SYMBOL = "OKX:BTC-USDT"
SMA_CROSS = Registry().get("sma_cross")


class Picky(BaseStrategy):
    """Long after every `every`-th bar; 7 makes it fail."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        super().__init__(parameters)
        self.every = self.whole("every", 2, low=1, sweep=range(1, 13))

    @property
    def lookback(self) -> int:
        return self.every

    def targets(self, data: pd.DataFrame) -> np.ndarray:
        if self.every == 7:
            raise ZeroDivisionError("seven is out of luck")
        return (np.arange(len(data)) % self.every == 0).astype(np.float64)


def frame(bars: int = 400, *, seed: int = 1, without: slice | None = None) -> pd.DataFrame:
    """Return candles as the store gives them."""
    data = walk(bars, seed=seed, volatility=1e-2).reset_index()
    return data if without is None else data.drop(data.index[without]).reset_index(drop=True)


def ground(bars: int = 400, *, strategy: type[BaseStrategy] = SMA_CROSS, seed: int = 1, rules: Rules | None = None) -> Ground:
    """Return the ground of one symbol."""
    market = market_of({SYMBOL: frame(bars, seed=seed)}, Timeframe.M1)
    return Ground(market=market, strategy=strategy, rules=rules or Rules())


def space(**ranges: str) -> Space:
    """Return a space of the average cross."""
    return space_of(SMA_CROSS, ranges or {"fast": "2:10", "slow": "8:30:2"})
