"""What a run leaves to be measured: its equity, its market and its round trips."""

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from market.errors import InputError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

YEAR_SECONDS = 365 * 86_400  # crypto trades without pause: a year has 365 days of 24 hours
DAY_SECONDS = 86_400


def _no_floats() -> Floats:
    return np.empty(0, np.float64)


def _no_integers() -> Integers:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrips:
    """Positions that were opened and closed again: parallel arrays of shape (trips,), in the order of their exits.

    Attributes:
        side: +1 for long, -1 for short.
        entered_us: Time of the first fill, UTC epoch microseconds; `left_us` of the last one.
        bars: Bars held.
        size: Largest size held, base currency.
        entry_price: Average price of the entry; `exit_price` of the exit.
        profit: What was won, quote currency, after fees.
        fees: What was paid in fees for entry and exit, quote currency.
        value: Value at the entry, quote currency, positive.
        reason: Why it was closed, a code of the engine's.
        best: Highest unrealised return while it was held, a fraction of the entry, 0 or more.
        worst: Lowest unrealised return while it was held, a fraction of the entry, 0 or less.

    Raises:
        InputError: If the arrays differ in length or hold what is not a finite number, if a value is not above 0, a
            side neither 1 nor -1, or exits are out of order.
    """

    side: Integers = field(default_factory=_no_integers)
    entered_us: Integers = field(default_factory=_no_integers)
    left_us: Integers = field(default_factory=_no_integers)
    bars: Integers = field(default_factory=_no_integers)
    size: Floats = field(default_factory=_no_floats)
    entry_price: Floats = field(default_factory=_no_floats)
    exit_price: Floats = field(default_factory=_no_floats)
    profit: Floats = field(default_factory=_no_floats)
    fees: Floats = field(default_factory=_no_floats)
    value: Floats = field(default_factory=_no_floats)
    reason: Integers = field(default_factory=_no_integers)
    best: Floats = field(default_factory=_no_floats)
    worst: Floats = field(default_factory=_no_floats)

    def __post_init__(self) -> None:
        for each in fields(self):
            whole = each.name in {"side", "entered_us", "left_us", "bars", "reason"}
            _keep(self, each.name, np.int64 if whole else np.float64, length=len(self.side))
        if len(self.value) and self.value.min() <= 0:
            raise InputError(f"value of a round trip is {self.value.min()} at {self.value.argmin()}; expected more than 0")
        if (np.abs(self.side) != 1).any():
            raise InputError(f"side of a round trip is {self.side[np.abs(self.side) != 1][0]}; expected 1 (long) or -1 (short)")
        if (self.left_us[1:] < self.left_us[:-1]).any():
            raise InputError("round trips have to be in the order of their exits, and left_us falls; sort them by it")

    def __len__(self) -> int:
        return len(self.side)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One account over the bars of one backtest; what is not given makes the metrics that need it NaN.

    Attributes:
        balance: Value of the account before the first bar, quote currency, positive.
        equity: Value of the account at each close, shape (bars,); may reach zero and below.
        bar_seconds: Width of a bar.
        close: Closes of the market, shape (bars,), positive: buy and hold is what the run is compared with.
        timestamps_us: Closes, UTC epoch microseconds, shape (bars,), rising.
        exposure: Value of the position as a fraction of equity, signed, shape (bars,).
        trips: Round trips, in the order of their exits.
        fees: All fees that were paid, quote currency; None for those of the round trips.
        traded: Value of all that was bought and sold, quote currency; None for entries and exits of the round trips.
        risk_free: What money earns without risk, a fraction a year.

    Raises:
        InputError: If an array has another length than `equity`, holds what is not a finite number, or is out of bounds.
    """

    balance: float
    equity: Floats
    bar_seconds: float
    close: Floats | None = None
    timestamps_us: Integers | None = None
    exposure: Floats | None = None
    trips: RoundTrips = field(default_factory=RoundTrips)
    fees: float | None = None
    traded: float | None = None
    risk_free: float = 0.0

    def __post_init__(self) -> None:
        bounds = {"balance": self.balance, "bar_seconds": self.bar_seconds, "1 + risk_free": 1 + self.risk_free}
        for name, value in bounds.items():
            if not 0 < value < np.inf:
                raise InputError(f"{name} of a run is {value}, and has to be a finite number above 0")
        _keep(self, "equity", np.float64, length=len(self.equity))
        for name, kind in (("close", np.float64), ("timestamps_us", np.int64), ("exposure", np.float64)):
            if getattr(self, name) is not None:
                _keep(self, name, kind, length=len(self.equity))
        if self.close is not None and len(self.close) and self.close.min() <= 0:
            raise InputError(f"close of a run is {self.close.min()} at bar {self.close.argmin()}; prices are above 0")
        if self.timestamps_us is not None and (self.timestamps_us[1:] <= self.timestamps_us[:-1]).any():
            raise InputError("timestamps_us of a run have to rise from bar to bar")

    @property
    def seconds(self) -> float:
        """From the open of the first bar to the last close, holes among it; bars times their width where no times are known."""
        if self.timestamps_us is None or not len(self.timestamps_us):
            return len(self.equity) * self.bar_seconds
        return float(self.timestamps_us[-1] - self.timestamps_us[0]) / 1e6 + self.bar_seconds


def bars_a_year(bar_seconds: float) -> float:
    """Return how many bars a year has, of 365 days without a pause in trading."""
    return YEAR_SECONDS / bar_seconds


def risk_free_a_bar(risk_free: float, bar_seconds: float) -> float:
    """Return what money earns without risk in one bar: (1 + a year's rate) to the power of bar / year, minus 1."""
    return float(np.expm1(np.log1p(risk_free) * bar_seconds / YEAR_SECONDS))


def _keep(owner: Any, name: str, kind: type[np.generic], *, length: int) -> None:
    # Compiled code knows one kind of array: contiguous and writable. Anything else is copied here, once.
    given = np.asarray(getattr(owner, name))
    if given.shape != (length,):
        raise InputError(f"{name} has the shape {given.shape}, expected {(length,)}: one number for each")
    if given.dtype.kind == "f" and not np.isfinite(given).all():
        raise InputError(
            f"{name} holds {given[~np.isfinite(given)][0]} at {int(np.argmin(np.isfinite(given)))}; numbers have to be finite"
        )
    object.__setattr__(owner, name, np.require(given, kind, ["C", "W"]))
