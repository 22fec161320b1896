"""What keeps an account from trading on: losses, and too many stops."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from trading.rules import Rules

FOR_GOOD = 1 << 60


class Protections:
    """Says of each decision, in their order, whether all positions have to be left, and whether new ones may be entered.

    Args:
        rules: Of the account.
        balance: What it begins with.

    Attributes:
        peak: The highest equity at a decision, since the last pause.
        lost_day: The last UTC day of which `daily_loss` struck; None before the first.
    """

    def __init__(self, rules: Rules, balance: float) -> None:
        self._rules, self.peak, self._before, self._day_began = rules, balance, balance, balance
        self._day: int | None = None
        self.lost_day: int | None = None
        self._halted, self._halted_until, self._guarded_until = False, 0, 0
        self._stops: deque[int] = deque(maxlen=max(rules.guard_stops, 1))

    def halts(self, decision: int, day: int, equity: float) -> bool:
        """Return whether all positions have to be left.

        Args:
            decision: Its number.
            day: Number of the UTC day of the close.
            equity: At the close.
        """
        rules = self._rules
        if day != self._day:
            self._day, self._day_began = day, self._before
        if equity <= 0.0:
            self._halted_until = FOR_GOOD
        if decision >= self._halted_until:
            self.peak = equity if self._halted else max(self.peak, equity)
            self._halted = rules.max_drawdown > 0.0 and equity <= self.peak * (1.0 - rules.max_drawdown)
            if self._halted:
                self._halted_until = decision + rules.drawdown_pause_bars if rules.drawdown_pause_bars else FOR_GOOD
        if rules.daily_loss > 0.0 and equity <= self._day_began * (1.0 - rules.daily_loss):
            self.lost_day = day
        self._before = equity
        return decision < self._halted_until or self.lost_day == day

    def note_stop(self, decision: int) -> None:
        """Note that a stop ended a position before a decision."""
        rules = self._rules
        if rules.guard_stops:
            self._stops.append(decision)
            if len(self._stops) == rules.guard_stops and decision - self._stops[0] < rules.guard_within_bars:
                self._guarded_until = decision + rules.guard_pause_bars

    def may_enter(self, decision: int) -> bool:
        """Return whether stops were rare enough for a new position."""
        return decision >= self._guarded_until

    def state(self) -> dict[str, Any]:
        """Return all that `restore` needs, as plain values."""
        return {name: list(getattr(self, name)) if name == "_stops" else getattr(self, name) for name in _STATE}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where protections of the same rules were."""
        for name in _STATE:
            setattr(self, name, deque(state[name], self._stops.maxlen) if name == "_stops" else state[name])


_STATE = (
    "peak", "_before", "_day_began", "_day", "lost_day", "_halted", "_halted_until", "_guarded_until", "_stops",
)  # fmt: skip
