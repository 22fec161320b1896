"""What came of some trades, in the order in which it has to be stored."""

import msgspec

from db.repositories.feeds import Feed
from market.candle import Candle
from market.trade import Trade
from market.window import Window
from streaming.ledger import Hole, Progress


class Mark(msgspec.Struct, frozen=True):
    """How far a symbol is: everything up to here is stored or noted as a hole.

    Attributes:
        last_id: The highest id that is known to exist; its time, where ids prove nothing.
        last_us: Its time, UTC epoch microseconds.
        since_us: Where the tape begins.
        restart: Whether the ids started over, so that the mark may go back.
    """

    last_id: int
    last_us: int
    since_us: int | None
    restart: bool = False


class Rebuild(msgspec.Struct, frozen=True):
    """Minutes that are no longer in memory and have to be made anew.

    Attributes:
        symbol: `EXCHANGE:BASE-QUOTE`.
        window: Whole minutes.
        trades: All their trades, fetched anew; None where the stored ones are all there is to know.
    """

    symbol: str
    window: Window
    trades: list[Trade] | None = None


class Batch(msgspec.Struct):
    """What came of some trades; all of it is stored in one transaction.

    Attributes:
        trades: New trades.
        candles: Candles that were closed or revised by them.
        holes: Holes that showed up.
        progress: What became of holes.
        duplicates: Trades that had been seen before; their payload is compared with the stored one.
        rebuilds: Minutes that have to be made anew.
        feeds: States that changed.
        marks: How far symbols are whose trades do not say it all; else the mark is the highest trade.
    """

    trades: list[Trade] = msgspec.field(default_factory=list)
    candles: list[Candle] = msgspec.field(default_factory=list)
    holes: list[Hole] = msgspec.field(default_factory=list)
    progress: list[Progress] = msgspec.field(default_factory=list)
    duplicates: list[Trade] = msgspec.field(default_factory=list)
    rebuilds: list[Rebuild] = msgspec.field(default_factory=list)
    feeds: list[Feed] = msgspec.field(default_factory=list)
    marks: dict[str, Mark] = msgspec.field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.trades or self.candles or self.holes or self.progress or self.duplicates or self.rebuilds or self.feeds)

    @property
    def size(self) -> int:
        """How much room it takes while it waits."""
        return len(self.trades) + len(self.duplicates) + len(self.candles)

    def add(self, other: "Batch") -> None:
        """Take what another batch has, behind what this one has."""
        self.trades += other.trades
        self.candles += other.candles
        self.holes += other.holes
        self.progress += other.progress
        self.duplicates += other.duplicates
        self.rebuilds += other.rebuilds
        self.feeds += other.feeds
        for symbol, mark in other.marks.items():
            self.mark(symbol, mark)

    def mark(self, symbol: str, mark: Mark | None) -> None:
        """Note how far a symbol is; that its ids started over is not forgotten."""
        if mark is None:
            return
        before = self.marks.get(symbol)
        again = before is not None and before.restart and not mark.restart
        self.marks[symbol] = msgspec.structs.replace(mark, restart=True) if again else mark
