"""Bollinger reversion: buy below the lower band, leave at the middle."""

from typing import Any, ClassVar

import pandas as pd

from trading.frames import Floats, column
from trading.indicators import bollinger
from trading.signal import Action
from trading.strategies.decisions import reversions
from trading.strategy import BaseStrategy


class BollingerReversion(BaseStrategy):
    """Long from a close below the lower band until one at the middle or above it.

    With `short` also short from a close above the upper band; then either side is left where the close reaches or crosses the
    middle. Between these it wishes nothing and keeps what there is.

    Source: bands of John Bollinger, "Bollinger on Bollinger Bands" (2001), 20 bars and 2 standard deviations; taken the
    contrarian way, as by Balsara, Chen and Zheng, "The Chinese Stock Market: An Examination of the Random Walk Model and Technical
    Trading Rules", Quarterly Journal of Business and Economics (2007).
    """

    words: ClassVar[dict[Action, str]] = {
        Action.BUY: "the close is below the lower band {lower:.8g}",
        Action.SELL: "the close is at the middle {middle:.8g} or beyond it; the bands are {lower:.8g} and {upper:.8g}",
        Action.HOLD: "the close is between the bands {lower:.8g} and {upper:.8g}, and has not reached the middle {middle:.8g} anew",
    }

    def __init__(self, parameters: dict[str, Any]) -> None:
        super().__init__(parameters)
        self.period = self.whole("period", 20, low=2, high=10_000, sweep=range(10, 60, 10), about="bars of average and deviation")
        self.width = self.number("width", 2.0, low=0.1, high=10, sweep=(1.5, 2, 2.5, 3), about="standard deviations to a band")
        self.short = self.flag("short", False, about="be short from above the upper band")

    @property
    def lookback(self) -> int:
        """Bars of the bands, and the bar before, from which the close may have crossed the middle."""
        return self.period + 1

    def targets(self, data: pd.DataFrame) -> Floats:
        """Return 1 below the lower band, 0 at the middle, with `short` -1 above the upper band, else NaN; shape (len(data),)."""
        close = column(data, "close")
        upper, middle, lower = bollinger(close, self.period, self.width)
        self.show(data, upper=upper, middle=middle, lower=lower)
        return reversions(close, upper, middle, lower, self.short)
