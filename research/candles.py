"""What a backtest takes from the store: candles, steps of prices and sizes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from market.clock import isoformat
from market.errors import InputError, PlatformError, did_you_mean
from market.symbol import Symbol
from market.timeframe import Timeframe
from trading.frames import timestamps_us

if TYPE_CHECKING:
    import pandas as pd

    from db.operations import DatabaseOperations


class NothingStored(PlatformError):
    """Raised when there is no candle of what was asked for."""


def candles_of(
    db: "DatabaseOperations",
    symbols: Sequence[str],
    timeframe: Timeframe,
    *,
    start_us: int | None = None,
    end_us: int | None = None,
    warm_up: int = 0,
) -> "dict[str, pd.DataFrame]":
    """Return the candles that lie whole in [start, end), by symbol, and of the `warm_up` spans before it those that are stored.

    Raises:
        InputError: If a symbol is none, or named twice.
        NothingStored: If there is no candle of a symbol; it says what is stored.
    """
    names = [str(Symbol.parse(text.strip().upper())) for text in symbols]
    if len(set(names)) < len(names):
        raise InputError(f"symbols have to be different ones, found {', '.join(names)}")
    first_us = None if start_us is None else timeframe.open_of(start_us + timeframe.width_us - 1) + timeframe.width_us
    known_us = first_us if first_us is None else max(first_us - warm_up * timeframe.width_us, 1)
    frames = {name: db.market_data.get_candles(name, timeframe, known_us, end_us) for name in names}
    for name, frame in frames.items():
        if frame.empty or timestamps_us(frame)[-1] < (first_us or 0):
            raise NothingStored(_nothing(db, name, timeframe, start_us, end_us))
    return frames


def _nothing(db: "DatabaseOperations", symbol: str, timeframe: Timeframe, start_us: int | None, end_us: int | None) -> str:
    stored = sorted(db.market_data.symbols())
    if symbol not in stored:
        there = ", ".join(stored) or "nothing yet; start with `tcpdash demo`, `tcpdash up` or `tcpdash import`"
        return f"nothing is stored of {symbol}{did_you_mean(symbol, stored)}; stored is {there}"
    begin = f" from {isoformat(start_us)}" if start_us is not None else ""
    until = f" up to {isoformat(end_us)}" if end_us is not None else ""
    return f"there is no {timeframe} candle of {symbol}{begin}{until}; stored of it is {_spans(db, symbol)}"


def _spans(db: "DatabaseOperations", symbol: str) -> str:
    """Return which widths are stored and from when to when, in words."""
    told = []
    for width in db.market_data.stored_timeframes(symbol):
        closes = db.market_data.get_candles(symbol, width)["timestamp"]
        told.append(f"{width} from {closes.iloc[0]:%Y-%m-%dT%H:%M} to {closes.iloc[-1]:%Y-%m-%dT%H:%M}")
    return ", ".join(told)
