"""Tables for people and notebooks: the columns of the store as pandas wants them. Only readers import this."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from db.series import KINDS, NULLS, ORIGINS, CandleSeries
from market.clock import from_datetime

CANDLE_COLUMNS = ("symbol", "timeframe", *KINDS)
"""Columns of a table of candles, in order."""

POINT_COLUMNS = ("symbol", "data_type", "timestamp", "trade_id", "price", "size", "side", "count", "received_at", "payload")
"""Columns of a table of trades and points, in order."""

_TRADE_KINDS: dict[str, Any] = {
    "trade_id": "Int64",
    "price": "float64",
    "size": "float64",
    "side": "str",
    "count": "Int64",
    "received_at": "datetime64[us, UTC]",
}
_WHOLE_NUMBERS = ("trades", "first_trade_id", "last_trade_id")


def candle_frame(series: CandleSeries) -> pd.DataFrame:
    """Return candles as a table: timestamp is datetime64[us, UTC], nullable whole numbers are Int64, complete is boolean."""
    size = len(series)
    table: dict[str, Any] = dict(series.columns)
    table["symbol"], table["timeframe"] = constant(series.symbol, size), constant(str(series.timeframe), size)
    table["timestamp"] = moments(table["timestamp"])
    for name in _WHOLE_NUMBERS:
        table[name] = pd.arrays.IntegerArray(table[name], series.nulls(name))
    table["complete"] = pd.arrays.BooleanArray(table["complete"] == 1, series.nulls("complete"))
    table["origin"] = words(table["origin"], [str(origin) for origin in ORIGINS])
    return pd.DataFrame({name: table[name] for name in CANDLE_COLUMNS}, copy=False)


def points_frame(
    symbol: str, data_type: str, trades: Mapping[str, NDArray[Any]] | None, points: Sequence[tuple[datetime, Any]]
) -> pd.DataFrame:
    """Return stored trades and points as one table in the order of time; each kind is null in the other's columns."""
    stamps = np.array([from_datetime(moment) for moment, _ in points], np.int64)
    blank = {name: pd.array([None] * len(points), dtype=kind) for name, kind in _TRADE_KINDS.items()}
    table = pd.DataFrame({"timestamp": moments(stamps), **blank, "payload": _objects([payload for _, payload in points])})
    if trades is not None:
        columns: dict[str, Any] = {
            name: pd.array(trades[name], dtype=_TRADE_KINDS[name]) for name in ("trade_id", "price", "size", "count")
        }
        columns["side"] = words(trades["taker_buy"].astype(np.int32), ["sell", "buy"])
        columns["received_at"] = moments(trades["received_at"])
        payload = _objects([None] * len(columns["price"]))
        stored = pd.DataFrame({"timestamp": moments(trades["timestamp"]), **columns, "payload": payload})
        table = pd.concat([stored, table], ignore_index=True) if len(points) else stored
        table = table.sort_values("timestamp", kind="stable", ignore_index=True) if len(points) else table
    table["symbol"], table["data_type"] = constant(symbol, len(table)), constant(data_type, len(table))
    return table[list(POINT_COLUMNS)]


def series_from_frame(symbol: str, timeframe: Any, frame: pd.DataFrame) -> CandleSeries:
    """Return a table of candles as a series, the inverse of `candle_frame`; columns that are missing become null.

    Args:
        symbol: `EXCHANGE:BASE-QUOTE`.
        timeframe: Width of each candle.
        frame: With `timestamp` (the close; aware or in UTC), open, high, low, close and volume at least.
    """
    columns = {name: _plain(name, frame[name]) for name in KINDS if name in frame.columns}
    return CandleSeries.of(symbol, timeframe, columns).newest()


def moments(moments_us: NDArray[np.int64]) -> pd.DatetimeIndex:
    """Return UTC epoch microseconds as a column of aware datetimes."""
    return pd.DatetimeIndex(moments_us.view("M8[us]"), tz="UTC")


def constant(word: str, size: int) -> Any:
    """Return one word for every row."""
    return pd.array(pa.repeat(pa.scalar(word, pa.large_string()), size), dtype="str")


def words(codes: NDArray[np.int32], known: list[str]) -> Any:
    """Return the words that codes stand for."""
    dictionary = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(known, pa.large_string()))
    return pd.array(dictionary.cast(pa.large_string()), dtype="str")


def _plain(name: str, column: "pd.Series[Any]") -> NDArray[Any]:
    if name == "timestamp":
        return np.asarray(pd.to_datetime(column, utc=True).dt.as_unit("us").astype("int64"))
    if name == "origin":
        return np.asarray(pd.Index([str(origin) for origin in ORIGINS]).get_indexer(pd.Index(column)))
    kind = np.dtype(KINDS[name])
    if kind.kind == "f":
        return column.to_numpy(kind, na_value=np.nan)
    filled = column.astype("boolean").astype("Int64") if name == "complete" else column.astype("Int64")
    return filled.to_numpy(kind, na_value=NULLS.get(name, 0))


def _objects(values: Sequence[Any]) -> "pd.Series[Any]":
    return pd.Series(list(values), dtype="object")
