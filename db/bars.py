"""Reads the candles of a chart, of any timeframe, with one statement: what is asked again and again may not cost many."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from db import candle_rows, wider
from db.bounds import lower, upper
from db.series import CandleSeries
from db.wider_reads import better, proven_ours
from market.clock import from_datetime
from market.timeframe import BASE, Timeframe

_COLUMNS = ", ".join(candle_rows.COLUMNS[2:])
_WIDTH = "%(width)s * interval '1 microsecond'"
_FLOOR = f"time_bucket({_WIDTH}, {{0}})"
"""The newest close that is not behind a moment."""

# `ends` says up to which close there are rows of each width, and candles made of these; `span` what is read of all: (after, until].
_SPAN = f"""
with ends as (
    select width.name, width.number, width.us,
        case when width.name = %(timeframe)s then least(last.timestamp, %(end)s)
             else {_FLOOR.format("least(last.timestamp, %(end)s)")} end as until
    from unnest(cast(%(names)s as text[]), cast(%(numbers)s as integer[]), cast(%(widths)s as bigint[])) as width (name, number, us)
    cross join lateral (
        select timestamp from market_data where symbol = %(symbol)s and timeframe = width.name order by timestamp desc limit 1
    ) as last
), span as (
    select greatest(%(after)s, max(until) - cast(%(bars)s as bigint) * {_WIDTH}) as after, max(until) as until from ends
)
"""  # noqa: S608 - names of ours

_OWN = f"""
select {_COLUMNS}, 0 as source from market_data
where symbol = %(symbol)s and timeframe = %(timeframe)s
    and timestamp > (select after from span) and timestamp <= (select until from ends where name = %(timeframe)s)
"""  # noqa: S608 - names of ours

# `kept` is up to where the rollups are up to date, but for the changes noted; `stale` what has to be made of 1m rows instead.
_ROLLED_UP = f"""
, base as (
    select until from ends where name = '{BASE}'
), kept as (
    select least(base.until, {_FLOOR.format("rollup_marks.until")}) as until from rollup_marks, base where symbol = %(symbol)s
), stale as (
    select coalesce(range_agg(tstzrange(after, until, '(]')), '{{{{}}}}') as ranges from (
        select greatest({_FLOOR.format("changed.after")}, span.after) as after,
            least({_FLOOR.format("changed.until - interval '1 microsecond'")} + {_WIDTH}, base.until) as until
        from rollup_changes as changed, span, base
        where symbol = %(symbol)s and changed.until > span.after and changed.after < (select until from kept)
        union all
        select greatest((select until from kept), span.after), base.until from span, base
    ) as windows where after < until
)
"""  # noqa: S608 - names of ours

_KEPT = f"""
select {_COLUMNS}, 1 as source from (
    {{rows}}
    where symbol = %(symbol)s and bucket > (select after from span) and bucket <= (select until from kept)
        and not timestamp <@ (select ranges from stale)
    {{grouped}}
) as kept
"""  # noqa: S608 - names of ours

_FRESH = f"""
select made.*, 1 as source from (select unnest(ranges) as range from stale) as part cross join lateral (
    select {wider.LABEL} as timestamp, {{made}} from market_data
    where symbol = %(symbol)s and timeframe = '{BASE}' and timestamp > lower(part.range) and timestamp <= upper(part.range)
    group by 1
) as made
"""  # noqa: S608 - names of ours

_OTHERS = f"""
select made.*, ends.number as source from ends cross join lateral (
    select {wider.LABEL} as timestamp, {{made}} from market_data
    where symbol = %(symbol)s and timeframe = ends.name and timestamp > (select after from span) and timestamp <= ends.until
    group by 1
) as made where ends.name not in ('{BASE}', %(timeframe)s)
"""  # noqa: S608 - names of ours

_FIRST = """
select min(first.timestamp) from unnest(cast(:all as text[])) as each cross join lateral (
    select timestamp from market_data where symbol = :symbol and timeframe = each order by timestamp limit 1
) as first
"""


def first_us(connection: sa.Connection, symbol: str) -> int | None:
    """Return the close of the first stored candle of a symbol, of any width; None without any."""
    moment = connection.scalar(sa.text(_FIRST), {"symbol": symbol, "all": list(map(str, Timeframe))})
    return None if moment is None else from_datetime(moment)


def read(
    connection: sa.Connection,
    symbol: str,
    width: Timeframe,
    *,
    start_us: int | None = None,
    end_us: int | None = None,
    bars: int | None = None,
) -> CandleSeries:
    """Return what `MarketDataRepository.get_series` returns, of a minute and wider, with one statement.

    Args:
        connection: Of a transaction.
        symbol: `EXCHANGE:BASE-QUOTE`.
        width: 1m or wider.
        start_us: Close of the first candle, included, UTC epoch microseconds.
        end_us: Close of the last one.
        bars: Only of so many spans, the newest ones that there are.
    """
    members = _members(width)
    parameters: dict[str, Any] = {
        "symbol": symbol, "timeframe": str(width), "width": width.width_us, "bars": bars,
        "after": lower(None if start_us is None else width.open_of(start_us - 1)), "end": upper(end_us),
        "names": [str(each) for each in members], "numbers": list(members.values()), "widths": [each.width_us for each in members],
    }  # fmt: skip
    found = candle_rows.select_sources(connection, _query(width), parameters, of=(symbol, width))
    own = found.get(0, CandleSeries.empty(symbol, width))
    made = CandleSeries.empty(symbol, width)
    for number in sorted(number for number in found if number):
        made = better(made, found[number])
    return proven_ours(made).before(own).before(made) if len(own) and len(made) else (own if len(own) else made)


def _query(width: Timeframe) -> str:
    if width is BASE:
        return f"{_SPAN} {_OWN} order by source, timestamp"
    rollup = wider.narrower_rollup(width)
    assert rollup is not None, "of all that is wider than a minute there is one"
    if rollup is width:
        kept = _KEPT.format(rows=f"select * from {wider.relation_of(width)}", grouped="")  # noqa: S608 - names of ours
    else:
        sums = wider.aggregates(members="sum(members)", expected=f"%(width)s / {BASE.width_us}")
        rows = f"select {wider.LABEL.replace('timestamp,', 'bucket,')} as timestamp, {sums} from {wider.relation_of(rollup)}"  # noqa: S608
        kept = _KEPT.format(rows=rows, grouped="group by 1")
    fresh = _FRESH.format(made=wider.aggregates(members="count(*)", expected=f"%(width)s / {BASE.width_us}"))
    others = _OTHERS.format(made=wider.aggregates(members="count(*)", expected="%(width)s / ends.us"))
    parts = " union all ".join(f"(select {_COLUMNS}, source from ({part}) as part)" for part in (_OWN, kept, fresh, others))  # noqa: S608
    return f"{_SPAN} {_ROLLED_UP.format()} {parts} order by source, timestamp"


def _members(width: Timeframe) -> Mapping[Timeframe, int]:
    """Return the widths of which candles of a width are stored or made, each with its place among the sources; 0 is itself."""
    of = [each for each in Timeframe if BASE.width_us <= each.width_us < width.width_us and each.divides(width)]
    return {width: 0, **{each: place for place, each in enumerate(of, start=1)}}
