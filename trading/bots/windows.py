"""The newest candles of a symbol as a strategy is handed them, made of minutes as they come."""

from collections.abc import Iterable
from math import fsum

import numpy as np
from numpy.typing import NDArray

from market.timeframe import BASE, Timeframe
from trading.bots.minutes import Minute
from trading.position import Bar

_DECIMALS = 8


class Window:
    """The newest candles that touch each other; behind a hole it begins anew. The twin of `market.rollup.roll_up`.

    Args:
        timeframe: Width of the candles.
        lookback: How many are kept.
    """

    def __init__(self, timeframe: Timeframe, lookback: int) -> None:
        self._timeframe, self._lookback = timeframe, lookback
        self._stamps = np.zeros(2 * lookback, np.int64)
        self._prices = np.zeros((2 * lookback, 5), np.float64)
        self._begin = self._end = 0
        self._parts: list[Bar] = []
        self._revision = self.revision = 0

    def __len__(self) -> int:
        return self._end - self._begin

    def newest(self, count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the closes (n,) and open, high, low, close, volume (n, 5) of the newest candles, at most so many."""
        begin = max(self._begin, self._end - count)
        return self._stamps[begin : self._end], self._prices[begin : self._end]

    def warm(self, stamps_us: Iterable[int], bars: Iterable[Bar]) -> None:
        """Take candles that were stored, oldest first; where two do not touch it begins anew."""
        for stamp_us, bar in zip(stamps_us, bars, strict=True):
            self._append(stamp_us, bar)

    def add(self, minute: Minute) -> bool:
        """Take a minute, which follows on the one before it; return whether a candle closed that is there.

        `revision` is then the sum of the revisions of its minutes.
        """
        width_us, moment_us = self._timeframe.width_us, minute.timestamp_us
        if self._timeframe.is_close(moment_us - BASE.width_us):
            self._parts.clear()
            self._revision = 0
        if minute.bar is not None:
            self._parts.append(minute.bar)
            self._revision += minute.revision
        if not self._timeframe.is_close(moment_us):
            return False
        whole = len(self._parts) == width_us // BASE.width_us
        if whole:
            self._append(moment_us, _rolled(self._parts))
            self.revision = self._revision
        self._parts.clear()
        self._revision = 0
        return whole

    def _append(self, stamp_us: int, bar: Bar) -> None:
        if len(self) and self._stamps[self._end - 1] != stamp_us - self._timeframe.width_us:
            self._begin = self._end
        if self._end == len(self._stamps):
            kept = min(len(self), self._lookback)
            for column in (self._stamps, self._prices):
                column[:kept] = column[self._end - kept : self._end]
            self._begin, self._end = 0, kept
        self._stamps[self._end], self._prices[self._end] = stamp_us, bar
        self._end += 1
        self._begin = max(self._begin, self._end - self._lookback)


def _rolled(parts: list[Bar]) -> Bar:
    if len(parts) == 1:
        return parts[0]
    traded = [part for part in parts if part.volume > 0.0] or parts
    return Bar(
        traded[0].open, max(part.high for part in traded), min(part.low for part in traded), parts[-1].close,
        round(fsum(part.volume for part in parts), _DECIMALS),
    )  # fmt: skip
