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
        fees: All fees that were paid; None for those of the round trips.
        traded: Value of all that was bought and sold; None for entries and exits of the round trips.
    """

    def __init__(
        self, values: Iterable[float], timestamps_us: Integers, *, bar_seconds: float, initial_balance: float, trips: RoundTrips,
        fees: float | None = None, traded: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__(values)
        self.timestamps_us, self.bar_seconds = timestamps_us, bar_seconds
        self.initial_balance, self.trips, self.fees, self.traded = initial_balance, trips, fees, traded


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
        values: Value of the account at each close, oldest first; of a DataFrame the column `equity` or `value`, or its only one
            beside `timestamp`.
        bar_seconds: Width of a bar; None takes the usual distance between times (index, column `timestamp`), or else a day.
        initial_balance: Value before the first bar; None takes the first of `values` as such.
        trips: Round trips, in the order of their exits.
        risk_free: What money earns without risk, a fraction a year.

    Raises:
        InputError: If there is no value, one is not a finite number, or their times do not rise.
    """
    series, moments = _series(values)
    fees = traded = None
    if isinstance(values, AccountCurve):
        bar_seconds = values.bar_seconds if bar_seconds is None else bar_seconds
        initial_balance = values.initial_balance if initial_balance is None else initial_balance
        if trips is None:
            trips, fees, traded = values.trips, values.fees, values.traded
    bar_seconds = _width(moments) if bar_seconds is None else bar_seconds
    if initial_balance is None:
        initial_balance, series, moments = float(series[0]), series[1:], None if moments is None else moments[1:]
    run = Run(
        balance=initial_balance, equity=series, bar_seconds=bar_seconds, timestamps_us=moments, risk_free=risk_free,
        trips=RoundTrips() if trips is None else trips, fees=fees, traded=traded,
    )  # fmt: skip
    return measure(run)


def _series(values: AccountValues) -> tuple[Floats, Integers | None]:
    moments = _moments(values)
    if isinstance(values, pd.DataFrame):
        values = values[_column(values)]
    if not len(values):
        raise InputError("there are no account values to measure; give at least one")
    if moments is not None and (np.diff(moments) <= 0).any():
        raise InputError("the times of account values have to rise from one to the next; sort them, and keep one value of each")
    try:
        return np.asarray(values, np.float64), moments
    except (TypeError, ValueError) as error:
        raise InputError(f"account values have to be numbers, found {type(values).__name__}: {error}") from error


def _moments(values: AccountValues) -> Integers | None:
    if isinstance(values, AccountCurve):
        return values.timestamps_us
    index: Any = values.index if isinstance(values, pd.DataFrame | pd.Series) else None
    if not isinstance(index, pd.DatetimeIndex) and isinstance(values, pd.DataFrame) and "timestamp" in values.columns:
        index = _times(values["timestamp"])
    return index.as_unit("us").asi8 if isinstance(index, pd.DatetimeIndex) else None


def _times(column: "pd.Series[Any]") -> pd.DatetimeIndex:
    refused = InputError(f"the column timestamp holds no times: {column.dtype}; give times, or drop it and say bar_seconds")
    if pd.api.types.is_numeric_dtype(column):  # seconds or microseconds would be a guess
        raise refused
    try:
        return pd.DatetimeIndex(column)
    except ValueError as error:
        raise refused from error


def _column(frame: pd.DataFrame) -> Any:
    for name in _COLUMNS:
        if name in frame.columns:
            return name
    others = [name for name in frame.columns if name != "timestamp"]
    if len(others) == 1:
        return others[0]
    raise InputError(f"account values are one column, named 'equity' or 'value'; found {list(frame.columns)}")


def _width(moments: Integers | None) -> float:
    # The median outlives holes and a short last bar.
    if moments is None or len(moments) < 2:
        return float(DAY_SECONDS)
    return float(np.median(np.diff(moments))) / 1e6
