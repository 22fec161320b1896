"""How each day is stored, for a calendar: told by kept days and hours, and by minutes only where those are not up to date."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from db.wider import relation_of
from market.clock import from_datetime, to_datetime
from market.timeframe import BASE, DAY_US, Timeframe
from market.window import Window, united

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("start_us", "end_us", "expected", "present", "incomplete", "unproven", "quiet", "open_holes", "counted")
"""What is told of each day, in the order of the columns."""

MOST_MINUTES = 40_000
"""So many minutes are counted one by one at most; older ones beyond wait for the next refresh of the rollups."""

_MOST_HOLES = 2_000

Part = tuple[str, Window]
"""A part of the time of a symbol."""

# What changed since the rollups were made, and open holes, as arrays beside what is stored at all.
_STATE = f"""
select wanted.symbol, stored.first, stored.last, marks.until as mark, changed.spans, holes.open
from unnest(cast(:symbols as text[])) as wanted (symbol)
cross join lateral (
    select min(timestamp) as first, max(timestamp) as last from market_data where symbol = wanted.symbol and timeframe = '1m'
) as stored
left join rollup_marks as marks on marks.symbol = wanted.symbol
left join lateral (
    select array_agg(array[after, until]) as spans from rollup_changes
    where symbol = wanted.symbol and until > :start and after < :end
) as changed on true
left join lateral (
    select array_agg(array[start, "end"]) as open from (
        select start, "end" from gaps
        where symbol = wanted.symbol and state = 'open' and start < :end and "end" >= :start
        order by start desc limit {_MOST_HOLES}
    ) as newest
) as holes on true
where stored.first is not null
order by 1
"""  # noqa: S608 - a number of ours

# A bucket begins a microsecond after its span does. Where members lack, `complete` says false of all, so it tells nothing more.
_KEPT = """
select part.symbol, (kept.bucket - interval '1 microsecond') at time zone 'UTC' as begin, kept.members as present,
    kept.members = {minutes} and not coalesce(kept.complete, true) as incomplete, kept.complete is null as unproven,
    coalesce(kept.trades = 0, kept.volume = 0) as quiet
from unnest(cast(:{level} as text[]), cast(:{level}_after as timestamptz[]), cast(:{level}_until as timestamptz[]))
    as part (symbol, after, until)
cross join lateral (
    select bucket, members, complete, trades, volume from {relation}
    where symbol = part.symbol and bucket > part.after and bucket <= part.until offset 0
) as kept
"""

_FRESH = """
select part.symbol, date_trunc('hour', (stored.timestamp - interval '1 microsecond') at time zone 'UTC') as begin,
    count(*) as present, bool_or(not coalesce(stored.complete, true)), bool_or(stored.complete is null),
    bool_and(coalesce(stored.trades = 0, stored.volume = 0))
from unnest(cast(:minutes as text[]), cast(:minutes_after as timestamptz[]), cast(:minutes_until as timestamptz[]))
    as part (symbol, after, until)
cross join lateral (
    select timestamp, complete, trades, volume from market_data
    where symbol = part.symbol and timeframe = '1m' and timestamp > part.after and timestamp <= part.until offset 0
) as stored
group by 1, 2
"""


def _kept(level: str, timeframe: Timeframe) -> str:
    return _KEPT.format(level=level, relation=relation_of(timeframe), minutes=timeframe.width_us // BASE.width_us)


_COUNTS = " union all ".join([_kept("days", Timeframe.D1), _kept("hours", Timeframe.H1), _FRESH])


@dataclass(slots=True)
class _Symbol:
    """One symbol within the bounds: where its minutes are expected, and by which rows each part of that is told."""

    name: str
    window: Window
    holes: list[Window]
    days: list[Window] = field(default_factory=list)
    hours: list[Window] = field(default_factory=list)
    minutes: list[Window] = field(default_factory=list)


def select(
    connection: sa.Connection, symbols: Sequence[str], *, start_us: int, end_us: int, followed: Collection[str] = ()
) -> "pd.DataFrame":
    """Return one row for each symbol and UTC day from its first stored minute to its last one, with two statements.

    Args:
        connection: Of a transaction.
        symbols: Which ones; those without a minute are left out.
        start_us: Where a first day begins, UTC epoch microseconds.
        end_us: Minutes that close later do not count.
        followed: Symbols of which minutes are expected up to `end_us`, be they stored or not.

    Returns:
        Columns symbol, day (its begin, datetime64[us, UTC]); start_us and end_us (where its minutes are expected, UTC epoch
        microseconds); expected and present (minutes, int64); incomplete, unproven (whether there is such a minute; where minutes
        lack it may be untold) and quiet (whether nobody traded in any of them; bool);
        open_holes (int64; the newest 2,000 of a symbol count); counted (bool): false where the rollups are so far behind that a
        part waits for their next refresh.
    """
    bounds = {"symbols": list(symbols), "start": to_datetime(start_us), "end": to_datetime(end_us)}
    moments = [sa.bindparam(name, type_=sa.TIMESTAMP(timezone=True)) for name in ("start", "end")]
    rows = connection.execute(sa.text(_STATE).bindparams(*moments), bounds)
    found = [one for row in rows if (one := _symbol(row, start_us, end_us, followed)) is not None]
    minutes, waiting = _within_budget(found)
    table = _expected(found, waiting)
    levels = {"days": _parts(found, "days"), "hours": _parts(found, "hours"), "minutes": minutes}
    for row in connection.execute(sa.text(_COUNTS), _windows(levels)) if found else ():
        day = table[row.symbol, _day_of(from_datetime(row.begin))]
        day["present"] += row.present
        day["incomplete"] |= row.incomplete
        day["unproven"] |= row.unproven
        day["quiet"] &= row.quiet
    return _frame(table)


def _symbol(row: Any, start_us: int, end_us: int, followed: Collection[str]) -> _Symbol | None:
    first_us, last_us = from_datetime(row.first) - BASE.width_us, from_datetime(row.last)
    until_us = max(last_us, end_us) if row.symbol in followed else last_us
    window = Window(max(first_us, start_us), max(first_us, start_us, min(until_us, end_us)))
    if not window.width_us:
        return None
    mark_us = window.start_us if row.mark is None else from_datetime(row.mark)
    stale = [_window(each) for each in row.spans or ()] + [Window(mark_us, max(mark_us, window.end_us))]
    one = _Symbol(row.symbol, window, [_window(each) for each in row.open or ()])
    # What begins or ends within a kept span is not told by it.
    one.minutes = _clipped([*_touched(stale, Timeframe.H1), *_broken(window, Timeframe.H1)], window)
    finer = _clipped([*_touched(one.minutes, Timeframe.D1), *_broken(window, Timeframe.D1)], window)
    one.days = _without(window, finer)
    one.hours = [part for each in finer for part in _without(each, one.minutes)]
    return one


def _window(span: Sequence[Any]) -> Window:
    return Window(from_datetime(span[0]), from_datetime(span[1]))


def _touched(windows: Iterable[Window], width: Timeframe) -> list[Window]:
    """Return whole spans of a width that hold some windows."""
    return [Window(width.open_of(each.start_us), width.close_of(each.end_us - 1)) for each in windows if each.width_us]


def _broken(window: Window, width: Timeframe) -> list[Window]:
    """Return the spans of a width within which a window begins or ends."""
    return _touched([Window(edge, edge + 1) for edge in (window.start_us, window.end_us) if width.open_of(edge) != edge], width)


def _clipped(windows: Iterable[Window], within: Window) -> list[Window]:
    inner = (each for each in windows if each.overlaps(within))
    return united(Window(max(each.start_us, within.start_us), min(each.end_us, within.end_us)) for each in inner)


def _without(window: Window, parts: Sequence[Window]) -> list[Window]:
    """Return what is left of a window without some parts, oldest first; the parts do not touch, and are in the order of time."""
    inner = _clipped(parts, window)
    edges = [window.start_us, *(edge for part in inner for edge in (part.start_us, part.end_us)), window.end_us]
    return [Window(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]


def _parts(found: Iterable[_Symbol], level: str) -> list[Part]:
    return [(one.name, part) for one in found for part in getattr(one, level)]


def _within_budget(found: Iterable[_Symbol]) -> tuple[list[Part], list[Part]]:
    """Return the parts that are counted by minutes, and those that wait; the newest are counted first."""
    counted, waiting, left_us = list[Part](), list[Part](), MOST_MINUTES * BASE.width_us
    for name, part in sorted(_parts(found, "minutes"), key=lambda each: -each[1].end_us):
        border_us = min(max(part.start_us, Timeframe.H1.close_of(part.end_us - left_us)), part.end_us)
        left_us -= part.end_us - border_us
        counted += [(name, Window(border_us, part.end_us))] if border_us < part.end_us else []
        waiting += [(name, Window(part.start_us, border_us))] if part.start_us < border_us else []
    return counted, waiting


def _expected(found: Iterable[_Symbol], waiting: Iterable[Part]) -> dict[tuple[str, int], dict[str, Any]]:
    table: dict[tuple[str, int], dict[str, Any]] = {}
    for one in found:
        for day in _days(one.window):
            known = {"present": 0, "incomplete": False, "unproven": False, "quiet": True, "open_holes": 0, "counted": True}
            window = {"start_us": day.start_us, "end_us": day.end_us, "expected": day.width_us // BASE.width_us}
            table[one.name, _day_of(day.start_us)] = {**window, **known}
        for hole in one.holes:
            for day in _days(Window(hole.start_us, hole.end_us + 1)):
                if (one.name, _day_of(day.start_us)) in table:
                    table[one.name, _day_of(day.start_us)]["open_holes"] += 1
    for name, part in waiting:
        for day in _days(part):
            table[name, _day_of(day.start_us)]["counted"] = False
    return table


def _days(window: Window) -> Iterator[Window]:
    """Yield the part of each day that a window touches."""
    for day_us in range(_day_of(window.start_us), window.end_us, DAY_US):
        yield Window(max(day_us, window.start_us), min(day_us + DAY_US, window.end_us))


def _day_of(moment_us: int) -> int:
    return moment_us - moment_us % DAY_US


def _windows(levels: dict[str, list[Part]]) -> dict[str, Any]:
    bound: dict[str, Any] = {}
    for level, parts in levels.items():
        bound[level] = [name for name, _ in parts]
        bound[f"{level}_after"] = [to_datetime(part.start_us) for _, part in parts]
        bound[f"{level}_until"] = [to_datetime(part.end_us) for _, part in parts]
    return bound


def _frame(table: dict[tuple[str, int], dict[str, Any]]) -> "pd.DataFrame":
    import numpy as np  # noqa: PLC0415 - pandas is not for the path of the data
    import pandas as pd  # noqa: PLC0415

    from db.frames import moments  # noqa: PLC0415

    kinds = {name: bool if name in {"incomplete", "unproven", "quiet", "counted"} else np.int64 for name in COLUMNS}
    columns = {name: np.array([day[name] for day in table.values()], kinds[name]) for name in COLUMNS}
    days = moments(np.array([day_us for _, day_us in table], np.int64))
    return pd.DataFrame({"symbol": [name for name, _ in table], "day": days, **columns}).astype({"symbol": "str"})
