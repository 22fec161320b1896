"""EMA cross: long while a fast exponential average of closes is above a slow one."""

from typing import Any, ClassVar

import pandas as pd

from trading.frames import Floats, column
from trading.indicators import ema, ema_lookback
from trading.signal import Action
from trading.strategies.decisions import long_while
from trading.strategy import BaseStrategy


class EmaCross(BaseStrategy):
    """Long while the fast exponential average of closes is above the slow one, else out; with `short` short while it is below.

    Source: the double crossover of John J. Murphy, "Technical Analysis of the Financial Markets" (1999), chapter 9, with
    exponential averages.
    """

    words: ClassVar[dict[Action, str]] = {
        Action.BUY: "the exponential average of {p[fast]} bars, {fast:.8g}, is above that of {p[slow]}, {slow:.8g}",
        Action.SELL: "the exponential average of {p[fast]} bars, {fast:.8g}, is not above that of {p[slow]}, {slow:.8g}",
    }

    def __init__(self, parameters: dict[str, Any]) -> None:
        super().__init__(parameters)
        self.fast = self.whole("fast", 12, low=1, high=1_000, sweep=range(4, 44, 4), about="bars of the fast average")
        self.slow = self.whole("slow", 26, low=2, high=1_000, sweep=range(20, 220, 20), about="bars of the slow average")
        self.short = self.flag("short", False, about="be short while the fast average is below the slow one")
        self.below("fast", "slow")

    @property
    def lookback(self) -> int:
        """Bars after which the slow average, and so the fast one, has forgotten what came before."""
        return ema_lookback(self.slow)

    def targets(self, data: pd.DataFrame) -> Floats:
        """Return the wanted position after each bar, shape (len(data),); NaN in the warm-up."""
        close = column(data, "close")
        fast, slow = ema(close, self.fast), ema(close, self.slow)
        self.show(data, fast=fast, slow=slow)
        return long_while(fast, slow, short=self.short)
