"""Wider timeframes inside a strategy, blind to the future: at each bar only wider bars that have closed are seen."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from market.errors import InputError
from market.timeframe import Timeframe, parse_timeframe
from trading.frames import Floats, Integers, column, timeframe_of, timestamps_us

_DECIMALS = 8  # volumes are rounded as where candles are rolled up


@dataclass(frozen=True, slots=True, kw_only=True)
class Wider:
    """Wider bars that have closed, made of narrower ones, oldest first.

    Attributes:
        timestamp_us: Their closes, UTC epoch microseconds, shape (wider bars,).
        open: Price at which the first trade was made; in a span without trades the first bar's.
        high: Highest price of the bars with trades.
        low: Lowest price of the bars with trades.
        close: Close of the last narrower bar.
        volume: Sum of the volumes, in the base currency.
        last: For each narrower bar the row of the newest wider one that has closed by then, -1 before the first, shape (bars,).
    """

    timestamp_us: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    last: Integers

    def seen(self, values: Floats) -> Floats:
        """Return for each narrower bar what is known by then of a series over the wider bars: its newest value.

        Args:
            values: One a wider bar, for example an indicator of `close`; shape (wider bars,).

        Returns:
            Shape (bars,); NaN before the first wider bar has closed.

        Raises:
            InputError: If there is not one value a wider bar.
        """
        if values.shape != self.close.shape:
            raise InputError(f"expected one value for each of {len(self.close)} wider bars, found shape {values.shape}")
        return np.append(values, np.nan)[self.last]


def widen(data: pd.DataFrame, timeframe: Timeframe | str) -> Wider:
    """Return the wider bars of bars that have closed, right-aligned, and which of them is the newest at each bar.

    The span in which the data begins is left out, since its beginning may be missing: so a wider bar is the same however much
    of the past there is. A wider bar has closed when the bar with its own close is there, or a later one; narrower bars that are
    missing inside it are passed over.

    Args:
        data: Bars as strategies are handed them, of a width that divides `timeframe`.
        timeframe: Width of the wider bars.

    Raises:
        TimeframeError: If the text is no timeframe.
        InputError: If the closes do not rise, or the data names a timeframe that does not divide the wider one.
    """
    width = parse_timeframe(timeframe)
    stamps = timestamps_us(data)
    labels = width.origin_us - (width.origin_us - stamps) // width.width_us * width.width_us
    _check_fit(data, stamps, width)
    starts = np.flatnonzero(np.diff(labels, prepend=labels[:1]))
    ends = np.append(starts, len(stamps))[1:]
    over = np.flatnonzero((ends < len(stamps)) | (stamps[ends - 1] == labels[starts]))
    rows = slice(int(starts[0]), int(ends[over[-1]])) if len(over) else slice(0, 0)
    starts = starts[over]
    closes = labels[starts]
    last = np.searchsorted(closes, stamps, side="right") - 1
    return _made(data, closes, starts - rows.start, rows=rows, last=last.astype(np.int64))


def narrower_bars(narrow: Timeframe | str, wide: Timeframe | str, bars: int) -> int:
    """Return a lookback in narrow bars that holds so many wider ones, wherever in a span the data begins and ends.

    Raises:
        InputError: If spans of `wide` are not made of whole spans of `narrow`.
    """
    inner, outer = parse_timeframe(narrow), parse_timeframe(wide)
    if not inner.divides(outer):
        raise InputError(f"{outer} bars cannot be made of {inner} bars")
    return (bars + 2) * (outer.width_us // inner.width_us)


def _check_fit(data: pd.DataFrame, stamps: Integers, width: Timeframe) -> None:
    if (np.diff(stamps) <= 0).any():
        raise InputError("bars have to be of one symbol, oldest first, each close once")
    narrow = timeframe_of(data)
    if narrow and not parse_timeframe(narrow).divides(width):
        raise InputError(f"{width} bars cannot be made of {narrow} bars")


def _made(data: pd.DataFrame, closes: Integers, starts: Integers, *, rows: slice, last: Integers) -> Wider:
    opened, high, low, close, volume = (column(data, name)[rows] for name in ("open", "high", "low", "close", "volume"))
    if not len(starts):
        return Wider(timestamp_us=closes, open=opened, high=high, low=low, close=close, volume=volume, last=last)
    # A flat bar's price is an echo of the one before, not a trade; of a span without any trade it is all there is.
    traded = volume > 0
    traded |= ~np.repeat(np.logical_or.reduceat(traded, starts), np.diff(np.append(starts, len(traded))))
    first = np.minimum.reduceat(np.where(traded, np.arange(len(traded)), len(traded)), starts)
    return Wider(
        timestamp_us=closes,
        open=opened[first],
        high=np.maximum.reduceat(np.where(traded, high, -np.inf), starts),
        low=np.minimum.reduceat(np.where(traded, low, np.inf), starts),
        close=close[np.append(starts[1:], len(close)) - 1],
        volume=np.add.reduceat(volume, starts).round(_DECIMALS),
        last=last,
    )
