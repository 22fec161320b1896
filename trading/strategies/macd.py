"""MACD: long while the difference of two exponential averages is above its own average."""

from typing import Any, ClassVar

import pandas as pd

from trading.frames import Floats, column
from trading.indicators import ema, ema_lookback, macd
from trading.signal import Action
from trading.strategies.decisions import long_while
from trading.strategy import BaseStrategy


class Macd(BaseStrategy):
    """Long while MACD is above its signal line, else out; with `short` short while it is below.

    Source: Gerald Appel, whose indicator it is, "Technical Analysis: Power Tools for Active Investors" (2005); 12, 26 and 9 bars.
    """

    words: ClassVar[dict[Action, str]] = {
        Action.BUY: "MACD {macd:.6g} is above its signal line {signal:.6g}",
        Action.SELL: "MACD {macd:.6g} is not above its signal line {signal:.6g}",
    }

    def __init__(self, parameters: dict[str, Any]) -> None:
        super().__init__(parameters)
        self.fast = self.whole("fast", 12, low=2, high=1_000, sweep=range(6, 24, 3), about="bars of the fast average")
        self.slow = self.whole("slow", 26, low=3, high=1_000, sweep=range(20, 60, 6), about="bars of the slow average")
        self.line = self.whole("signal", 9, low=1, high=1_000, sweep=range(5, 17, 2), about="bars of the signal line")
        self.short = self.flag("short", False, about="be short while MACD is below its signal line")
        self.below("fast", "slow")

    @property
    def lookback(self) -> int:
        """Bars after which the averages, and then the signal line, have forgotten what came before."""
        return ema_lookback(self.slow) + ema_lookback(self.line)

    def targets(self, data: pd.DataFrame) -> Floats:
        """Return the wanted position after each bar, shape (len(data),); NaN in the warm-up."""
        close = column(data, "close")
        value, signal, difference = macd(close, self.fast, self.slow, self.line)
        self.show(data, macd=value, signal=signal, histogram=difference)
        # The lines are small differences of prices, with the prices' rounding in them.
        return long_while(value, signal, scale=ema(close, self.slow), short=self.short)
