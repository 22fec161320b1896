"""Generated bars: a market by chance, in which enough happens to try a strategy on."""

import numpy as np
import pandas as pd

from market.errors import InputError
from market.timeframe import Timeframe
from trading.frames import PRICES, to_bars

GENERATED = "GENERATED:BTC-USDT"
"""Symbol of generated bars, of a venue that there is not."""

_BEGIN_US = 1_704_067_200_000_000  # 2024-01-01
_REGIME_BARS = 60  # after about so many bars trend and volatility change
_QUIET = 0.03  # share of bars without a trade
_JUMP = 0.004  # share of bars that open far from the last close


def generated_bars(bars: int, seed: int, timeframe: Timeframe = Timeframe.H1) -> pd.DataFrame:
    """Return bars of a market that rises, falls and stands still, is calm and stormy, jumps, and has bars without a trade.

    Args:
        bars: How many, 1 or more.
        seed: 0 or more; the same seed gives the same bars.
        timeframe: Their width.

    Returns:
        As strategies are handed them, with `symbol` and `timeframe` in the attributes.

    Raises:
        InputError: If a number is out of its bounds.
    """
    if bars < 1 or seed < 0:
        raise InputError(f"bars are generated 1 or more, with a seed of 0 or more; found {bars} and {seed}")
    chance = np.random.default_rng(seed)
    regime = np.cumsum(chance.random(bars) < 1 / _REGIME_BARS)
    volatility = 0.004 * np.exp(chance.normal(0.0, 0.6, bars))[regime]
    drift = chance.choice([-0.3, 0.0, 0.3], bars)[regime] * volatility
    gap = np.where(chance.random(bars) < _JUMP, chance.normal(0.0, 0.03, bars), 0.0)
    quiet = chance.random(bars) < _QUIET
    moves, gap = np.where(quiet, 0.0, drift + volatility * chance.normal(size=bars)), np.where(quiet, 0.0, gap)
    last = 50_000.0 * np.exp(np.concatenate([[0.0], np.cumsum(gap + moves)]))
    opened, close = last[:-1] * np.exp(gap), last[1:]
    reach = np.where(quiet, 0.0, volatility * np.abs(chance.normal(0.0, 0.5, (2, bars))))
    high, low = np.maximum(opened, close) * np.exp(reach[0]), np.minimum(opened, close) * np.exp(-reach[1])
    volume = np.where(quiet, 0.0, chance.exponential(20.0, bars))
    closes_us = _BEGIN_US + timeframe.width_us * np.arange(1, bars + 1)
    columns = dict(zip(PRICES, (*(prices.round(2) for prices in (opened, high, low, close)), volume.round(8)), strict=True))
    made = to_bars(pd.DataFrame(columns, index=pd.DatetimeIndex(closes_us.view("datetime64[us]")).tz_localize("UTC")))
    made.attrs.update(symbol=GENERATED, timeframe=str(timeframe))
    return made
