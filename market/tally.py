"""What the trades of one span add up to."""

from collections.abc import Sequence
from math import fsum
from operator import mul

from market.candle import Candle, Origin
from market.timeframe import Timeframe
from market.trade import Side, Trade

_BUY = Side.BUY  # looking a member up costs more than comparing it


class Tally:
    """Prices, counts and sums of the trades of one span; sums are kept unrounded, and rounded where a candle is made of them.

    Args:
        by_id: Whether ids say which trade came first; where they say nothing, times do.

    Attributes:
        open: Price of the first trade; `high`, `low` and `close` likewise.
        count: Fills.
        first_id: Lowest id; `last_id` the highest.
        first_place: What orders the first trade: its id or its time; `last_place` likewise.
        volume: Parts of the sum of sizes; `quote` of price times size, `bought` of the sizes that takers bought.
    """

    __slots__ = (
        "bought", "by_id", "close", "count", "first_id", "first_place", "high", "last_id", "last_place", "low", "open", "quote",
        "volume",
    )  # fmt: skip

    def __init__(self, trades: Sequence[Trade], *, by_id: bool = True) -> None:
        self.by_id = by_id
        first = trades[0]
        self.open = self.high = self.low = self.close = first.price
        self.count = 0
        self.first_id, self.last_id = first.first_id, first.trade_id
        self.first_place, self.last_place = self._places(first)
        self.volume: list[float] = []
        self.quote: list[float] = []
        self.bought: list[float] = []
        self.extend(trades)

    def extend(self, trades: Sequence[Trade]) -> None:
        """Take trades that come behind all others, in their order."""
        prices, sizes = [trade.price for trade in trades], [trade.size for trade in trades]
        self.volume.append(fsum(sizes))
        self.quote.append(fsum(map(mul, prices, sizes)))
        self.bought.append(fsum([trade.size for trade in trades if trade.side is _BUY]))
        self.count += sum([trade.count for trade in trades])
        high, low = max(prices), min(prices)
        self.high, self.low = max(self.high, high), min(self.low, low)
        last = trades[-1]
        self.close, self.last_id = last.price, last.trade_id
        self.last_place = self._places(last)[1]

    def insert(self, trade: Trade) -> None:
        """Take a trade that belongs somewhere between the others."""
        self.volume.append(trade.size)
        self.quote.append(trade.price * trade.size)
        self.bought.append(trade.size if trade.side is _BUY else 0.0)
        self.count += trade.count
        self.high, self.low = max(self.high, trade.price), min(self.low, trade.price)
        first, last = self._places(trade)
        if first < self.first_place:
            self.open, self.first_id, self.first_place = trade.price, trade.first_id, first
        if last >= self.last_place:
            self.close, self.last_id, self.last_place = trade.price, trade.trade_id, last

    def candle(
        self, symbol: str, timeframe: Timeframe, label: int, *, decimals: int, final: bool, complete: bool | None,
        origin: Origin, revision: int = 0,
    ) -> Candle:  # fmt: skip
        """Return the candle of the span that closes at `label`."""
        return Candle(
            symbol, timeframe, label, self.open, self.high, self.low, self.close,
            volume=round(_sum(self.volume), decimals),
            quote_volume=round(_sum(self.quote), decimals),
            trades=self.count,
            taker_buy_volume=round(_sum(self.bought), decimals),
            first_trade_id=self.first_id if self.by_id else None,
            last_trade_id=self.last_id if self.by_id else None,
            final=final, complete=complete, origin=origin, revision=revision,
        )  # fmt: skip

    def _places(self, trade: Trade) -> tuple[int, int]:
        return (trade.first_id, trade.trade_id) if self.by_id else (trade.timestamp_us, trade.timestamp_us)

    def sums(self) -> tuple[float, float, float]:
        """Return volume, quote volume and what takers bought, unrounded."""
        return _sum(self.volume), _sum(self.quote), _sum(self.bought)

    @classmethod
    def of_candle(cls, candle: Candle, sums: tuple[float, float, float] | None = None) -> "Tally":
        """Return what the trades of a candle added up to; without their sums, as far as its rounded ones tell."""
        tally = cls.__new__(cls)
        tally.by_id = candle.first_trade_id is not None
        tally.open, tally.high, tally.low, tally.close = candle.open, candle.high, candle.low, candle.close
        tally.count = candle.trades or 0
        tally.first_id, tally.last_id = candle.first_trade_id or 0, candle.last_trade_id or 0
        by_time = candle.open_us, candle.timestamp_us - 1
        tally.first_place, tally.last_place = (tally.first_id, tally.last_id) if tally.by_id else by_time
        rounded = candle.volume, candle.quote_volume or 0.0, candle.taker_buy_volume or 0.0
        tally.volume, tally.quote, tally.bought = ([each] for each in sums or rounded)
        return tally


def _sum(parts: list[float]) -> float:
    # What was added once stays added: a span that is revised often would sum up all its parts each time.
    if len(parts) > 1:
        total = fsum(parts)
        parts[:] = [total, fsum([*parts, -total])]
        return total
    return parts[0]
