"""The kernel's protections: what `trading.protections.Protections` says, from one row of numbers."""

from numba.extending import register_jitable as part

from trading.backtest.account import (
    BEFORE,
    DAY,
    DAY_BEGAN,
    DECISION,
    GUARDED_UNTIL,
    HALTED,
    HALTED_UNTIL,
    LOST_DAY,
    PEAK,
    STOPS,
    Floats,
    Numbers,
)  # fmt: skip
from trading.protections import FOR_GOOD

_FOR_GOOD = float(FOR_GOOD)


@part
def note_stop(totals: Floats, rules: Numbers) -> None:
    """Note that a stop ended a position."""
    if not rules.guard_stops:
        return
    place = STOPS + 1 + int(totals[STOPS]) % rules.guard_stops
    totals[place] = totals[DECISION]
    totals[STOPS] += 1.0
    oldest = totals[STOPS + 1 + int(totals[STOPS]) % rules.guard_stops]
    if totals[STOPS] >= rules.guard_stops and totals[DECISION] - oldest < rules.guard_within:
        totals[GUARDED_UNTIL] = totals[DECISION] + rules.guard_pause


@part
def halts(totals: Floats, rules: Numbers, day: int, equity: float) -> bool:
    """Return whether all positions have to be left."""
    if day != totals[DAY]:
        totals[DAY], totals[DAY_BEGAN] = day, totals[BEFORE]
    decision = totals[DECISION]
    if equity <= 0.0:
        totals[HALTED_UNTIL] = _FOR_GOOD
    if decision >= totals[HALTED_UNTIL]:
        totals[PEAK] = equity if totals[HALTED] else max(totals[PEAK], equity)
        halted = rules.drawdown > 0.0 and equity <= totals[PEAK] * (1.0 - rules.drawdown)
        totals[HALTED] = halted
        if halted:
            totals[HALTED_UNTIL] = decision + rules.drawdown_pause if rules.drawdown_pause else _FOR_GOOD
    if rules.daily > 0.0 and equity <= totals[DAY_BEGAN] * (1.0 - rules.daily):
        totals[LOST_DAY] = day
    totals[BEFORE] = equity
    return bool(decision < totals[HALTED_UNTIL] or totals[LOST_DAY] == day)
