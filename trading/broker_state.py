"""What a broker needs to go on: its account as plain values that JSON keeps to the last digit, and back."""

from collections.abc import Mapping
from dataclasses import fields
from math import isnan, nan
from typing import Any

from trading.broker import Broker
from trading.fills import Reason
from trading.position import Position

_TOTALS = ("cash", "equity", "both", "refused", "bar", "decision")
_KEPT = [each.name for each in fields(Position) if each.name not in {"number", "listing"}]


def state_of(broker: Broker) -> dict[str, Any]:
    """Return all that `restore` needs; fills are not in it."""
    return {
        **{name: getattr(broker, name) for name in _TOTALS},
        "positions": [{name: _plain(getattr(position, name)) for name in _KEPT} for position in broker.positions],
        "protections": broker.protections.state(),
    }


def restore(broker: Broker, state: Mapping[str, Any]) -> None:
    """Put a new broker where the one was that a state is of; it has the same symbols, and rules that may be others."""
    for name in _TOTALS:
        setattr(broker, name, type(getattr(broker, name))(state[name]))
    for position, kept in zip(broker.positions, state["positions"], strict=True):
        for name in _KEPT:
            setattr(position, name, _read(kept[name], getattr(position, name)))
    broker.protections.restore(state["protections"])


def _plain(value: float) -> float | None:
    """Return a value as JSON has it, None for NaN: what is wanted without an order is so, and a volume that nobody knows."""
    return None if isnan(value) else int(value) if isinstance(value, Reason) else value


def _read(value: Any, like: float) -> Any:
    return nan if value is None else type(like)(value)
