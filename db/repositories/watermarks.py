"""Up to which trade each symbol is stored; committed together with the trades."""

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from db.tables import watermarks
from market.clock import from_datetime, to_datetime


class Watermark(msgspec.Struct, frozen=True, gc=False):
    """All trades of a symbol up to this one are stored, or noted as a gap.

    Attributes:
        symbol: `EXCHANGE:BASE-QUOTE`.
        trade_id: The venue's id of the last one; its time, where ids prove nothing.
        timestamp_us: Its time, UTC epoch microseconds.
        since_us: From this moment on nothing is missing but what is noted as a gap; None where that is not known.
    """

    symbol: str
    trade_id: int
    timestamp_us: int
    since_us: int | None = None


class WatermarkRepository:
    """Watermarks on one connection; who opened it commits."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, symbol: str) -> Watermark | None:
        """Return the watermark of a symbol; None before its first trade."""
        query = sa.select(watermarks).where(watermarks.c.symbol == symbol)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return None
        since_us = None if row.since is None else from_datetime(row.since)
        return Watermark(symbol, row.trade_id, from_datetime(row.timestamp), since_us)

    def symbols(self) -> list[str]:
        """Return the symbols of which trades came, sorted; of the newest, no candle may be stored yet."""
        return list(self._connection.scalars(sa.select(watermarks.c.symbol).order_by(watermarks.c.symbol)))

    def set(self, symbol: str, trade_id: int, timestamp_us: int, since_us: int | None = None) -> None:
        """Move the watermark of a symbol forward; it never goes back. `since_us` is kept where it is None."""
        since = None if since_us is None else to_datetime(since_us)
        new = insert(watermarks).values(symbol=symbol, trade_id=trade_id, timestamp=to_datetime(timestamp_us), since=since)
        kept = sa.func.coalesce(new.excluded.since, watermarks.c.since)
        forward = new.on_conflict_do_update(
            index_elements=["symbol"],
            set_={
                "trade_id": new.excluded.trade_id,
                "timestamp": new.excluded.timestamp,
                "since": kept,
                "updated_at": sa.func.now(),
            },
            where=sa.or_(
                new.excluded.trade_id > watermarks.c.trade_id,
                sa.and_(new.excluded.trade_id == watermarks.c.trade_id, kept.is_distinct_from(watermarks.c.since)),
            ),
        )
        self._connection.execute(forward)

    def restart(self, symbol: str, trade_id: int, timestamp_us: int, since_us: int | None = None) -> None:
        """Put the watermark of a symbol where its ids start over; that may be below the old one."""
        self._connection.execute(sa.delete(watermarks).where(watermarks.c.symbol == symbol))
        self.set(symbol, trade_id, timestamp_us, since_us)
