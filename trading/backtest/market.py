"""The candles of a backtest as arrays that all its symbols share, with the holes between them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from market.clock import isoformat
from market.errors import InputError
from market.timeframe import DAY_US, Timeframe
from trading.frames import column, timestamps_us

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Candles of some symbols, a row for each close at which one of them has a candle.

    A candle that is known to lack trades (`complete` is False) is not there. Nothing is known of what lies between two candles of
    a symbol that do not touch, or behind its last one while others go on: that is a hole, and the candle before it `ends` what is
    known. A minute without trades has a candle of volume 0 and is no hole.

    Attributes:
        symbols: `EXCHANGE:BASE-QUOTE`.
        timeframe: Width of the candles.
        closes_us: UTC epoch microseconds, shape (bars,), rising.
        open: Quote currency, shape (bars, symbols), NaN where no candle is; so are high, low and close.
        high: See `open`.
        low: See `open`.
        close: See `open`.
        volume: Base currency, NaN where it is not known; shape (bars, symbols).
        there: Whether the symbol has the candle, shape (bars, symbols).
        ends: Whether a hole is behind it, shape (bars, symbols).
    """

    symbols: tuple[str, ...]
    timeframe: Timeframe
    closes_us: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    there: Flags
    ends: Flags

    def __len__(self) -> int:
        return len(self.closes_us)

    @property
    def days(self) -> Integers:
        """Number of the UTC day in which each bar was open, shape (bars,)."""
        return (self.closes_us - 1) // DAY_US


def market_of(frames: Mapping[str, "pd.DataFrame"], timeframe: Timeframe) -> Market:
    """Return the candles of some symbols as arrays.

    Args:
        frames: By symbol, as `MarketDataRepository.get_candles` gives them: at least timestamp (the close), open, high, low, close
            and volume; without `complete` every candle counts as whole.
        timeframe: Their width.

    Raises:
        InputError: If there is no symbol or no candle, or candles are not in their order.
    """
    rows = {symbol: _usable(symbol, frame) for symbol, frame in frames.items()}
    if not any(len(stamps) for stamps, _ in rows.values()):
        raise InputError(f"there is no candle of {', '.join(frames) or 'any symbol'}; `tcpdash coverage` shows what is stored")
    closes = np.unique(np.concatenate([stamps for stamps, _ in rows.values()]))
    shape = (len(closes), len(rows))
    columns = {name: np.full(shape, np.nan) for name in _COLUMNS}
    there, ends = np.zeros(shape, bool), np.zeros(shape, bool)
    for number, (stamps, candles) in enumerate(rows.values()):
        places = np.searchsorted(closes, stamps)
        there[places, number] = True
        ends[places[:-1][np.diff(stamps) != timeframe.width_us], number] = True
        ends[places[-1:], number] = places[-1:] != len(closes) - 1
        for name, values in columns.items():
            values[places, number] = candles[name]
    return Market(symbols=tuple(rows), timeframe=timeframe, closes_us=closes, there=there, ends=ends, **columns)


_COLUMNS = ("open", "high", "low", "close", "volume")


def _usable(symbol: str, frame: "pd.DataFrame") -> "tuple[Integers, dict[str, Floats]]":
    stamps, standing = timestamps_us(frame), completeness(frame)
    if len(stamps) > 1 and (np.diff(stamps) <= 0).any():
        raise InputError(
            f"candles of {symbol or 'the table'} are not in the order of their closes, each once; sort them by timestamp"
        )
    known = standing != 0
    columns = {name: column(frame, name)[known] for name in _COLUMNS}
    for name in _COLUMNS[:-1]:
        wrong = np.flatnonzero(~(columns[name] > 0.0) | np.isinf(columns[name]))
        if len(wrong):
            moment, found = isoformat(int(stamps[known][wrong[0]])), columns[name][wrong[0]]
            raise InputError(f"the {name} of {symbol or 'the candle'} at {moment} is {found:g}; a price is a number above 0")
    lacking = np.flatnonzero((columns["volume"] < 0.0) | np.isinf(columns["volume"]))
    if len(lacking):
        moment, found = isoformat(int(stamps[known][lacking[0]])), columns["volume"][lacking[0]]
        raise InputError(
            f"the volume of {symbol or 'the candle'} at {moment} is {found:g}; expected was 0, more, or NaN for unknown"
        )
    return stamps[known], columns


def completeness(frame: "pd.DataFrame") -> NDArray[np.int8]:
    """Return 1 for candles that are proven whole, 0 where trades are lacking, -1 where nothing is proven, shape (bars,)."""
    if "complete" not in frame.columns:
        return np.full(len(frame), -1, np.int8)
    return np.asarray(frame["complete"].astype("boolean").astype("Int8").fillna(-1), np.int8)
