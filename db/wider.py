"""Wider candles made of narrower ones in SQL: the twin of market/rollup.py."""

from market.timeframe import BASE, Timeframe

ROLLUPS = (Timeframe.M5, Timeframe.M15, Timeframe.H1, Timeframe.H4, Timeframe.D1, Timeframe.W1)
"""Widths of which the store keeps candles made of 1m rows, each made of the one before it."""

COLUMNS = (
    "open", "high", "low", "close", "volume", "quote_volume", "trades", "taker_buy_volume", "first_trade_id", "last_trade_id",
    "members", "complete", "origin", "revision",
)  # fmt: skip
"""What a relation `candles_…` has besides symbol, bucket (where the span begins, plus a microsecond) and timestamp (its close).

`members` is the number of 1m rows.
"""

# Sums carry noise behind the venue's digits; above 9e7 a double has no eighth digit to round to.
_SUM = "case when sum({0}) < 9e7 then round(sum({0}) * 1e8) / 1e8 else sum({0}) end"
_WHOLE_SUM = f"case when count({{0}}) = count(*) then {_SUM} end"

# The price of a member without volume is an echo of the close before it and not a trade.
_AGGREGATES = """
coalesce({first_traded}, {first}) as open,
coalesce(max(high) filter (where volume > 0), max(high)) as high,
coalesce(min(low) filter (where volume > 0), min(low)) as low,
{last} as close,
{volume} as volume,
{quote_volume} as quote_volume,
case when count(trades) = count(*) then sum(trades)::bigint end as trades,
{taker_buy_volume} as taker_buy_volume,
min(first_trade_id) as first_trade_id, max(last_trade_id) as last_trade_id,
{members}::bigint as members,
case when {members} < {expected} or not bool_and(complete) then false
     when count(complete) = count(*) then true end as complete,
case when bool_or(origin = 'exchange') then 'exchange'
     when bool_or(origin = 'healed') then 'healed' else 'live' end as origin,
sum(revision)::integer as revision
"""

_FIRST_AND_LAST = {
    "first": "(array_agg(open order by timestamp))[1]",
    "first_traded": "(array_agg(open order by timestamp) filter (where volume > 0))[1]",
    "last": "(array_agg(close order by timestamp))[count(*)]",
}


def relation_of(timeframe: Timeframe) -> str:
    """Return the name of the relation that keeps the candles of a width."""
    return f"candles_{timeframe}"


def source_of(timeframe: Timeframe) -> Timeframe:
    """Return the width of the candles that those of a rollup are made of."""
    number = ROLLUPS.index(timeframe)
    return ROLLUPS[number - 1] if number else BASE


def narrower_rollup(timeframe: Timeframe) -> Timeframe | None:
    """Return the widest rollup of which whole spans make spans of a width, None when there is none."""
    return next((rollup for rollup in reversed(ROLLUPS) if rollup.divides(timeframe)), None)


def aggregates(*, members: str, expected: object, moments: dict[str, str] | None = None) -> str:
    """Return the columns of a candle made of narrower ones, all but its times.

    Args:
        members: Counts the rows that the whole is made of.
        expected: How many there are in a whole span, as SQL.
        moments: SQL for `first`, `first_traded` and `last`, where a server has something better than arrays.
    """
    return _AGGREGATES.format(
        **(moments or _FIRST_AND_LAST),
        members=members,
        expected=expected,
        volume=_SUM.format("volume"),
        quote_volume=_WHOLE_SUM.format("quote_volume"),
        taker_buy_volume=_WHOLE_SUM.format("taker_buy_volume"),
    )


# Rows in (open, close] belong to the bucket that closes at the right border. Buckets are read whole, so the first and the last
# member are those with the lowest and the highest timestamp.
LABEL = """time_bucket(%(width)s * interval '1 microsecond', timestamp, "offset" => interval '1 microsecond')
         + (%(width)s - 1) * interval '1 microsecond'"""


def of_rows(*, member: Timeframe) -> str:
    """Return a query for candles made of stored rows of one width.

    Its parameters are symbol, width (microseconds), after and until (closes of buckets).
    """
    return f"""
    select {LABEL} as timestamp,
    {aggregates(members="count(*)", expected=f"%(width)s / {member.width_us}")}
    from market_data
    where symbol = %(symbol)s and timeframe = '{member}' and timestamp > %(after)s and timestamp <= %(until)s
    group by 1
    """  # noqa: S608 - names and numbers of ours


def of_rollup(*, member: Timeframe) -> str:
    """Return a query for candles made of a rollup; parameters as `of_rows` has them."""
    label = LABEL.replace("timestamp,", "bucket,")
    return f"""
    select {label} as timestamp,
    {aggregates(members="sum(members)", expected=f"%(width)s / {BASE.width_us}")}
    from {relation_of(member)}
    where symbol = %(symbol)s and bucket > %(after)s and bucket <= %(until)s
    group by 1
    """  # noqa: S608 - names and numbers of ours
