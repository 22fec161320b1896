"""The entry point of scripts and notebooks: the metrics of a sequence of account values."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from market.errors import InputError
from trading.backtest.metrics.catalogue import measure
from trading.backtest.metrics.run import DAY_SECONDS, Floats, Integers, RoundTrips, Run

_COLUMNS = ("equity", "value")


class AccountCurve(list[float]):
    """Values of an account at each close, oldest first, that know what they are values of.

    Attributes:
        timestamps_us: The closes, UTC epoch microseconds, shape (len(self),).
        bar_seconds: Width of a bar.
        initial_balance: Value before the first bar.
        trips: Round trips, in the order of their exits.
    """

    def __init__(
        self, values: Iterable[float], timestamps_us: Integers, *, bar_seconds: float, initial_balance: float, trips: RoundTrips
    ) -> None:
        super().__init__(values)
        self.timestamps_us, self.bar_seconds = timestamps_us, bar_seconds
        self.initial_balance, self.trips = initial_balance, trips


AccountValues = AccountCurve | Sequence[float] | Floats | pd.Series | pd.DataFrame


def calculate_performance_metrics(
    values: AccountValues,
    *,
    bar_seconds: float | None = None,
    initial_balance: float | None = None,
    trips: RoundTrips | None = None,
    risk_free: float = 0.0,
) -> dict[str, float]:
    """Return the metrics of an account from its values: sharpe_ratio, max_drawdown, win_rate, total_trades and all others.

    Ratios are annualised from the width of a bar, 365 days a year. A win is a round trip that won: account values say nothing
    about round trips, so without `trips` there are 0 trades and the win rate is NaN (not defined), as is all that needs what
    was not given. What `backtest_strategy_simple` returns as `portfolio_progression` knows all of that.

    Args:
        values: Value of the account at each close, oldest first; of a DataFrame the column `equity` or `value`, or its only one.
        bar_seconds: Width of a bar; None takes the usual distance between the times of a DataFrame's or Series' index, or a day.
        initial_balance: Value before the first bar; None takes the first of `values` as such.
        trips: Round trips, in the order of their exits.
        risk_free: What money earns without risk, a fraction a year.

    Raises:
        InputError: If there is no value, one is not a finite number, or the times of the index do not rise.
    """
    series, moments = _series(values)
    if not len(series):
        raise InputError("there are no account values to measure; give at least one")
    if isinstance(values, AccountCurve):
        bar_seconds, moments = bar_seconds or values.bar_seconds, values.timestamps_us
        initial_balance, trips = initial_balance or values.initial_balance, trips or values.trips
    width = bar_seconds if bar_seconds is not None else _width(moments)
    if initial_balance is None:
        initial_balance, series, moments = float(series[0]), series[1:], None if moments is None else moments[1:]
    run = Run(
        balance=initial_balance, equity=series, bar_seconds=width, timestamps_us=moments, trips=trips or RoundTrips(),
        risk_free=risk_free,
    )  # fmt: skip
    return measure(run)


def _series(values: AccountValues) -> tuple[Floats, Integers | None]:
    if isinstance(values, pd.DataFrame):
        values = values[_column(values)]
    index: Any = values.index if isinstance(values, pd.Series) else None
    moments = index.as_unit("us").asi8 if isinstance(index, pd.DatetimeIndex) else None
    if moments is not None and (np.diff(moments) <= 0).any():
        raise InputError("the times of the index have to rise from value to value; sort them, and keep one value of each")
    try:
        return np.asarray(values, np.float64), moments
    except (TypeError, ValueError) as error:
        raise InputError(f"account values have to be numbers, found {type(values).__name__}: {error}") from error


def _column(frame: pd.DataFrame) -> Any:
    for name in _COLUMNS:
        if name in frame.columns:
            return name
    if len(frame.columns) == 1:
        return frame.columns[0]
    raise InputError(f"account values are one column, named 'equity' or 'value'; found {list(frame.columns)}")


def _width(moments: Integers | None) -> float:
    # The median outlives holes and a short last bar.
    if moments is None or len(moments) < 2:
        return float(DAY_SECONDS)
    return float(np.median(np.diff(moments))) / 1e6
