"""Bars as strategies are handed them: a table with one row a bar, and quick ways to read it."""

from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from market.errors import InputError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

PRICES = ("open", "high", "low", "close", "volume")
"""The columns that every strategy may rely on, float64."""

# Above it the time of finding a column does not matter, and a table of several blocks would be copied.
_SMALL = 10_000
_MICROSECONDS = {"us": 1, "ms": 1_000, "s": 1_000_000}

# What was found out of the columns seen last; those of all windows of one table are views of the same.
_seen: tuple[pd.Index, dict[str, int], bool] = (pd.Index([]), {}, False)


def to_bars(candles: pd.DataFrame) -> pd.DataFrame:
    """Return candles as strategies are handed them, which is also the form that is read fastest.

    Args:
        candles: As `market_data.get_candles` gives them, or with the closes as the index; one symbol, oldest first.

    Returns:
        Columns open, high, low, close, volume (float64, in one block), index the closes (datetime64[us, UTC]).

    Raises:
        InputError: If a column is missing or the closes do not rise.
    """
    stamps = timestamps_us(candles)
    if len(stamps) > 1 and not (np.diff(stamps) > 0).all():
        raise InputError("bars have to be of one symbol, oldest first, each close once")
    values = np.column_stack([column(candles, name) for name in PRICES])
    index = pd.DatetimeIndex(stamps.view("datetime64[us]"), name="timestamp").tz_localize("UTC")
    return pd.DataFrame(np.asfortranarray(values), index=index, columns=pd.Index(PRICES), copy=False)


def column(data: pd.DataFrame, name: str) -> Floats:
    """Return a column as float64, shape (len(data),), not to be written to; without the ten microseconds of `data[name]`.

    Raises:
        InputError: If there is no such column.
    """
    places, uniform = _look_at(data)
    place = places.get(name)
    if place is None:
        raise InputError(f"the data has no column {name!r}; it has {', '.join(places) or 'none'}")
    if uniform and len(data) < _SMALL:
        values = data.values
        if values.dtype == np.float64:
            return cast("Floats", values[:, place])
    return cast("Floats", data[name].to_numpy(np.float64))


def _look_at(data: pd.DataFrame) -> tuple[dict[str, int], bool]:
    """Return the places of the columns, and whether all are float64 (as they were when they were first seen)."""
    global _seen  # noqa: PLW0603 - one cell, replaced as a whole
    columns, seen = data.columns, _seen
    if not columns.is_(seen[0]):
        uniform = columns.is_unique and all(kind == np.float64 for kind in data.dtypes)
        _seen = seen = columns, {str(known): place for place, known in enumerate(columns)}, uniform
    return seen[1], seen[2]


def timestamps_us(data: pd.DataFrame) -> Integers:
    """Return the closes of all bars, UTC epoch microseconds, shape (len(data),): the index, or the column `timestamp`.

    Raises:
        InputError: If neither holds times.
    """
    index = data.index
    if not isinstance(index, pd.DatetimeIndex):
        if "timestamp" not in data.columns:
            raise InputError("the data needs the closes of its bars as the index or as the column timestamp")
        index = pd.DatetimeIndex(data["timestamp"])
    return index.as_unit("us").asi8


def last_us(data: pd.DataFrame) -> int:
    """Return the close of the last bar, UTC epoch microseconds; 0 where the data has no times."""
    index = data.index
    if isinstance(index, pd.DatetimeIndex):
        last, unit = int(index.asi8[-1]), index.unit
        return last // 1_000 if unit == "ns" else last * _MICROSECONDS[unit]
    return int(timestamps_us(data.iloc[-1:])[0]) if "timestamp" in data.columns else 0


def symbol_of(data: pd.DataFrame) -> str:
    """Return the symbol that the data names: in its attributes, or in the column `symbol`; empty where it names none."""
    return _named(data, "symbol")


def timeframe_of(data: pd.DataFrame) -> str:
    """Return the timeframe that the data names: in its attributes, or in the column `timeframe`; empty where it names none."""
    return _named(data, "timeframe")


def _named(data: pd.DataFrame, name: str) -> str:
    named = data.attrs.get(name)
    if named is None and len(data) and name in _look_at(data)[0]:
        named = data[name].iloc[-1]
    return "" if named is None else str(named)
