"""Checks that a strategy is a function of the past: look-ahead, lookback, determinism; each on data that is handed in."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from market.clock import isoformat
from market.errors import InputError
from trading.frames import Floats, Integers, timestamps_us
from trading.outside import at, kept, watched
from trading.strategy import BaseStrategy

_SEED = 20240809  # the same bars are looked at each time
_FEW = 10  # where one try takes long
_MOMENTS_US = (981_173_106_789_000, 2_048_349_720_123_000)  # a Saturday night of 2001, an afternoon of 2034: neither ever is now


class Check(StrEnum):
    """What is checked."""

    LOOK_AHEAD = "look-ahead"
    LOOKBACK = "lookback"
    DETERMINISM = "determinism"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found.

    Attributes:
        check: What was checked.
        passed: Whether nothing was found.
        message: What was found, in words.
        tried: How many bars or cuts were tried.
        row: The first bar that changes, from 0; None where nothing was found.
        timestamp_us: Its close, UTC epoch microseconds.
        expected: The target there with all of the data.
        found: The target there otherwise.
        enough: Bars that would do as `lookback` at all bars tried; None where even all of the data before them is not enough, or
            where it was not asked.
    """

    check: Check
    passed: bool
    message: str
    tried: int
    row: int | None = None
    timestamp_us: int | None = None
    expected: float | None = None
    found: float | None = None
    enough: int | None = None


def check_strategy(strategy: BaseStrategy, data: pd.DataFrame, *, cuts: int = 2_000) -> list[Finding]:
    """Return what all checks find, determinism first: without it the others mean little.

    Args:
        strategy: Any strategy; only new ones with its parameters are asked.
        data: Bars as strategies are handed them, longer than twice the lookback, and with something happening in them.
        cuts: About how many bars each check tries; those around changes of the target first.

    Raises:
        InputError: If the data is too short, or the strategy does not give one target a bar.
    """
    return [check(strategy, data, cuts=cuts) for check in (check_determinism, check_look_ahead, check_lookback)]


def check_look_ahead(strategy: BaseStrategy, data: pd.DataFrame, *, cuts: int = 2_000) -> Finding:
    """Return whether targets change when the bars after them are taken away.

    The data is cut after many bars; the targets of what is left have to be those of the whole. What peeks one bar ahead shows where
    the data ends right before the bar that it peeked at, so cuts are made around changes of the target.
    """
    whole = _targets(strategy, data)
    if type(strategy).targets is BaseStrategy.targets:
        cuts = min(cuts, _FEW)  # it is asked with bars up to each one only, which takes long
    rows, changes = _rows(whole, cuts), []
    for row in rows.tolist():
        part = _targets(strategy, data.iloc[: row + 1])
        different = np.flatnonzero(_differ(part, whole[: row + 1]))
        if len(different):
            changes.append((int(different[0]), row, float(part[different[0]])))
    if not changes:
        return _passed(Check.LOOK_AHEAD, f"no target changes when the bars after it are taken away, at {len(rows)} cuts", rows)
    row, cut, found = min(changes)
    return Finding(
        check=Check.LOOK_AHEAD,
        passed=False,
        message=f"it looks ahead: the target after {_bar(data, row)} is {whole[row]:g} with all of the data, and {found:g} when "
        f"the data ends with bar {cut}; {len(changes)} of {len(rows)} cuts change a target",
        tried=len(rows),
        row=row,
        timestamp_us=int(timestamps_us(data)[row]),
        expected=float(whole[row]),
        found=found,
    )


def check_lookback(strategy: BaseStrategy, data: pd.DataFrame, *, cuts: int = 2_000) -> Finding:
    """Return whether `lookback` bars decide a target as all of the history does, and how many bars would.

    Many bars are decided once more as a bot decides them: by `process_data` with the newest `lookback` bars.

    Raises:
        InputError: If the lookback is not less than the data.
    """
    whole, lookback = _targets(strategy, data), strategy.lookback
    if not 1 <= lookback < len(data):
        raise InputError(
            f"the lookback of {strategy.name} is {lookback}: to be checked it has to be 1 or more and less than the data"
        )
    rows = _rows(whole, cuts, low=lookback)
    found = _recent(strategy, data, rows, lookback)
    wrong = np.flatnonzero(_differ(found, whole[rows]))
    enough = _enough(strategy, data, whole, cuts=cuts)
    would_do = f"no lookback up to {len(data) // 2} would do" if enough is None else f"on this data {enough} would do"
    if not len(wrong):
        message = f"{lookback} bars decide a target as all of the history does, at {len(rows)} bars; {would_do}"
        return _passed(Check.LOOKBACK, message, rows, enough=enough)
    row, target = int(rows[wrong[0]]), float(found[wrong[0]])
    return Finding(
        check=Check.LOOKBACK,
        passed=False,
        message=f"a lookback of {lookback} is too short: the target after {_bar(data, row)} is {whole[row]:g} with all of the "
        f"data, and {target:g} with so many bars; {len(wrong)} of {len(rows)} bars differ; {would_do}",
        tried=len(rows),
        row=row,
        timestamp_us=int(timestamps_us(data)[row]),
        expected=float(whole[row]),
        found=target,
        enough=enough,
    )


def check_determinism(strategy: BaseStrategy, data: pd.DataFrame, *, cuts: int = 2_000) -> Finding:
    """Return whether the same data gives the same targets: again, after other data, bar by bar, and at other times.

    Nothing outside may be asked either: no file, no network, and nothing that the class or its module kept from a call before.
    """
    before, whole, one = kept(type(strategy)), _targets(strategy, data), _new(strategy)
    again = [("when asked first", _asked(one, data)), ("when asked once more", _asked(one, data))]
    _asked(one, data.iloc[: max(1, len(data) // 2)])
    again.append(("when asked after other data", _asked(one, data)))
    for moment_us in (int(timestamps_us(data)[-1]) + 1_000_000, *_MOMENTS_US):
        with at(moment_us):
            again.append((f"when the clock shows {isoformat(moment_us)}", _targets(strategy, data)))
    for when, found in again:
        if _differ(found, whole).any():
            return _unsteady(data, np.arange(len(data)), whole, found, when)
    rows = _rows(whole, min(cuts, 4 * _FEW))
    fresh = np.concatenate([_recent(strategy, data, rows[place : place + 1], strategy.lookback) for place in range(len(rows))])
    for when in ("when one strategy is asked bar by bar", "when one strategy is asked bar by bar once more"):
        with watched() as reached:
            found = _recent(one, data, rows, strategy.lookback, new=False)
        if _differ(found, fresh).any():
            return _unsteady(data, rows, fresh, found, when)
    with watched() as reached_at_once:
        _targets(strategy, data)
    return _reaches_out(strategy, rows, [*reached, *reached_at_once], before)


def _reaches_out(strategy: BaseStrategy, rows: Integers, reached: list[str], before: dict[str, bytes]) -> Finding:
    """Return a finding of what was asked for outside of the data, or is kept now and was not before; else that all is well."""
    after = kept(type(strategy))
    changed = [name for name, value in after.items() if before.get(name) != value]
    said = [f"to decide it {what}" for what in dict.fromkeys(reached)] + [
        f"it keeps {name} from one call to the next" for name in changed
    ]
    if not said:
        return _passed(Check.DETERMINISM, f"the same data gives the same targets, also bar by bar at {len(rows)} bars", rows)
    more = f" (and {len(said) - 1} more)" if len(said) > 1 else ""
    message = f"{said[0]}{more}: it may know of later bars from there; it depends on something else than the data"
    return Finding(check=Check.DETERMINISM, passed=False, message=message, tried=len(rows))


def _unsteady(data: pd.DataFrame, rows: Integers, expected: Floats, found: Floats, when: str) -> Finding:
    place = int(np.flatnonzero(_differ(found, expected))[0])
    row = int(rows[place])
    return Finding(
        check=Check.DETERMINISM,
        passed=False,
        message=f"the target after {_bar(data, row)} is {expected[place]:g}, and {found[place]:g} {when}: "
        "it depends on something else than the data",
        tried=len(rows),
        row=row,
        timestamp_us=int(timestamps_us(data)[row]),
        expected=float(expected[place]),
        found=float(found[place]),
    )


def _passed(check: Check, message: str, rows: Integers, *, enough: int | None = None) -> Finding:
    return Finding(check=check, passed=True, message=message, tried=len(rows), enough=enough)


def _new(strategy: BaseStrategy) -> BaseStrategy:
    made = type(strategy)(dict(strategy.parameters))
    made.symbol = strategy.symbol
    return made


def _targets(strategy: BaseStrategy, data: pd.DataFrame) -> Floats:
    return _asked(_new(strategy), data)


def _asked(strategy: BaseStrategy, data: pd.DataFrame) -> Floats:
    """Return the targets for a copy of the data, of which nothing that a strategy does to it comes back."""
    targets = np.array(strategy.targets(data.copy()), dtype=np.float64)
    if targets.shape != (len(data),):
        raise InputError(f"{strategy.name} gives targets of shape {targets.shape} for {len(data)} bars")
    return targets


def _recent(strategy: BaseStrategy, data: pd.DataFrame, rows: Integers, lookback: int, *, new: bool = True) -> Floats:
    """Return what is wanted after bars by the newest `lookback` bars of each."""
    asked = _new(strategy) if new else strategy
    windows = (data.iloc[max(0, row + 1 - lookback) : row + 1] for row in rows.tolist())
    return np.array([asked.process_data(window).wanted for window in windows])


def _enough(strategy: BaseStrategy, data: pd.DataFrame, whole: Floats, *, cuts: int) -> int | None:
    """Return the fewest bars that decide all bars tried in the second half of the data; None if half of it is not enough."""
    half = len(data) // 2
    rows = _rows(whole, min(cuts, 10 * _FEW), low=half)

    def would_do(lookback: int) -> bool:
        return not any(
            _differ(_recent(strategy, data, rows[place : place + 1], lookback), whole[row : row + 1]).any()
            for place, row in enumerate(rows.tolist())
        )

    if half < 1 or not would_do(half):
        return None
    low, high = 0, half
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if would_do(middle) else (middle, high)
    return high


def _rows(whole: Floats, most: int, *, low: int = 0) -> Integers:
    """Return at most about so many bars from `low` on: half of them around changes of the target, the others spread over all."""
    spread = np.linspace(low, len(whole) - 1, num=min(most, len(whole) - low)).astype(np.int64)
    changed = np.flatnonzero(_differ(whole[1:], whole[:-1])) + 1
    around = np.unique(np.concatenate([changed - 1, changed]))
    around = around[around >= low]
    if len(spread) < most:
        return spread
    if len(around) > most // 2:
        around = np.random.default_rng(_SEED).choice(around, most // 2, replace=False)
    return np.unique(np.concatenate([spread[:: 2 if len(around) else 1], spread[-1:], around]))


def _differ(one: Floats, other: Floats) -> NDArray[np.bool_]:
    different: NDArray[np.bool_] = (one != other) & ~(np.isnan(one) & np.isnan(other))
    return different


def _bar(data: pd.DataFrame, row: int) -> str:
    return f"bar {row} ({isoformat(int(timestamps_us(data)[row]))})"
