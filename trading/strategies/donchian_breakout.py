"""Donchian breakout: buy a new high of many bars, leave at a new low of fewer."""

from typing import Any, ClassVar

import numpy as np
import pandas as pd

from trading.compiled import compiled
from trading.frames import Floats, column
from trading.indicators import highest, lowest, previous
from trading.signal import Action
from trading.strategy import BaseStrategy


@compiled
def _breakouts(close: Floats, upper: Floats, lower: Floats, down: float) -> Floats:
    # Prices are compared with prices as they were printed: there is no rounding to ignore.
    wanted = np.full(len(close), np.nan)
    for row in range(len(close)):
        if upper[row] != upper[row] or lower[row] != lower[row]:
            continue
        if close[row] > upper[row]:
            wanted[row] = 1.0
        elif close[row] < lower[row]:
            wanted[row] = down
    return wanted


class DonchianBreakout(BaseStrategy):
    """Long from a close above the highest high of the `enter` bars before, until one below the lowest low of the `leave` before.

    With `short` it is always in the market, as Donchian was: from a close below the lowest low of the `enter` bars before it is
    short, and `leave` does not count. Between breakouts it wishes nothing and keeps what there is.

    Source: Richard Donchian's four-week rule; with the shorter way out system 1 of the Turtles, Curtis Faith, "Way of the
    Turtle" (2007): 20 and 10 bars. The Turtles bought at the break itself, during the day, and let one pass after one that won;
    here the close decides, and each counts.
    """

    words: ClassVar[dict[Action, str]] = {
        Action.BUY: "the close is above {upper:.8g}, the highest high of the {p[enter]} bars before",
        Action.SELL: "the close is below {lower:.8g}, the lowest low before",
        Action.HOLD: "the close is between {lower:.8g} and {upper:.8g}",
    }

    def __init__(self, parameters: dict[str, Any]) -> None:
        super().__init__(parameters)
        self.enter = self.whole("enter", 20, low=1, high=10_000, sweep=range(10, 110, 10), about="bars whose high is broken")
        self.leave = self.whole("leave", 10, low=1, high=10_000, sweep=range(5, 55, 5), about="bars whose low is broken")
        self.short = self.flag("short", False, about="be short from a new low of `enter` bars")

    @property
    def lookback(self) -> int:
        """Bars of the longer channel, and the bar that breaks it."""
        return max(self.enter, self.leave) + 1

    def targets(self, data: pd.DataFrame) -> Floats:
        """Return 1 at a new high, 0 or with `short` -1 at a new low, else NaN; shape (len(data),)."""
        high, low = column(data, "high"), column(data, "low")
        upper = previous(highest(high, self.enter))
        lower = previous(lowest(low, self.enter if self.short else self.leave))
        self.show(data, upper=upper, lower=lower)
        return _breakouts(column(data, "close"), upper, lower, -1.0 if self.short else 0.0)
