"""A signal: what a strategy says after a bar, and why."""

from datetime import datetime
from enum import StrEnum
from math import isnan, nan

import msgspec

from market.clock import to_datetime
from market.errors import InputError


class Action(StrEnum):
    """What a strategy says to do."""

    BUY = "buy"
    SELL = "sell"
    HOLD = "hold"


class SignalError(InputError):
    """Raised when a signal says what none can."""


class Signal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a strategy says after a bar.

    Attributes:
        action: What to do; `SELL` leaves what is held or, with a target below 0, goes short; `HOLD` changes nothing.
        confidence: How sure the strategy is, 0 to 1.
        price: Close of the bar, in the quote currency.
        timestamp_us: Close of the bar, UTC epoch microseconds.
        symbol: `EXCHANGE:BASE-QUOTE`; empty where the data does not say.
        indicators: Value at the bar of each indicator, by name; NaN while it warms up.
        reason: The rule in words, with its numbers.
        target: Wanted position as a fraction of what the sizing allows, below 0 for short; NaN where only the action speaks.

    Raises:
        SignalError: If the confidence is not 0 to 1.
    """

    action: Action
    confidence: float = 1.0
    price: float = nan
    timestamp_us: int = 0
    symbol: str = ""
    indicators: dict[str, float] = {}
    reason: str = ""
    target: float = nan

    def __post_init__(self) -> None:
        if not 0.0 <= self.confidence <= 1.0:
            raise SignalError(f"the confidence of a signal is a number from 0 to 1, found {self.confidence!r}")

    @property
    def timestamp(self) -> datetime:
        """Close of the bar, in UTC."""
        return to_datetime(self.timestamp_us)

    @property
    def wanted(self) -> float:
        """The position that the signal asks for: its target, else 1 for buy and 0 for sell; NaN keeps what there is."""
        if not isnan(self.target):
            return self.target
        return _WANTED[self.action]


_WANTED = {Action.BUY: 1.0, Action.SELL: 0.0, Action.HOLD: nan}


def action_of(target: float) -> tuple[Action, float]:
    """Return the action and the confidence that a wanted position stands for.

    NaN holds with confidence 0; above 0 buys and below 0 sells with the target's size up to 1; 0 sells with confidence 1.
    """
    if isnan(target):
        return Action.HOLD, 0.0
    if target > 0.0:
        return Action.BUY, min(target, 1.0)
    return Action.SELL, min(-target, 1.0) if target < 0.0 else 1.0
