"""What came of some trades, in the order in which it has to be stored."""

import msgspec

from market.candle import Candle
from market.trade import Trade
from market.window import Window
from streaming.ledger import Hole, Progress


class FeedState(msgspec.Struct, frozen=True):
    """How the feed of a symbol is doing.

    Attributes:
        symbol: `EXCHANGE:BASE-QUOTE`.
        state: `live`, `quiet`, `stale`, `healing` or `down`.
        reason: Why, in words; empty where the state says it all.
        since_us: When the state began, UTC epoch microseconds by our clock.
        last_trade_id: The newest trade, None before the first.
        last_trade_us: Its time.
    """

    symbol: str
    state: str
    reason: str
    since_us: int
    last_trade_id: int | None = None
    last_trade_us: int | None = None


class Batch(msgspec.Struct):
    """What came of some trades; all of it is stored in one transaction.

    Attributes:
        trades: New trades.
        candles: Candles that were closed or revised by them.
        holes: Holes that showed up.
        progress: What became of holes.
        duplicates: Trades that had been seen before; their payload is compared with the stored one.
        rebuilds: Minutes that are no longer in memory and have to be made anew from the store.
        feeds: States that changed.
    """

    trades: list[Trade] = msgspec.field(default_factory=list)
    candles: list[Candle] = msgspec.field(default_factory=list)
    holes: list[Hole] = msgspec.field(default_factory=list)
    progress: list[Progress] = msgspec.field(default_factory=list)
    duplicates: list[Trade] = msgspec.field(default_factory=list)
    rebuilds: list[tuple[str, Window]] = msgspec.field(default_factory=list)
    feeds: list[FeedState] = msgspec.field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(
            self.trades or self.candles or self.holes or self.progress or self.duplicates or self.rebuilds or self.feeds
        )

    def add(self, other: "Batch") -> None:
        """Take what another batch has, behind what this one has."""
        self.trades += other.trades
        self.candles += other.candles
        self.holes += other.holes
        self.progress += other.progress
        self.duplicates += other.duplicates
        self.rebuilds += other.rebuilds
        self.feeds += other.feeds
