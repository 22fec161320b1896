"""The window of a backtest: which of the candles that are handed over lie in it, and where a warm-up before it begins."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from market.errors import InputError
from market.timeframe import Timeframe
from trading.frames import timestamps_us

if TYPE_CHECKING:
    import pandas as pd


def check_warm_up(bars: int, start_us: int | None) -> None:
    """Refuse a warm-up that cannot be.

    Raises:
        InputError: If it is less than none, or before a window that begins with the first candle there is.
    """
    if not 0 <= bars <= 10**9:
        raise InputError(f"the warm-up is {bars:,} bars; expected was 0 or more")
    if bars and start_us is None:
        raise InputError(
            f"a warm-up of {bars:,} bars needs to know before which moment; say where the window begins (--start), or leave it out"
        )


def begin_of(start_us: int | None, timeframe: Timeframe, warm_up: int) -> int | None:
    """Return where the first candle of a window opens or, without a warm-up, where the window was said to begin."""
    return start_us if start_us is None or not warm_up else timeframe.open_of(start_us + timeframe.width_us - 1)


def within(frames: "Mapping[str, pd.DataFrame]", start_us: int | None, end_us: int | None) -> "dict[str, pd.DataFrame]":
    """Return the candles by symbol that close behind `start_us` and not behind `end_us`; None bounds nothing."""
    if start_us is None and end_us is None:
        return dict(frames)
    return {symbol: _within(frame, start_us, end_us) for symbol, frame in frames.items()}


def _within(frame: "pd.DataFrame", start_us: int | None, end_us: int | None) -> "pd.DataFrame":
    stamps = timestamps_us(frame)
    first = stamps[:1].min(initial=0) if start_us is None else start_us + 1
    last = stamps[-1:].max(initial=0) if end_us is None else end_us
    return frame[(stamps >= first) & (stamps <= last)]
