"""SMA cross: long while a fast simple average of closes is above a slow one."""

from typing import Any, ClassVar

import pandas as pd

from trading.frames import Floats, column
from trading.indicators import sma
from trading.signal import Action
from trading.strategies.decisions import long_while
from trading.strategy import BaseStrategy


class SmaCross(BaseStrategy):
    """Long while the fast simple average of closes is above the slow one, else out; with `short` short while it is below.

    Source: the moving average crossover of Brock, Lakonishok and LeBaron, "Simple Technical Trading Rules and the Stochastic
    Properties of Stock Returns", Journal of Finance 47 (1992), without a band.
    """

    words: ClassVar[dict[Action, str]] = {
        Action.BUY: "the average of {p[fast]} closes, {fast:.8g}, is above that of {p[slow]}, {slow:.8g}",
        Action.SELL: "the average of {p[fast]} closes, {fast:.8g}, is not above that of {p[slow]}, {slow:.8g}",
    }

    def __init__(self, parameters: dict[str, Any]) -> None:
        super().__init__(parameters)
        self.fast = self.whole("fast", 10, low=1, high=10_000, sweep=range(5, 55, 5), about="bars of the fast average")
        self.slow = self.whole("slow", 30, low=2, high=10_000, sweep=range(20, 220, 20), about="bars of the slow average")
        self.short = self.flag("short", False, about="be short while the fast average is below the slow one")
        self.below("fast", "slow")

    @property
    def lookback(self) -> int:
        """Bars of the slow average."""
        return self.slow

    def targets(self, data: pd.DataFrame) -> Floats:
        """Return the wanted position after each bar, shape (len(data),); NaN in the warm-up."""
        close = column(data, "close")
        fast, slow = sma(close, self.fast), sma(close, self.slow)
        self.show(data, fast=fast, slow=slow)
        return long_while(fast, slow, short=self.short)
