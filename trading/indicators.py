"""Indicators by TA-Lib under our names: arrays in, arrays of the same length out, NaN while warming up.

All take one-dimensional arrays (whole numbers become float64) and give read-only or fresh float64 arrays of the same shape. NaN
is allowed at the beginning only, where another indicator warmed up; the warm-up counts from the first number. `period` is in
bars. TA-Lib's process-wide unstable periods do not change what is given here.

Simple averages come from running sums, whose rounding carries from far back: about 1e-16 of the largest value so far. What
smooths exponentially never forgets; `ema_lookback` and `wilder_lookback` say after how many bars that no longer counts.
"""

import inspect
from collections.abc import Callable, Sequence
from functools import cache
from math import ceil, log
from typing import Any, cast

import numpy as np
import talib
from numpy.typing import ArrayLike

from market.errors import InputError
from trading.compiled import compiled
from trading.frames import Floats
from trading.memory import recalled, remembered

__all__ = [
    "adx",
    "atr",
    "bollinger",
    "cci",
    "donchian",
    "ema",
    "ema_lookback",
    "highest",
    "lowest",
    "macd",
    "mfi",
    "obv",
    "previous",
    "remembered",
    "roc",
    "rsi",
    "sma",
    "standard_deviation",
    "stochastic",
    "wilder_lookback",
    "wma",
]

FORGOTTEN = 1e-20
"""A weight so small that what has it does not count, however far the price has come since."""

_settings: Any = talib  # its stubs leave the functions for its settings out
_SIMPLE = 0  # an average of TA-Lib's that is not weighted


def sma(values: ArrayLike, period: int) -> Floats:
    """Return the simple moving average of the last `period` values, in their unit."""
    return _one(talib.SMA, (values,), period)


def ema(values: ArrayLike, period: int) -> Floats:
    """Return the exponential moving average with weight 2 / (period + 1), in the values' unit; it begins with the simple one."""
    return _one(talib.EMA, (values,), period, unstable="EMA")


def wma(values: ArrayLike, period: int) -> Floats:
    """Return the moving average with weights 1 to `period`, the newest value heaviest, in the values' unit."""
    return _one(talib.WMA, (values,), period)


def standard_deviation(values: ArrayLike, period: int) -> Floats:
    """Return the population standard deviation (divisor `period`) of the last `period` values, in their unit; from 2 on."""
    return _one(talib.STDDEV, (values,), period)


def highest(values: ArrayLike, period: int) -> Floats:
    """Return the highest of the last `period` values, the current one among them."""
    return _one(talib.MAX, (values,), period) if period != 1 else _one(_same, (values,))


def lowest(values: ArrayLike, period: int) -> Floats:
    """Return the lowest of the last `period` values, the current one among them."""
    return _one(talib.MIN, (values,), period) if period != 1 else _one(_same, (values,))


def roc(values: ArrayLike, period: int) -> Floats:
    """Return the rate of change over `period` bars, in per cent: 100 (value / earlier - 1)."""
    return _one(talib.ROC, (values,), period)


def rsi(values: ArrayLike, period: int) -> Floats:
    """Return Wilder's relative strength index, 0 to 100: the share of rises in the smoothed moves; from 2 on.

    It is 0 while nothing has moved at all, and keeps its last value, down to the smallest float, when nothing moves any more.
    """
    return _one(talib.RSI, (values,), period, unstable="RSI")


def macd(values: ArrayLike, fast: int, slow: int, signal: int) -> tuple[Floats, Floats, Floats]:
    """Return (MACD, its signal line, their difference), in the values' unit.

    MACD is the exponential average over `fast` less that over `slow` bars, the signal line its own over `signal` bars.
    """
    return cast("tuple[Floats, Floats, Floats]", _several(talib.MACD, (values,), fast, slow, signal, unstable="EMA"))


def bollinger(values: ArrayLike, period: int, width: float) -> tuple[Floats, Floats, Floats]:
    """Return (upper, middle, lower): the simple average and `width` population standard deviations around it; from 2 on."""
    return cast("tuple[Floats, Floats, Floats]", _several(talib.BBANDS, (values,), period, width, width, _SIMPLE))


def donchian(high: ArrayLike, low: ArrayLike, period: int) -> tuple[Floats, Floats]:
    """Return (upper, lower): the highest high and the lowest low of the `period` bars BEFORE the current one."""
    return previous(highest(high, period)), previous(lowest(low, period))


def previous(values: ArrayLike) -> Floats:
    """Return for each bar the value of the bar before, NaN for the first: what is known before the bar begins."""
    return _one(_shifted, (values,))


def atr(high: ArrayLike, low: ArrayLike, close: ArrayLike, period: int) -> Floats:
    """Return Wilder's average true range, in the prices' unit; of (close, close, close) the average size of moves."""
    return _one(talib.ATR, (high, low, close), period, unstable="ATR")


def adx(high: ArrayLike, low: ArrayLike, close: ArrayLike, period: int) -> Floats:
    """Return Wilder's average directional index, 0 to 100: how strong a trend is, whichever its direction; from 2 on."""
    return _one(talib.ADX, (high, low, close), period, unstable="ADX")


def cci(high: ArrayLike, low: ArrayLike, close: ArrayLike, period: int) -> Floats:
    """Return Lambert's commodity channel index, without unit: the typical price from its average in mean deviations; from 2 on."""
    return _one(talib.CCI, (high, low, close), period)


def mfi(high: ArrayLike, low: ArrayLike, close: ArrayLike, volume: ArrayLike, period: int) -> Floats:
    """Return the money flow index, 0 to 100: an RSI of price times volume over the last `period` moves; from 2 on."""
    return _one(talib.MFI, (high, low, close, volume), period)


def stochastic(
    high: ArrayLike, low: ArrayLike, close: ArrayLike, *, period: int, slowing: int = 3, signal: int = 3
) -> tuple[Floats, Floats]:
    """Return Lane's slow stochastic (%K, %D), 0 to 100: where the close is in the range of `period` bars, averaged twice."""
    pair = _several(talib.STOCH, (high, low, close), period, slowing, _SIMPLE, signal, _SIMPLE)
    return cast("tuple[Floats, Floats]", pair)


def obv(close: ArrayLike, volume: ArrayLike) -> Floats:
    """Return on-balance volume, in the volume's unit: volume added on a rise, taken off on a fall.

    It begins with the first bar's volume, so that its level depends on where the data begins; only its changes mean anything.
    """
    return _one(talib.OBV, (close, volume))


def ema_lookback(period: int) -> int:
    """Return how many bars decide an `ema`: after so many, what came before weighs less than `FORGOTTEN`."""
    return _lookback(period, 2.0 / (period + 1))


def wilder_lookback(period: int) -> int:
    """Return how many bars decide what is smoothed with Wilder's weight 1 / period (`rsi`, `atr`), the first move's start too."""
    return _lookback(period, 1.0 / period) + 1


def _lookback(period: int, weight: float) -> int:
    return period + (ceil(log(FORGOTTEN) / log(1.0 - weight)) if weight < 1.0 else 0)


def _one(function: Callable[..., Any], arrays: tuple[ArrayLike, ...], *parameters: float, unstable: str = "") -> Floats:
    return _several(function, arrays, *parameters, unstable=unstable)[0]


def _several(
    function: Callable[..., Any], arrays: tuple[ArrayLike, ...], *parameters: float, unstable: str = ""
) -> tuple[Floats, ...]:
    converted = tuple([np.ascontiguousarray(array, np.float64) for array in arrays])  # a generator takes longer than the copy
    return recalled((function, *parameters), converted, lambda: _computed(function, converted, parameters, unstable))


def _computed(
    function: Callable[..., Any], arrays: Sequence[Floats], parameters: tuple[float, ...], unstable: str
) -> tuple[Floats, ...]:
    _check(arrays)
    call = _bare(function)
    try:
        found = _steady(unstable, call, arrays, parameters) if unstable else call(*arrays, *parameters)
    except Exception as error:  # TA-Lib raises nothing narrower
        raise InputError(f"indicator {function.__name__} cannot be made with {parameters}: {error}") from error
    return found if isinstance(found, tuple) else (found,)


@cache
def _bare(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of TA-Lib without what it does for pandas and polars, which takes longer than thirty bars."""
    return cast("Callable[..., Any]", inspect.unwrap(function))


def _steady(unstable: str, function: Callable[..., Any], arrays: Sequence[Floats], parameters: tuple[float, ...]) -> Any:
    """Call TA-Lib with its process-wide unstable period as it is when nobody has touched it."""
    period = _settings.get_unstable_period(unstable)
    if period == 0:
        return function(*arrays, *parameters)
    _settings.set_unstable_period(unstable, 0)
    try:
        return function(*arrays, *parameters)
    finally:
        _settings.set_unstable_period(unstable, period)


def _check(arrays: Sequence[Floats]) -> None:
    """Refuse arrays that TA-Lib would misread.

    Raises:
        InputError: If they differ in length, have more than one dimension, or hold NaN after a number.
    """
    for array in arrays:
        if array.shape != (len(arrays[0]),):
            raise InputError(f"indicators take arrays of one dimension and length, found shapes {[each.shape for each in arrays]}")
        row = _hole(array)
        if row >= 0:
            raise InputError(f"indicators take NaN at the beginning only, found it after a number at row {row}")


@compiled
def _hole(values: Floats) -> int:
    """Return the row of the first NaN after a number, -1 without one."""
    begun = False
    for row in range(len(values)):
        if values[row] == values[row]:
            begun = True
        elif begun:
            return row
    return -1


@compiled
def _shifted(values: Floats) -> Floats:
    shifted = np.empty_like(values)
    shifted[:1] = np.nan
    shifted[1:] = values[:-1]
    return shifted


def _same(values: Floats) -> Floats:
    return values.copy()
