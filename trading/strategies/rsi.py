"""RSI: buy what is oversold, leave it when it is overbought."""

from typing import Any, ClassVar

import pandas as pd

from trading.frames import Floats, column
from trading.indicators import atr, rsi, wilder_lookback
from trading.signal import Action
from trading.strategies.decisions import turns
from trading.strategy import BaseStrategy


class Rsi(BaseStrategy):
    """Long from where RSI is below `oversold` until it is above `overbought`; with `short` short from there until back below.

    Between the two it wishes nothing and keeps what there is, and likewise in a market that stands still, of which RSI repeats
    its last value for ever.

    Source: J. Welles Wilder, "New Concepts in Technical Trading Systems" (1978); 14 bars, 30 and 70.
    """

    words: ClassVar[dict[Action, str]] = {
        Action.BUY: "RSI {rsi:.4g} is below {p[oversold]:g}",
        Action.SELL: "RSI {rsi:.4g} is above {p[overbought]:g}",
        Action.HOLD: "RSI {rsi:.4g} is between {p[oversold]:g} and {p[overbought]:g}, or nothing moves",
    }

    def __init__(self, parameters: dict[str, Any]) -> None:
        super().__init__(parameters)
        self.period = self.whole("period", 14, low=2, high=1_000, sweep=range(6, 30, 4), about="bars of Wilder's smoothing")
        self.oversold = self.number("oversold", 30, low=0, high=100, sweep=range(20, 45, 5), about="buy below this RSI")
        self.overbought = self.number("overbought", 70, low=0, high=100, sweep=range(60, 85, 5), about="leave above this RSI")
        self.short = self.flag("short", False, about="be short from overbought until oversold")
        self.below("oversold", "overbought")

    @property
    def lookback(self) -> int:
        """Bars after which the smoothed moves have forgotten what came before."""
        return wilder_lookback(self.period)

    def targets(self, data: pd.DataFrame) -> Floats:
        """Return 1 where RSI is oversold, 0 or -1 where it is overbought, else NaN; shape (len(data),)."""
        close = column(data, "close")
        strength, moves = rsi(close, self.period), atr(close, close, close, self.period)
        self.show(data, rsi=strength)
        return turns(strength, moves, close, self.oversold, self.overbought, self.short)
