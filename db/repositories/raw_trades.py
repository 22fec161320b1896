"""Trades, and other things a venue sent, as they came."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects.postgresql import insert

from db import trade_rows
from db.bounds import Moment, lower, upper
from db.bulk import copy_in, stage
from db.storage import storage_of
from db.tables import raw_points, raw_trades
from market.clock import from_datetime, to_datetime
from market.timeframe import DAY_US
from market.trade import MarketDataPoint, Trade

if TYPE_CHECKING:
    import pandas as pd

# The same id so much earlier or later is another trade: a venue whose ids started over.
_NEAR_US = DAY_US

_THESE = "symbol = %(symbol)s and timestamp >= %(start)s and timestamp < %(end)s and trade_id = any(%(ids)s)"
_NEWEST = "symbol = %(symbol)s order by timestamp desc, trade_id desc limit %(most)s"
_WINDOW = "symbol = %(symbol)s and timestamp >= %(start)s and timestamp < %(end)s order by timestamp, trade_id"


class Contiguity(msgspec.Struct, frozen=True, gc=False):
    """How whole the stored trades of a symbol are.

    Attributes:
        first_id: The lowest id stored.
        last_id: The highest id stored.
        rows: Stored trades.
        ids: Ids they stand for; the tape is whole when this is `last_id - first_id + 1`.
    """

    first_id: int
    last_id: int
    rows: int
    ids: int

    @property
    def missing(self) -> int:
        """Ids between the first and the last that no stored trade stands for."""
        return self.last_id - self.first_id + 1 - self.ids


class RawTradeRepository:
    """Trades and points on one connection; who opened it commits."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def append(self, trades: Sequence[Trade]) -> int:
        """Store trades that are known to be new, straight by COPY; return how many.

        Raises:
            RowsExist: If one is stored already, or comes twice; none is stored then, and the transaction can go on.
        """
        if not trades:
            return 0
        self._ensure_partitions(trades)
        data = trade_rows.encode_trades(trades)
        with self._connection.begin_nested():
            copy_in(self._connection, "raw_trades", trade_rows.COLUMNS, data=data)
        return len(trades)

    def insert_trades(self, trades: Sequence[Trade]) -> int:
        """Store trades of which some may be stored already; return how many were new."""
        if not trades:
            return 0
        self._ensure_partitions(trades)
        names = ", ".join(trade_rows.COLUMNS)
        staged = stage(self._connection, "raw_trades", trade_rows.COLUMNS, data=trade_rows.encode_trades(trades))
        statement = f"insert into raw_trades ({names}) select {names} from {staged} on conflict do nothing"  # noqa: S608 - our names
        return self._connection.exec_driver_sql(statement).rowcount

    def get_trades(self, symbol: str, start_us: int, end_us: int) -> list[Trade]:
        """Return the trades with `start_us <= timestamp_us < end_us` in the order of time and id."""
        return list(trade_rows.trades_of(symbol, self.get_columns(symbol, start_us, end_us)))

    def differing(self, trades: Sequence[Trade]) -> list[tuple[Trade, Trade]]:
        """Return those trades that are stored with another price, size or side, each with the stored one first.

        Trades that stand for another number of ids are not compared: one merges fills that the other does not.
        """
        found: list[tuple[Trade, Trade]] = []
        for symbol in dict.fromkeys(trade.symbol for trade in trades):
            again = {trade.trade_id: trade for trade in trades if trade.symbol == symbol}
            moments = [trade.timestamp_us for trade in again.values()]
            columns = trade_rows.select(
                self._connection,
                _THESE,
                {
                    "symbol": symbol,
                    "start": to_datetime(min(moments) - _NEAR_US),
                    "end": to_datetime(max(moments) + _NEAR_US),
                    "ids": list(again),
                },
            )
            pairs = ((stored, again[stored.trade_id]) for stored in trade_rows.trades_of(symbol, columns))
            found += [(stored, other) for stored, other in pairs if stored.id_span == other.id_span and not stored.agrees(other)]
        return found

    def get_columns(self, symbol: str, start: Moment = None, end: Moment = None) -> dict[str, NDArray[Any]]:
        """Return trades as numpy columns: trade_id, timestamp, price, size, taker_buy, count, id_span, received_at.

        Args:
            symbol: `EXCHANGE:BASE-QUOTE`.
            start: Earliest moment, included.
            end: Latest moment, not included.
        """
        return trade_rows.select(self._connection, _WINDOW, {"symbol": symbol, "start": lower(start), "end": upper(end)})

    def get_newest(self, symbol: str, most: int) -> dict[str, NDArray[Any]]:
        """Return the newest trades as `get_columns` does, newest first, at most so many."""
        return trade_rows.select(self._connection, _NEWEST, {"symbol": symbol, "most": most})

    def get_raw_trades(self, symbol: str, data_type: str = "trade", start: Moment = None, end: Moment = None) -> "pd.DataFrame":
        """Return what a venue sent from `start` up to, but not including, `end` as a table, oldest first.

        Returns:
            Columns symbol, data_type, timestamp, trade_id, price, size, side, count, received_at and payload. Of type `trade`
            there are stored trades (without a payload) and points (with nothing but one); of other types points only.
        """
        from db.frames import points_frame  # noqa: PLC0415 - pandas is not for the path of the data

        trades = self.get_columns(symbol, start, end) if data_type == "trade" else None
        return points_frame(symbol, data_type, trades, self._points(symbol, data_type, start, end))

    def insert_market_data_point(self, point: MarketDataPoint) -> bool:
        """Store something as the venue sent it; return whether it is new."""
        canonical = msgspec.json.encode(point.payload, order="deterministic")
        row = {
            "symbol": point.symbol,
            "data_type": point.data_type,
            "timestamp": to_datetime(point.timestamp),
            "digest": hashlib.blake2b(canonical, digest_size=16).digest(),
            "payload": point.payload,
        }
        return self._connection.execute(insert(raw_points).values(row).on_conflict_do_nothing()).rowcount == 1

    def contiguity(self, symbol: str) -> Contiguity | None:
        """Return how whole the stored trades of a symbol are; None when there are none."""
        stored = raw_trades.c
        summary = sa.select(
            sa.func.min(stored.trade_id - stored.id_span + 1),
            sa.func.max(stored.trade_id),
            sa.func.count(),
            sa.func.sum(stored.id_span),
        ).where(stored.symbol == symbol)
        first_id, last_id, rows, ids = self._connection.execute(summary).one()
        return Contiguity(first_id, last_id, rows, int(ids)) if rows else None

    def last_us(self, symbol: str, *, before_us: int | None = None) -> int | None:
        """Return the time of the newest trade, or of the newest one before a moment."""
        newest = sa.select(raw_trades.c.timestamp).where(raw_trades.c.symbol == symbol)
        if before_us is not None:
            newest = newest.where(raw_trades.c.timestamp < to_datetime(before_us))
        moment = self._connection.scalar(newest.order_by(raw_trades.c.timestamp.desc()).limit(1))
        return None if moment is None else from_datetime(moment)

    def first_us(self, symbol: str, *, from_us: int) -> int | None:
        """Return the time of the first trade at or after a moment."""
        first = sa.select(raw_trades.c.timestamp).where(
            raw_trades.c.symbol == symbol, raw_trades.c.timestamp >= to_datetime(from_us)
        )
        moment = self._connection.scalar(first.order_by(raw_trades.c.timestamp).limit(1))
        return None if moment is None else from_datetime(moment)

    def _points(self, symbol: str, data_type: str, start: Moment, end: Moment) -> list[tuple[datetime, Any]]:
        kept = raw_points.c
        within = (kept.timestamp >= lower(start), kept.timestamp < upper(end))
        query = sa.select(kept.timestamp, kept.payload).where(kept.symbol == symbol, kept.data_type == data_type, *within)
        return [(row.timestamp, row.payload) for row in self._connection.execute(query.order_by(kept.timestamp, kept.digest))]

    def _ensure_partitions(self, trades: Sequence[Trade]) -> None:
        moments = [trade.timestamp_us for trade in trades]
        storage_of(self._connection).ensure_partitions(self._connection, "raw_trades", start_us=min(moments), end_us=max(moments))
