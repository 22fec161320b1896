"""Sizing by volatility: how large a position of 1 is, so that equity swings as much as was asked for."""

import numpy as np

from market.timeframe import Timeframe
from trading.backtest.market import Flags, Floats, Market
from trading.backtest.metrics.run import bars_a_year
from trading.rules import Rules

_BLOCK = 65_536


def volatility_scales(market: Market, rules: Rules) -> Floats:
    """Return 1 / yearly volatility after each bar, shape (bars, symbols); NaN where it is not known yet, or 0.

    The volatility is the standard deviation (divided by count - 1) of the last `volatility_bars` returns from close to close, of
    candles that touch, times the root of the bars in a year. It depends on these bars and nothing before them, so that a bot which
    is given so many knows the same.
    """
    bars, scales = rules.volatility_bars, np.full(market.close.shape, np.nan)
    yearly = np.sqrt(bars_a_year(market.timeframe.width_us / 1e6))
    for number in range(len(market.symbols)):
        for run in runs_of(market, number):
            closes = market.close[run, number]
            if len(closes) <= bars:
                continue
            returns = closes[1:] / closes[:-1] - 1.0
            deviation = np.concatenate([
                np.lib.stride_tricks.sliding_window_view(returns[start : start + _BLOCK + bars - 1], bars).std(axis=1, ddof=1)
                for start in range(0, len(returns) - bars + 1, _BLOCK)
            ])  # fmt: skip
            known = deviation > 0.0
            scales[run[bars:][known], number] = 1.0 / (deviation[known] * yearly)
    return scales


def scale_of(closes: Floats, rules: Rules, timeframe: Timeframe) -> float:
    """Return 1 / yearly volatility after the last of some closes that touch, as in `volatility_scales`; NaN where it is not known.

    Args:
        closes: The newest ones, shape (n,); `volatility_bars` + 1 of them count.
        rules: With the bars that count.
        timeframe: Width of the bars.
    """
    if len(closes) <= rules.volatility_bars:
        return np.nan
    newest = closes[-rules.volatility_bars - 1 :]
    returns = newest[1:] / newest[:-1] - 1.0
    deviation = float(np.lib.stride_tricks.sliding_window_view(returns, len(returns)).std(axis=1, ddof=1)[0])
    return 1.0 / (deviation * float(np.sqrt(bars_a_year(timeframe.width_us / 1e6)))) if deviation > 0.0 else np.nan


def runs_of(market: Market, number: int) -> list[np.ndarray]:
    """Return the bars of a symbol as runs of candles that touch: arrays of their places, oldest first."""
    there = np.flatnonzero(market.there[:, number])
    ends: Flags = market.ends[there, number]
    return np.split(there, np.flatnonzero(ends[:-1]) + 1) if len(there) else []
