"""A strategy of your own: copy this file to a name without the underscore, and `tcpdash strategies` lists it.

A file may hold several strategies; each is called by the name of its class in snake case, here `trend_filter_cross`. What is
written here runs in the same way in a backtest, in a sweep and in a bot.
"""

from typing import ClassVar

import numpy as np

from trading import Action, BaseStrategy
from trading.frames import column  # a column of the data as an array; data["close"].to_numpy() does the same, more slowly
from trading.indicators import sma  # sma ema wma rsi macd bollinger donchian highest lowest atr adx stochastic obv roc cci mfi …
from trading.strategies.decisions import long_while  # compares without minding the rounding of running averages


class TrendFilterCross(BaseStrategy):
    """Long while the fast average is above the slow one and the close above the average of the trend."""

    # What a signal says, with the last values of what `show` was given and the parameters as p.
    words: ClassVar = {
        Action.BUY: "the fast average {fast:.6g} is above {slow:.6g}, and the close above the trend {trend:.6g}",
        Action.SELL: "the averages {fast:.6g} and {slow:.6g} do not rise, or the close is not above the trend {trend:.6g}",
    }

    def __init__(self, parameters):
        super().__init__(parameters)
        # Name, default, bounds; what a sweep tries; a line of help. Anything else that is given is refused by name.
        self.fast = self.whole("fast", 10, low=1, high=500, sweep=range(5, 30, 5), about="bars of the fast average")
        self.slow = self.whole("slow", 30, low=2, high=500, sweep=range(20, 100, 20), about="bars of the slow average")
        self.trend = self.whole("trend", 200, low=2, high=2000, sweep=(100, 200), about="bars of the average of the trend")
        self.below("fast", "slow")

    @property
    def lookback(self):
        """How many bars decide a target as well as all of the history would; the lookback check tells if it is too short."""
        return max(self.slow, self.trend)

    def targets(self, data):
        """After each bar: 1 long, 0 out, -1 short, NaN no wish. Use only a bar and those before it; the look-ahead check tells."""
        close = column(data, "close")  # data has open, high, low, close, volume; its index is the close of each bar
        fast, slow, trend = sma(close, self.fast), sma(close, self.slow), sma(close, self.trend)
        self.show(data, fast=fast, slow=slow, trend=trend)
        return np.minimum(long_while(fast, slow), long_while(close, trend))


# The other way to write a strategy decides one bar at a time:
#
#     def process_data(self, data):
#         close = data["close"]
#         if len(close) < self.lookback:
#             return self.signal(data, Action.HOLD, confidence=0.0)
#         rising = close.iloc[-1] > close.iloc[-self.lookback]
#         return self.signal(data, Action.BUY if rising else Action.SELL, reason="the close is above that of a day ago")
