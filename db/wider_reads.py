"""Reads candles wider than a minute: from the rollups where they are up to date, from the rows they are made of elsewhere."""

from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa

from db import candle_rows, wider
from db.bounds import lower
from db.repositories.rollups import RollupRepository
from db.series import ORIGINS, CandleSeries
from market.candle import Origin
from market.clock import to_datetime
from market.timeframe import BASE, Timeframe
from market.window import Window, united

_MOST_WINDOWS = 20

_KEPT = "select timestamp, {columns} from {relation} where symbol = %(symbol)s and bucket > %(after)s and bucket <= %(until)s"
_ORDERED = "{query} order by timestamp"


def made_of_minutes(
    connection: sa.Connection, symbol: str, width: Timeframe, *, after_us: int | None, until_us: int
) -> CandleSeries:
    """Return the candles of a width that close in (after, until], both of them closes of such candles, made of 1m rows."""
    rollup = wider.narrower_rollup(width)
    rollups = RollupRepository(connection)
    mark_us = rollups.until_us(symbol) if rollup is not None else None
    if rollup is None or mark_us is None:
        return of_rows(connection, symbol, width, BASE, after_us=after_us, until_us=until_us)
    kept_until_us = min(until_us, width.open_of(mark_us))
    changed = [
        Window(width.open_of(each.after_us), width.close_of(each.until_us - 1))
        for each in rollups.changes(symbol, after_us, kept_until_us)
    ]
    fresh = _few(changed)
    kept = _of_rollup(connection, symbol, width, rollup, after_us=after_us, until_us=kept_until_us)
    for window in fresh:
        labels = kept.columns["timestamp"]
        kept = kept.take((labels <= window.start_us) | (labels > window.end_us))
    if kept_until_us < until_us:
        fresh.append(Window(kept_until_us, until_us))
    for window in fresh:
        first_us = window.start_us if after_us is None else max(window.start_us, after_us)
        last_us = min(window.end_us, until_us)
        if first_us < last_us:
            kept = of_rows(connection, symbol, width, BASE, after_us=first_us, until_us=last_us).before(kept)
    return kept


def of_rows(
    connection: sa.Connection, symbol: str, width: Timeframe, member: Timeframe, *, after_us: int | None, until_us: int
) -> CandleSeries:
    """Return the candles that close in (after, until], made of stored rows of a width."""
    query = _ORDERED.format(query=wider.of_rows(member=member))
    return candle_rows.select(connection, query, _bounds(symbol, width, after_us, until_us), of=(symbol, width))


def better(series: CandleSeries, other: CandleSeries) -> CandleSeries:
    """Return both as one: a row of `other` counts where the first has none, or an incomplete one and the other a whole one."""
    if not len(series):
        return other
    whole = other.columns["timestamp"][other.columns["complete"] != 0]
    worse = (series.columns["complete"] == 0) & np.isin(series.columns["timestamp"], whole)
    return series.take(~worse).before(other)


def proven_ours(series: CandleSeries) -> CandleSeries:
    """Return the rows that are made of trades and proven whole: they count more than what a venue says."""
    from_venue = series.columns["origin"] == ORIGINS.index(Origin.EXCHANGE)
    return series.take((series.columns["complete"] == 1) & ~from_venue)


def _of_rollup(
    connection: sa.Connection, symbol: str, width: Timeframe, rollup: Timeframe, *, after_us: int | None, until_us: int
) -> CandleSeries:
    if rollup is width:
        query = _KEPT.format(columns=", ".join(wider.COLUMNS), relation=wider.relation_of(width))
    else:
        query = wider.of_rollup(member=rollup)
    return candle_rows.select(
        connection, _ORDERED.format(query=query), _bounds(symbol, width, after_us, until_us), of=(symbol, width)
    )


def _bounds(symbol: str, width: Timeframe, after_us: int | None, until_us: int) -> dict[str, object]:
    return {"symbol": symbol, "width": width.width_us, "after": lower(after_us), "until": to_datetime(until_us)}


def _few(windows: Sequence[Window]) -> list[Window]:
    """Return windows that do not touch, oldest first; of very many one that spans them all."""
    found = united(windows)
    return found if len(found) <= _MOST_WINDOWS else [Window(found[0].start_us, found[-1].end_us)]
