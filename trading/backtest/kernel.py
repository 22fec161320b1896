"""The compiled loop of a backtest: bars and wanted positions in, fills, equity and sums out; no strategy, no files, no clock.

It does what `trading.broker.Broker` does, in the same order with the same fill rules, to the last bit.
"""

# ruff: noqa: PLR0913, PLR0917 - compiled code takes arrays and numbers, not objects
import hashlib
import sys
from functools import partial
from math import isnan
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numba.extending import register_jitable as part
from numpy.typing import NDArray

from trading import broker, fills, protections
from trading.backtest import account, booking, cache, guard, orders, plain
from trading.backtest import curve as curves
from trading.backtest.account import (
    ACTED,
    BAR,
    CASH,
    DECISION,
    LATE,
    LEFT,
    MARK,
    SIZE,
    VOLUME,
    WANTED,
    Floats,
    Numbers,
)  # fmt: skip
from trading.backtest.curve import begun, grown, put
from trading.backtest.guard import halts
from trading.backtest.orders import close_out, decide, inside_bar, make_larger, make_smaller
from trading.backtest.plain import is_plain, run_plain
from trading.compiled import compiled

Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]


@part
def _run(  # noqa: C901, PLR0912, PLR0915 - the loop that all else is for
    open_: Floats, high: Floats, low: Floats, close: Floats, volume: Floats, there: Flags, ends: Flags, decides: Flags,
    days: Integers, targets: Floats, scales: Floats, rows: Floats, totals: Floats, rules: Numbers, equity: Floats, out: Floats,
    sums: Floats,
) -> None:  # fmt: skip
    bars, symbols = targets.shape
    plain = is_plain(rules, symbols) and not len(ends) and not len(scales) and not len(decides)
    if plain and run_plain(open_, close, volume, there, targets, rows, totals, rules, equity, out, sums):
        return
    exits = rules.stop > 0.0 or rules.profit > 0.0 or rules.trail > 0.0 or rules.time > 0
    guarded = rules.drawdown > 0.0 or rules.daily > 0.0
    holes, scaled, some, kept = len(ends) > 0, len(scales) > 0, len(decides) > 0, len(equity) > 0
    busy = held = False
    curve = begun(totals[CASH])
    decision = inside = 0
    for bar in range(bars):
        totals[BAR], traded = bar, busy
        if busy:
            for s in range(symbols):
                if there[bar, s]:
                    rows[s, MARK], rows[s, VOLUME] = open_[bar, s], volume[bar, s]
                    rows[s, LEFT] = fills.most_of(volume[bar, s], rules.share)
            if not rules.at_close:
                for s in range(symbols):
                    if not isnan(rows[s, WANTED]) and there[bar, s] and volume[bar, s] != 0.0:
                        make_smaller(totals, rows, rules, out, open_[bar, s], s)
                for s in range(symbols):
                    if not isnan(rows[s, WANTED]) and there[bar, s] and volume[bar, s] != 0.0:
                        make_larger(totals, rows, rules, out, open_[bar, s], s)
            for s in range(symbols):
                if there[bar, s] and volume[bar, s] != 0.0:
                    inside_bar(totals, rows, rules, out, open_[bar, s], high[bar, s], low[bar, s], close[bar, s], s)
        value = totals[CASH]
        if held or busy:
            for s in range(symbols):
                if there[bar, s]:
                    rows[s, MARK] = close[bar, s]
                value += rows[s, SIZE] * rows[s, MARK]
        if holes:
            for s in range(symbols):
                if ends[bar, s]:
                    value = close_out(totals, rows, rules, out, close[bar, s], volume[bar, s], s)
                    busy = True  # what is held has to be looked at
        if some and not decides[bar]:
            continue
        curve = grown(curve, value)
        if kept:
            equity[decision] = value
        decision += 1
        guarded = guarded or value <= 0.0
        halted = guarded and halts(totals, rules, days[bar] if len(days) else 0, value)
        turned = busy or halted
        for s in range(symbols):
            turned = turned or targets[bar, s] != rows[s, ACTED]
        if turned:
            for s in range(symbols):
                if there[bar, s]:
                    rows[s, MARK] = close[bar, s]
            busy = held = False
            for s in range(symbols):
                if there[bar, s] and not (holes and ends[bar, s]):
                    if not traded:
                        rows[s, VOLUME], rows[s, LEFT] = volume[bar, s], fills.most_of(volume[bar, s], rules.share)
                    scale = scales[bar, s] if scaled else 1.0
                    decide(totals, rows, rules, halted, targets[bar, s], scale, close[bar, s], s)
            if rules.at_close:
                totals[LATE] = 1.0
                for s in range(symbols):
                    if there[bar, s] and not (holes and ends[bar, s]) and volume[bar, s] != 0.0:
                        make_smaller(totals, rows, rules, out, close[bar, s], s)
                for s in range(symbols):
                    if there[bar, s] and not (holes and ends[bar, s]) and volume[bar, s] != 0.0:
                        make_larger(totals, rows, rules, out, close[bar, s], s)
                totals[LATE] = 0.0
            for s in range(symbols):
                busy = busy or not isnan(rows[s, WANTED])
                held = held or rows[s, SIZE] != 0.0
            busy = busy or (held and exits)
        totals[DECISION] = decision
        inside += held
    put(sums, curve, decision, inside)


def _of_these_sources(digest: str) -> Any:
    """Return the loop, compiled; its name in the cache holds the text of all that is compiled into it."""

    @partial(compiled, error_model="numpy")
    def kernel(*arguments: Any) -> None:
        if digest:
            _run(*arguments)

    return kernel


def _text(*modules: ModuleType) -> str:
    return hashlib.sha256(b"".join(Path(str(module.__file__)).read_bytes() for module in modules)).hexdigest()


run = _of_these_sources(
    _text(fills, account, booking, cache, curves, guard, orders, plain, broker, protections, sys.modules[__name__])
)
"""The loop; `trading.backtest.simulate` says what its arguments are. Days, scales, equity and fills may be empty: for rules that
ask for no day, for a scale of 1, and to keep none; the flags of the bars that decide too, where all do.
"""
