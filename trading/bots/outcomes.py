"""Why nothing came of a signal, in words."""

from math import isnan

from trading.broker import Broker
from trading.position import Position

WANTED_ALREADY = "the same position is wanted already"
HALTED = "a protection leaves all positions (max_drawdown, daily_loss, or nothing is left of the account)"
LEFT = "; what was held is left"
"""How a refusal ends of what would have turned a position to the other side."""


def why_nothing(broker: Broker, position: Position, target: float, scale: float | None) -> str:
    """Return why a broker that is about to decide would make no order of a target; see `Broker.decide`.

    Where nothing is known to keep it from that it is `HALTED`: what a protection says comes with the decision.

    Args:
        broker: Before it decides.
        position: Of the symbol.
        target: What is wanted, NaN for nothing.
        scale: What targets are multiplied with; NaN where it is not known, None where nothing is.
    """
    if isnan(target):
        return "nothing is wanted"
    if scale is not None and isnan(scale) and target != 0.0:
        return "the volatility is not known yet, and so no size"
    target = 0.0 if target < 0.0 and not broker.rules.short else target
    if target == position.acted:
        return WANTED_ALREADY
    barred = _barred(broker, position) if target != 0.0 and position.size * target <= 0.0 else ""
    return barred or HALTED


def makes_larger(broker: Broker, position: Position, target: float) -> bool:
    """Return whether a target asks for a position, or a larger one than before: then limits of all bots have a say."""
    target = 0.0 if target < 0.0 and not broker.rules.short else target
    return target != 0.0 and not (target * position.size > 0.0 and abs(target) < abs(position.acted))


def _barred(broker: Broker, position: Position) -> str:
    """Return why no new position may be entered; empty where it may."""
    if broker.decision < position.blocked:
        return f"no new position for {position.blocked - broker.decision} more candles after the last one (cooldown_bars)"
    if not broker.protections.may_enter(broker.decision):
        return "no new position after so many stops (guard_stops)"
    return ""
