"""Candles: the final ones of each symbol and timeframe, one row each; the highest revision counts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from db import bars, candle_rows, coverage, days
from db.bounds import Moment, lower, microseconds, upper
from db.bulk import RowsExist
from db.minutes import StoredMinute, minutes_after
from db.repositories.raw_trades import RawTradeRepository
from db.repositories.rollups import RollupRepository
from db.series import CandleSeries, series_of
from db.storage import storage_of
from db.stored_spans import Span, spans
from db.tables import market_data
from db.wider_reads import better, made_of_minutes, of_rows, proven_ours
from market.candle import Candle
from market.clock import from_datetime, to_datetime
from market.timeframe import BASE, Timeframe, parse_timeframe

if TYPE_CHECKING:
    import pandas as pd

# Fewer rows than this are not worth asking whether all are new.
_BULK_ROWS = 1_000

_STORED = f"""
select {", ".join(candle_rows.COLUMNS[2:])} from market_data
where symbol = %(symbol)s and timeframe = %(timeframe)s and timestamp >= %(start)s and timestamp <= %(end)s
order by timestamp
"""  # noqa: S608 - names of ours


# The first row of each width; in an `exists`, or without an order, all rows would be looked at for a width that there is not.
_TIMEFRAMES = """
select each from unnest(cast(:all as text[])) as each
cross join lateral (select from market_data where symbol = :symbol and timeframe = each order by timestamp limit 1) as found
"""

_SYMBOLS = """
with recursive known as (
    (select symbol from market_data order by symbol limit 1)
    union all
    select (select symbol from market_data where symbol > known.symbol order by symbol limit 1)
    from known where known.symbol is not null
)
select symbol from known where symbol is not null
"""


class MarketDataRepository:
    """Candles on one connection; who opened it commits."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def upsert_candle(self, candle: Candle, force_update: bool = False) -> bool:
        """Store a final candle; return whether the store changed.

        A stored row gives way to a higher revision, to a candle of ours where it came from the venue, and to force.

        Raises:
            ValueError: If the candle is still forming.
        """
        return self.upsert_candles([candle], force_update) == 1

    def upsert_candles(self, candles: Iterable[Candle], force_update: bool = False) -> int:
        """Store final candles of any symbols and timeframes; return how many rows were added or changed.

        Of a candle that comes twice the highest revision counts.

        Raises:
            ValueError: If a candle is still forming; nothing is stored then.
        """
        return self._merge(series_of(candles), force=force_update)

    def upsert_series(self, series: CandleSeries, *, force_update: bool = False) -> int:
        """Store many candles of one symbol and timeframe, as fast as COPY when none of them is stored yet."""
        newest = series.newest()
        if len(newest) < _BULK_ROWS or self._any_stored(newest):
            return self._merge([newest], force=force_update)
        self._ensure_partitions(newest)
        RollupRepository(self._connection).lock(_of_minutes([newest]))
        try:
            with self._connection.begin_nested():
                candle_rows.insert(self._connection, newest)
        except RowsExist:  # somebody else was faster
            return self._merge([newest], force=force_update)
        RollupRepository(self._connection).note(_written([newest]))
        return len(newest)

    def get_candles(self, symbol: str, timeframe: Timeframe | str, start: Moment = None, end: Moment = None) -> "pd.DataFrame":
        """Return the candles of any timeframe as a table, oldest first.

        Candles wider than 1m are made of 1m rows and proven whole, or stored ones (imports), or made of whatever narrower
        ones are stored; narrower ones are made of raw trades. A candle that is not over, as far as the store knows, is left out.

        Args:
            symbol: `EXCHANGE:BASE-QUOTE`.
            timeframe: Width of the candles.
            start: Close of the first candle, included.
            end: Close of the last candle, included.

        Returns:
            Columns symbol, timeframe, timestamp (the close, datetime64[us, UTC]), open, high, low, close, volume, quote_volume,
            trades, taker_buy_volume, first_trade_id, last_trade_id (Int64), complete (boolean), origin, revision.
        """
        return self.get_series(symbol, timeframe, start, end).frame()

    def get_series(self, symbol: str, timeframe: Timeframe | str, start: Moment = None, end: Moment = None) -> CandleSeries:
        """Return what `get_candles` returns as numpy columns, without pandas."""
        width, start_us, end_us = parse_timeframe(timeframe), microseconds(start), microseconds(end)
        widths = self.stored_timeframes(symbol) if width is not BASE else [BASE]
        stored = self._stored(symbol, width, start_us, end_us) if width in widths else CandleSeries.empty(symbol, width)
        if width is BASE:
            return stored
        if width.width_us < BASE.width_us:
            from db.ticks import candles_of_trades  # noqa: PLC0415 - it needs pandas

            trades = RawTradeRepository(self._connection)
            return stored.before(candles_of_trades(trades, symbol, width, start_us=start_us, end_us=end_us))
        made = self._wider(symbol, width, start_us, end_us, members=_members(widths, width))
        return proven_ours(made).before(stored).before(made) if len(stored) else made

    def get_bars(
        self, symbol: str, timeframe: Timeframe | str, start: Moment = None, end: Moment = None, *, newest: int | None = None
    ) -> "pd.DataFrame":
        """Return what `get_candles` returns, of a minute and wider, with one statement; of the `newest` spans only."""
        width, start_us, end_us = parse_timeframe(timeframe), microseconds(start), microseconds(end)
        return bars.read(self._connection, symbol, width, start_us=start_us, end_us=end_us, bars=newest).frame()

    def first_us(self, symbol: str) -> int | None:
        """Return the close of the first stored candle of a symbol, of any width; None without any."""
        return bars.first_us(self._connection, symbol)

    def minutes_after(self, moments_us: Mapping[str, int], most: int) -> dict[str, list[StoredMinute]]:
        """Return the stored minutes of each symbol that close behind a moment, oldest first, at most so many of each."""
        return minutes_after(self._connection, moments_us, most)

    def get_candle(self, symbol: str, timeframe: Timeframe | str, timestamp_us: int) -> Candle | None:
        """Return the candle that closes at a moment."""
        return next(self.get_series(symbol, timeframe, timestamp_us, timestamp_us).candles(), None)

    def get_latest_candle(self, symbol: str, timeframe: Timeframe | str) -> Candle | None:
        """Return the newest candle that is over."""
        width = parse_timeframe(timeframe)
        newest = [self._last_us(symbol, width), None if width is BASE else self._last_made_us(symbol, width)]
        label = max((moment_us for moment_us in newest if moment_us is not None), default=None)
        return None if label is None else self.get_candle(symbol, width, label)

    def get_last_traded(self, symbol: str, timeframe: Timeframe | str) -> Candle | None:
        """Return the newest stored candle in which somebody traded, made of trades and not taken from the venue."""
        newest = sa.select(market_data.c.timestamp).where(
            *_of(symbol, parse_timeframe(timeframe)), market_data.c.trades > 0, market_data.c.origin != "exchange"
        )
        moment = self._connection.scalar(newest.order_by(market_data.c.timestamp.desc()).limit(1))
        return None if moment is None else self.get_candle(symbol, timeframe, from_datetime(moment))

    def span(self, symbol: str, timeframe: Timeframe | str, from_us: int | None = None) -> tuple[int | None, int | None]:
        """Return the closes of the oldest and of the newest stored row, None and None without any.

        Only rows from `from_us` on count; with it the server needs not look at older partitions.
        """
        stored = sa.select(market_data.c.timestamp).where(*_of(symbol, parse_timeframe(timeframe)))
        if from_us is not None:
            stored = stored.where(market_data.c.timestamp >= to_datetime(from_us))
        first = self._connection.scalar(stored.order_by(market_data.c.timestamp).limit(1))
        last = self._connection.scalar(stored.order_by(market_data.c.timestamp.desc()).limit(1))
        return None if first is None else from_datetime(first), None if last is None else from_datetime(last)

    def stored_timeframes(self, symbol: str) -> list[Timeframe]:
        """Return the widths of which rows are stored, the narrowest first."""
        found = self._connection.scalars(sa.text(_TIMEFRAMES), {"symbol": symbol, "all": list(map(str, Timeframe))})
        return sorted(map(Timeframe, found), key=lambda timeframe: timeframe.width_us)

    def symbols(self) -> list[str]:
        """Return the symbols of which a candle is stored, in the order of the alphabet; it jumps from one to the next."""
        return list(self._connection.scalars(sa.text(_SYMBOLS)))

    def spans(self) -> list[Span]:
        """Return from when to when rows of each symbol and width are stored, in the order of the symbols and the widths."""
        return spans(self._connection)

    def count(self, symbol: str, timeframe: Timeframe | str) -> int:
        """Return how many rows are stored; candles made on reading do not count."""
        return self._connection.scalar(sa.select(sa.func.count()).where(*_of(symbol, parse_timeframe(timeframe)))) or 0

    def coverage(self, symbol: str | None = None, start: Moment = None, end: Moment = None) -> "pd.DataFrame":
        """Return how many minutes of each UTC day are stored, and how far they can be trusted, of a symbol or of all.

        Args:
            symbol: `EXCHANGE:BASE-QUOTE`; None for all.
            start: Earliest moment; only minutes count that lie whole between the bounds.
            end: Latest moment.

        Returns:
            One row for each symbol and day from its first stored minute to its last: symbol, day (its begin, datetime64[us, UTC]),
            present, complete, unproven (complete is null), incomplete, without_trades, missing (minutes that have no row), and
            open_holes (holes of the ledger that touch the day). A minute belongs to the day in which it opens.
        """
        symbols = self.symbols() if symbol is None else [symbol]
        return coverage.select(self._connection, symbols, start_us=microseconds(start), end_us=microseconds(end))

    def days(self, symbols: Sequence[str], *, start_us: int, end_us: int, followed: Collection[str] = ()) -> "pd.DataFrame":
        """Return what `db.days.select` does: `coverage` in short, from kept candles, so that a year of many symbols is quick."""
        return days.select(self._connection, symbols, start_us=start_us, end_us=end_us, followed=followed)

    def _merge(self, several: list[CandleSeries], *, force: bool) -> int:
        if not several:
            return 0
        for series in several:
            self._ensure_partitions(series)
        rollups = RollupRepository(self._connection)
        rollups.lock(_of_minutes(several))
        changed = candle_rows.merge(self._connection, several, force=force)
        if changed:
            rollups.note(_written(several))
        return changed

    def _ensure_partitions(self, series: CandleSeries) -> None:
        stamps = series.columns["timestamp"]
        storage_of(self._connection).ensure_partitions(
            self._connection, "market_data", start_us=int(stamps[0]), end_us=int(stamps[-1])
        )

    def _any_stored(self, series: CandleSeries) -> bool:
        stamps = series.columns["timestamp"]
        within = market_data.c.timestamp.between(to_datetime(int(stamps[0])), to_datetime(int(stamps[-1])))
        one = sa.select(sa.literal(1)).where(*_of(series.symbol, series.timeframe), within).limit(1)
        return self._connection.scalar(one) is not None

    def _stored(self, symbol: str, width: Timeframe, start_us: int | None, end_us: int | None) -> CandleSeries:
        parameters = {"symbol": symbol, "timeframe": str(width), "start": lower(start_us), "end": upper(end_us)}
        return candle_rows.select(self._connection, _STORED, parameters, of=(symbol, width))

    def _wider(
        self, symbol: str, width: Timeframe, start_us: int | None, end_us: int | None, *, members: Iterable[Timeframe]
    ) -> CandleSeries:
        """Return candles made of narrower rows, without the one that is not over yet."""
        made = CandleSeries.empty(symbol, width)
        for member in members:
            last_us = self._last_us(symbol, member)
            assert last_us is not None
            # The first label not before `start`, less the width: where its first member opens.
            after_us = None if start_us is None else _floor(width, start_us - 1)
            until_us = _floor(width, last_us if end_us is None else min(last_us, end_us))
            if member is BASE:
                rows = made_of_minutes(self._connection, symbol, width, after_us=after_us, until_us=until_us)
            else:
                rows = of_rows(self._connection, symbol, width, member, after_us=after_us, until_us=until_us)
            made = better(made, rows)
        return made

    def _last_us(self, symbol: str, timeframe: Timeframe, until_us: int | None = None) -> int | None:
        """Return the close of the newest row, or of the newest one not later than a moment."""
        newest = sa.select(market_data.c.timestamp).where(*_of(symbol, timeframe))
        if until_us is not None:
            newest = newest.where(market_data.c.timestamp <= to_datetime(until_us))
        moment = self._connection.scalar(newest.order_by(market_data.c.timestamp.desc()).limit(1))
        return None if moment is None else from_datetime(moment)

    def _last_made_us(self, symbol: str, width: Timeframe) -> int | None:
        """Return the close of the newest candle that can be made of narrower rows or of trades."""
        if width.width_us < BASE.width_us:
            traded_us = RawTradeRepository(self._connection).last_us(symbol)
            return None if traded_us is None else _floor(width, traded_us)
        made = [self._last_made_of(symbol, width, member) for member in _members(self.stored_timeframes(symbol), width)]
        return max((label for label in made if label is not None), default=None)

    def _last_made_of(self, symbol: str, width: Timeframe, member: Timeframe) -> int | None:
        last_us = self._last_us(symbol, member)
        member_us = None if last_us is None else self._last_us(symbol, member, _floor(width, last_us))
        return None if member_us is None else width.close_of(member_us - 1)


def _members(stored: Iterable[Timeframe], width: Timeframe) -> list[Timeframe]:
    """Return the stored widths of which candles of a width can be made, in their order."""
    return [member for member in stored if BASE.width_us <= member.width_us < width.width_us and member.divides(width)]


def _of(symbol: str, timeframe: Timeframe) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return market_data.c.symbol == symbol, market_data.c.timeframe == str(timeframe)


def _floor(width: Timeframe, moment_us: int) -> int:
    """Return the newest close that is not after a moment."""
    return width.open_of(moment_us)


def _of_minutes(several: list[CandleSeries]) -> list[str]:
    return [series.symbol for series in several if series.timeframe is BASE and len(series)]


def _written(several: list[CandleSeries]) -> list[tuple[str, int, int]]:
    """Return where the first 1m row of each series opens and the last one closes."""
    stamps = [(series.symbol, series.columns["timestamp"]) for series in several if series.timeframe is BASE and len(series)]
    return [(symbol, int(labels[0]) - BASE.width_us, int(labels[-1])) for symbol, labels in stamps]
