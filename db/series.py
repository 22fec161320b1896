"""Candles of one symbol and timeframe as numpy columns: between the rows of the store and what its callers want."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from msgspec.structs import astuple
from numpy.typing import NDArray

from market.candle import Candle, Origin
from market.timeframe import Timeframe

if TYPE_CHECKING:
    import pandas as pd

Columns = Mapping[str, NDArray[Any]]

PRICES = ("open", "high", "low", "close", "volume")
NO_ID = np.iinfo(np.int64).min
"""Stands for null in the columns first_trade_id and last_trade_id; in trades and complete -1 does, in volumes NaN."""

ORIGINS = tuple(Origin)
"""Column origin holds the position in here."""

KINDS = {
    "timestamp": "i8",
    **dict.fromkeys((*PRICES, "quote_volume"), "f8"),
    "trades": "i8",
    "taker_buy_volume": "f8",
    "first_trade_id": "i8",
    "last_trade_id": "i8",
    "complete": "i4",
    "origin": "i4",
    "revision": "i4",
}
"""Columns of a series in the order of the table, and their numpy types; timestamp is UTC epoch microseconds."""

NULLS: dict[str, float] = {
    "quote_volume": np.nan,
    "trades": -1,
    "taker_buy_volume": np.nan,
    "first_trade_id": NO_ID,
    "last_trade_id": NO_ID,
    "complete": -1,
}


@dataclass(frozen=True, slots=True)
class CandleSeries:
    """Final candles of one symbol and timeframe.

    Attributes:
        symbol: `EXCHANGE:BASE-QUOTE`.
        timeframe: Width of each candle.
        columns: One array for each name in `KINDS`, all of the same length.
    """

    symbol: str
    timeframe: Timeframe
    columns: Columns

    @classmethod
    def of(cls, symbol: str, timeframe: Timeframe, columns: Mapping[str, Any]) -> Self:
        """Return a series of whatever columns there are; what is missing is null, revision 0, origin `exchange`."""
        size = len(columns["timestamp"])
        defaults = {**NULLS, "origin": ORIGINS.index(Origin.EXCHANGE), "revision": 0}
        return cls(
            symbol,
            timeframe,
            {
                name: np.asarray(columns[name], kind) if name in columns else np.full(size, defaults[name], kind)
                for name, kind in KINDS.items()
            },
        )

    @classmethod
    def empty(cls, symbol: str, timeframe: Timeframe) -> Self:
        """Return a series without candles."""
        return cls(symbol, timeframe, {name: np.empty(0, kind) for name, kind in KINDS.items()})

    def __len__(self) -> int:
        return len(self.columns["timestamp"])

    def take(self, rows: NDArray[Any] | slice) -> Self:
        """Return some of the rows: by position, by mask, or a slice."""
        return type(self)(self.symbol, self.timeframe, {name: column[rows] for name, column in self.columns.items()})

    def nulls(self, name: str) -> NDArray[np.bool_]:
        """Return where a nullable column is null."""
        null, column = NULLS[name], self.columns[name]
        return np.asarray(np.isnan(column) if np.isnan(null) else column == null)

    def newest(self) -> Self:
        """Return the rows in the order of time, of each timestamp only the one with the highest revision."""
        stamps = self.columns["timestamp"]
        if np.all(stamps[1:] > stamps[:-1]):
            return self
        order = np.lexsort((self.columns["revision"], stamps))
        ordered = stamps[order]
        return self.take(order[np.append(ordered[1:] != ordered[:-1], True)])

    def before(self, other: "CandleSeries") -> "CandleSeries":
        """Return both series as one in the order of time; where both have a row, this one's counts."""
        if not len(other) or not len(self):
            return self if len(self) else other
        rest = other.take(~np.isin(other.columns["timestamp"], self.columns["timestamp"]))
        both = {name: np.concatenate([column, rest.columns[name]]) for name, column in self.columns.items()}
        return CandleSeries(self.symbol, self.timeframe, both).newest()

    def candles(self) -> Iterator[Candle]:
        """Yield the rows as values."""
        *numbers, complete, origins, revisions = [self._objects(name) for name in KINDS]
        proven = [None if one is None else bool(one) for one in complete]
        known = [ORIGINS[origin] for origin in origins]
        return map(Candle, repeat(self.symbol), repeat(self.timeframe), *numbers, repeat(True), proven, known, revisions)

    def frame(self) -> "pd.DataFrame":
        """Return the rows as a table; see db/frames.py."""
        from db.frames import candle_frame  # noqa: PLC0415 - pandas is not for the path of the data

        return candle_frame(self)

    def _objects(self, name: str) -> list[Any]:
        values: list[Any] = self.columns[name].tolist()
        if name in NULLS:
            for row in np.flatnonzero(self.nulls(name)).tolist():
                values[row] = None
        return values


def series_of(candles: Iterable[Candle]) -> list[CandleSeries]:
    """Return candles as one series for each symbol and timeframe, each in the order of time and without repetitions.

    Raises:
        ValueError: If a candle is still forming.
    """
    groups: dict[tuple[str, Timeframe], list[Candle]] = {}
    for candle in candles:
        if not candle.final:
            raise ValueError(f"only final candles are stored; {candle.symbol} {candle.timeframe} {candle.timestamp_us} is forming")
        groups.setdefault((candle.symbol, candle.timeframe), []).append(candle)
    return [_series(symbol, timeframe, group).newest() for (symbol, timeframe), group in groups.items()]


def _series(symbol: str, timeframe: Timeframe, candles: list[Candle]) -> CandleSeries:
    _, _, *cells, _, complete, origin, revision = zip(*map(astuple, candles), strict=True)
    columns = dict(zip(KINDS, [*cells, complete, [ORIGINS.index(one) for one in origin], revision], strict=True))
    for name, null in NULLS.items():
        if None in columns[name]:
            columns[name] = [null if value is None else value for value in columns[name]]
    return CandleSeries.of(symbol, timeframe, columns)
