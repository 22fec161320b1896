"""How the feed of each symbol is doing, as its worker said last; for those who have no Redis."""

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from db.tables import feeds
from market.clock import from_datetime, to_datetime


class Feed(msgspec.Struct, frozen=True):
    """The feed of one symbol.

    Attributes:
        symbol: `EXCHANGE:BASE-QUOTE`.
        state: `live`, `quiet`, `stale`, `healing` or `down`.
        reason: Why, in words; empty where the state says it all.
        since_us: When the state began, UTC epoch microseconds by the worker's clock.
        last_trade_id: The newest trade then, None before the first.
        last_trade_us: Its time.
    """

    symbol: str
    state: str
    reason: str
    since_us: int
    last_trade_id: int | None = None
    last_trade_us: int | None = None


class FeedRepository:
    """Feeds on one connection; who opened it commits."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def set(self, feed: Feed) -> None:
        """Note the state of a feed."""
        last = feed.last_trade_us
        values = {
            "state": feed.state,
            "reason": feed.reason,
            "since": to_datetime(feed.since_us),
            "last_trade_id": feed.last_trade_id,
            "last_trade_at": None if last is None else to_datetime(last),
        }
        new = insert(feeds).values(symbol=feed.symbol, **values)
        self._connection.execute(new.on_conflict_do_update(index_elements=["symbol"], set_={**values, "updated_at": sa.func.now()}))

    def list(self) -> list[Feed]:
        """Return all feeds, in the order of the alphabet."""
        return [_feed(row) for row in self._connection.execute(sa.select(feeds).order_by(feeds.c.symbol)).mappings()]


def _feed(row: sa.RowMapping) -> Feed:
    last = row["last_trade_at"]
    return Feed(
        row["symbol"], row["state"], row["reason"], from_datetime(row["since"]), row["last_trade_id"],
        None if last is None else from_datetime(last),
    )  # fmt: skip
