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
        trade_id: The venue's id of the last one.
        timestamp_us: Its time, UTC epoch microseconds.
    """

    symbol: str
    trade_id: int
    timestamp_us: int


class WatermarkRepository:
    """Watermarks on one connection; who opened it commits."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, symbol: str) -> Watermark | None:
        """Return the watermark of a symbol; None before its first trade."""
        query = sa.select(watermarks.c.trade_id, watermarks.c.timestamp).where(watermarks.c.symbol == symbol)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else Watermark(symbol, row.trade_id, from_datetime(row.timestamp))

    def set(self, symbol: str, trade_id: int, timestamp_us: int) -> None:
        """Move the watermark of a symbol forward; it never goes back."""
        new = insert(watermarks).values(symbol=symbol, trade_id=trade_id, timestamp=to_datetime(timestamp_us))
        forward = new.on_conflict_do_update(
            index_elements=["symbol"],
            set_={"trade_id": new.excluded.trade_id, "timestamp": new.excluded.timestamp, "updated_at": sa.func.now()},
            where=new.excluded.trade_id > watermarks.c.trade_id,
        )
        self._connection.execute(forward)
