"""Candles from many ticks at once, as tables; right-aligned."""

from math import fsum
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from market.errors import InputError
from market.timeframe import Timeframe, parse_timeframe

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIZE_NAMES = ("size", "volume", "amount", "quantity", "qty")
_DECIMALS = 8


def aggregate_to_timeframe(ticks: pd.DataFrame, timeframe: Timeframe | str) -> pd.DataFrame:
    """Return the complete series of candles that ticks make, right-aligned, oldest first.

    Args:
        ticks: One row a trade: `timestamp` (aware or UTC datetimes, or integer epoch microseconds; also as the index),
            `price`, `size` (or volume, amount, quantity, qty); if there are any, `side` (`buy` or `sell`, the taker's),
            `trade_id` (orders trades of one moment), `count` (fills in the trade) and `symbol`. Any order.
        timeframe: Width of the candles.

    Returns:
        Columns symbol (if given), timestamp (the close of the span, datetime64[us, UTC]), open, high, low, close, volume,
        quote_volume, trades, taker_buy_volume (NaN without sides), first_trade_id, last_trade_id (Int64). A span without a
        tick between two with ticks repeats the last close with volume 0.

    Raises:
        InputError: If a column is missing or a price or size is not a finite number above zero.
    """
    width = parse_timeframe(timeframe)
    if "symbol" not in ticks.columns:
        return _aggregated(ticks, width)
    parts = [_aggregated(part, width).assign(symbol=symbol) for symbol, part in ticks.groupby("symbol", sort=True, observed=True)]
    whole = pd.concat(parts, ignore_index=True) if parts else _aggregated(ticks, width).assign(symbol=pd.Series(dtype="str"))
    return whole[["symbol", *[name for name in whole.columns if name != "symbol"]]]


def _aggregated(ticks: pd.DataFrame, timeframe: Timeframe) -> pd.DataFrame:
    size_name = next((name for name in _SIZE_NAMES if name in ticks.columns), None)
    if size_name is None or "price" not in ticks.columns:
        raise InputError(f"ticks need the columns timestamp, price and size; found {', '.join(map(str, ticks.columns))}")
    moments = _microseconds(ticks)
    ids = ticks["trade_id"].to_numpy(np.int64) if "trade_id" in ticks.columns else np.arange(len(ticks), dtype=np.int64)
    order = np.lexsort((ids, moments))
    moments, ids = moments[order], ids[order]
    price = _positive(ticks["price"], "price")[order]
    size = _positive(ticks[size_name], str(size_name))[order]
    counts = ticks["count"].to_numpy(np.int64)[order] if "count" in ticks.columns else np.ones(len(ticks), dtype=np.int64)
    bought = np.where((ticks["side"].astype("str") == "buy").to_numpy()[order], size, 0.0) if "side" in ticks.columns else None
    width, origin = timeframe.width_us, timeframe.origin_us
    labels = (moments - origin) // width * width + width + origin
    starts = np.flatnonzero(np.diff(labels, prepend=labels[0] - 1 if len(labels) else 0))
    frame = pd.DataFrame(
        {
            "open": price[starts],
            "high": np.maximum.reduceat(price, starts) if len(starts) else price,
            "low": np.minimum.reduceat(price, starts) if len(starts) else price,
            "close": price[np.append(starts[1:], len(price)) - 1] if len(starts) else price,
            "volume": _sums(size, starts),
            "quote_volume": _sums(price * size, starts),
            "trades": np.add.reduceat(counts, starts) if len(starts) else counts,
            "taker_buy_volume": np.full(len(starts), np.nan) if bought is None else _sums(bought, starts),
        },
        index=labels[starts],
    )
    has_ids = "trade_id" in ticks.columns and len(starts) > 0
    for name, reduce in (("first_trade_id", np.minimum), ("last_trade_id", np.maximum)):
        frame[name] = pd.array(reduce.reduceat(ids, starts) if has_ids else [None] * len(starts), dtype="Int64")
    return _filled(frame, width)


def _filled(frame: pd.DataFrame, width: int) -> pd.DataFrame:
    # Every span between the first and the last has a row.
    if len(frame):
        frame = frame.reindex(np.arange(frame.index[0], frame.index[-1] + 1, width))
        frame["close"] = frame["close"].ffill()
        for name in ("open", "high", "low"):
            frame[name] = frame[name].fillna(frame["close"])
        empty = frame["trades"].isna()
        frame.loc[empty, ["volume", "quote_volume", "trades"]] = 0.0
        if not frame["taker_buy_volume"].isna().all():
            frame.loc[empty, "taker_buy_volume"] = 0.0
    frame["trades"] = frame["trades"].astype(np.int64)
    frame.insert(0, "timestamp", pd.DatetimeIndex(frame.index.to_numpy(np.int64).astype("M8[us]"), tz="UTC"))
    return frame.reset_index(drop=True)


def _microseconds(ticks: pd.DataFrame) -> "NDArray[np.int64]":
    moments = ticks["timestamp"] if "timestamp" in ticks.columns else ticks.index.to_series()
    if pd.api.types.is_integer_dtype(moments):
        return np.asarray(moments, dtype=np.int64)
    aware = pd.to_datetime(moments, utc=True)
    return np.asarray(aware.dt.as_unit("us").astype("int64"), dtype=np.int64)


def _positive(column: pd.Series, name: str) -> "NDArray[np.float64]":
    values = column.to_numpy(np.float64)
    bad = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
    if len(bad):
        raise InputError(f"{name} has to be a finite number above zero; row {bad[0]} has {values[bad[0]]}")
    return values


def _sums(values: "NDArray[np.float64]", starts: "NDArray[np.int64]") -> list[float]:
    # Exact sums, rounded once: the same digits as CandleBuilder's.
    numbers, ends = values.tolist(), [*starts[1:].tolist(), len(values)]
    return [round(fsum(numbers[start:end]), _DECIMALS) for start, end in zip(starts.tolist(), ends, strict=False)]
