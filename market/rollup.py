"""Wider candles from narrower ones; the live edge's twin of what the database does."""

from collections.abc import Iterable
from itertools import groupby
from math import fsum

from market.candle import Candle, Origin
from market.errors import InputError
from market.timeframe import Timeframe, parse_timeframe

_DECIMALS = 8


def roll_up(candles: Iterable[Candle], timeframe: Timeframe | str) -> list[Candle]:
    """Return wider candles made of narrower ones of one symbol, oldest first.

    Prices come from the members in which somebody traded, so that the open is the first trade's as on every venue.
    A wider candle is complete when all its members are there and complete. The newest one is not final while its last
    member is missing or forming. Of a member that comes twice the highest revision counts.

    Raises:
        InputError: If spans of `timeframe` are not made of whole spans of the members.
    """
    wider = parse_timeframe(timeframe)
    newest: dict[int, Candle] = {}
    for candle in candles:
        known = newest.get(candle.timestamp_us)
        if known is None or candle.revision >= known.revision:
            newest[candle.timestamp_us] = candle
    members = [newest[label] for label in sorted(newest)]
    if not members:
        return []
    if not members[0].timeframe.divides(wider):
        raise InputError(f"{wider} candles cannot be made of {members[0].timeframe} candles")
    spans = groupby(members, key=lambda member: wider.close_of(member.open_us))
    newest_label = wider.close_of(members[-1].open_us)
    return [_rolled(wider, label, list(span), is_over=label < newest_label) for label, span in spans]


def _rolled(wider: Timeframe, label: int, members: list[Candle], *, is_over: bool) -> Candle:
    first, last = members[0], members[-1]
    traded = [member for member in members if member.volume > 0] or members  # a flat member's price is an echo, not a trade
    final = is_over or (last.final and last.timestamp_us == label)
    over_us = wider.width_us if final else last.timestamp_us - label + wider.width_us
    expected = over_us // first.timeframe.width_us
    origins = {member.origin for member in members}
    return Candle(
        first.symbol,
        wider,
        label,
        open=traded[0].open,
        high=max([member.high for member in traded]),
        low=min([member.low for member in traded]),
        close=last.close,
        volume=round(fsum([member.volume for member in members]), _DECIMALS),
        quote_volume=_sum([member.quote_volume for member in members]),
        trades=_count([member.trades for member in members]),
        taker_buy_volume=_sum([member.taker_buy_volume for member in members]),
        first_trade_id=min((member.first_trade_id for member in members if member.first_trade_id is not None), default=None),
        last_trade_id=max((member.last_trade_id for member in members if member.last_trade_id is not None), default=None),
        final=final,
        complete=_all_complete([member.complete for member in members], whole=len(members) == expected),
        origin=next(origin for origin in (Origin.EXCHANGE, Origin.HEALED, Origin.LIVE) if origin in origins),
        revision=sum([member.revision for member in members]),
    )


def _sum(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(fsum(known), _DECIMALS) if len(known) == len(values) else None


def _count(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _all_complete(values: list[bool | None], *, whole: bool) -> bool | None:
    if not whole or False in values:
        return False
    return None if None in values else True
