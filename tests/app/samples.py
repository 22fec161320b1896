"""Candles, feeds and clocks for the tests of the app."""

from typing import Any

import msgspec
import pandas as pd

from db.series import series_of
from market.candle import Candle, Origin
from market.timeframe import MINUTE_US, Timeframe

SYMBOL = "OKX:BTC-USDT"
START_US = 1_723_161_240_000_000  # 2024-08-08T23:54:00Z


def candle(minute: int, **changes: Any) -> Candle:
    """Return the 1m candle that closes so many minutes after START_US; even minutes rise, odd ones fall."""
    up = minute % 2 == 0
    whole = Candle(
        SYMBOL,
        Timeframe.M1,
        START_US + minute * MINUTE_US,
        open=100.0 if up else 102.0,
        high=103.0,
        low=99.0,
        close=102.0 if up else 100.0,
        volume=1.5,
        quote_volume=150.0,
        trades=7,
        taker_buy_volume=0.5,
        first_trade_id=minute * 10,
        last_trade_id=minute * 10 + 6,
        origin=Origin.LIVE,
    )
    return msgspec.structs.replace(whole, **changes)


def quiet(minute: int) -> Candle:
    """Return the candle of a minute in which nobody traded."""
    return candle(minute, open=100.0, high=100.0, low=100.0, close=100.0, volume=0.0, trades=0, first_trade_id=None)


def frame(*candles: Candle) -> pd.DataFrame:
    """Return candles as the pages hold them; the last ones may be forming."""
    finals = [msgspec.structs.replace(one, final=True) for one in candles]
    return series_of(finals)[0].frame().assign(final=[one.final for one in candles])


def feed(at_us: int, /, **changes: Any) -> dict[str, Any]:
    """Return what a worker says about a live feed."""
    state = {
        "symbol": SYMBOL,
        "venue": "OKX",
        "state": "live",
        "reason": "",
        "since_us": START_US,
        "at_us": at_us,
        "tape": "",
        "price": 102.5,
        "side": "buy",
        "trade_us": at_us - 400_000,
        "received_us": at_us - 300_000,
        "last_id": 66,
        "open_holes": 0,
        "provable": True,
        "quarantined": 0,
        "duplicates": 0,
    }
    return state | changes


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now
