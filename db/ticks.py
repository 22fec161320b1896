"""Candles narrower than a minute, made of stored trades when they are asked for."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from db.frames import series_from_frame
from db.series import CandleSeries
from market.aggregation import aggregate_to_timeframe
from market.timeframe import Timeframe

if TYPE_CHECKING:
    from db.repositories.raw_trades import RawTradeRepository


def candles_of_trades(
    trades: "RawTradeRepository", symbol: str, timeframe: Timeframe, *, start_us: int | None, end_us: int | None
) -> CandleSeries:
    """Return the candles with a close from `start_us` to `end_us`, both included, without the one that is not over yet.

    Whether they are complete is not known (null): the ledger of gaps tells.
    """
    last_us = trades.last_us(symbol)
    if last_us is None:
        return CandleSeries.empty(symbol, timeframe)
    until_us = timeframe.open_of(last_us if end_us is None else min(last_us, end_us))
    after_us = None if start_us is None else timeframe.open_of(start_us - 1)
    # Also the trades on both sides of the window: a candle without a trade repeats the close before it.
    previous_us = None if after_us is None else trades.last_us(symbol, before_us=after_us)
    next_us = trades.first_us(symbol, from_us=until_us)
    assert next_us is not None  # it is `last_us` at the latest
    columns = trades.get_columns(symbol, after_us if previous_us is None else previous_us, next_us + 1)
    ticks = pd.DataFrame({name: columns[name] for name in ("timestamp", "price", "size", "trade_id", "count")})
    ticks["side"] = np.where(columns["taker_buy"], "buy", "sell")
    made = series_from_frame(symbol, timeframe, aggregate_to_timeframe(ticks, timeframe).assign(origin="live"))
    labels = made.columns["timestamp"]
    return made.take((labels <= until_us) & (labels > (labels[0] - 1 if after_us is None else after_us)))
