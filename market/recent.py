"""The closed candles that may still be revised, and the holes that overlap them."""

from collections.abc import Sequence

import msgspec

from market.candle import Candle, Origin, flat_candle
from market.tally import Tally
from market.timeframe import Timeframe
from market.trade import Trade
from market.window import Window

_REMEMBERED = 1440
_NEVER_US = 2**63 - 1


class _Kept(msgspec.Struct, gc=False):
    # The tally is there while a span is being revised; else its sums are enough, where ids tell the order of trades.
    # Of a span that was inside a hole until now there is no candle yet.
    candle: Candle | None
    tally: Tally | None = None
    sums: tuple[float, float, float] | None = None

    def traded(self) -> Tally | None:
        if self.tally is None and self.candle is not None and self.candle.trades:
            self.tally = Tally.of_candle(self.candle, self.sums)
        return self.tally


class RecentCandles:
    """The last 1,440 candles of one symbol. What is older has to be read from the store.

    Args:
        symbol: `EXCHANGE:BASE-QUOTE`.
        timeframe: Width of the candles.
        decimals: Digits after the point to which sums are rounded.
        provable: Whether the venue's ids prove that nothing is missing; if not, `complete` is None where it would be True.
        remembered: How many candles.

    Attributes:
        holes: Where trades are missing; both ends belong to it.
        known_from_us: Nothing is known before this moment; None before the first trade.
        doubted_us: The oldest label that was closed before anybody knew that the feed was whole up to it.
    """

    def __init__(self, symbol: str, timeframe: Timeframe, *, decimals: int, provable: bool, remembered: int = _REMEMBERED) -> None:
        self._symbol, self._timeframe, self._width = symbol, timeframe, timeframe.width_us
        self._decimals, self._provable, self._remembered = decimals, provable, remembered
        self._kept: dict[int, _Kept] = {}
        self._floor_us = 0  # the oldest label that is remembered
        self.holes: list[Window] = []
        self.known_from_us: int | None = None
        self.doubted_us = _NEVER_US

    def get(self, label: int) -> Candle | None:
        """Return the remembered candle that closes at a moment."""
        kept = self._kept.get(label)
        return kept.candle if kept else None

    def candles(self, labels: range) -> list[Candle]:
        """Return the remembered candles with these closes, oldest first."""
        found = [self.get(label) for label in labels]
        return [candle for candle in found if candle is not None]

    def complete(self, label: int) -> bool | None:
        """Return whether the span that closes at `label` is proven whole."""
        open_us = label - self._width
        if self.known_from_us is None or open_us < self.known_from_us or label >= self.doubted_us or self.in_hole(label):
            return False
        return True if self._provable else None

    def in_hole(self, label: int) -> bool:
        """Return whether trades of the span that closes at `label` may be missing."""
        open_us = label - self._width
        return any(hole.start_us < label and hole.end_us >= open_us for hole in self.holes)

    def close(self, label: int, tally: Tally | None, price: float, origin: Origin) -> Candle:
        """Make the candle of a span that is over, and remember it."""
        candle = self._candle(label, tally, price, origin, 0)
        self._remember(label, self._compact(candle, tally))
        return candle

    def doubt(self, label: int) -> None:
        """Note that nobody knows yet whether the feed was whole over the span that closes at a moment."""
        self.doubted_us = min(self.doubted_us, label)

    def prove(self, moment_us: int, until_us: int) -> list[Candle]:
        """Note that the feed was whole up to a moment, but for the holes; return the candles that say so now, oldest first.

        `until_us` is the label of the newest span that is over.
        """
        first = self.doubted_us
        if moment_us < first:
            return []
        behind = self._timeframe.open_of(moment_us) + self._width
        self.doubted_us = behind if behind <= until_us else _NEVER_US
        return self.revise(first, min(behind - self._width, until_us), until_us, None)

    def adopt(self, candle: Candle, trades: Sequence[Trade] = ()) -> None:
        """Remember a stored candle, and its trades where all of them are at hand."""
        whole = candle.trades and sum([trade.count for trade in trades]) == candle.trades
        self._remember(candle.timestamp_us, self._compact(candle, Tally(trades, by_id=self._provable) if whole else None))

    def begin(self, label: int) -> None:
        """Remember from this close on, before there is a candle."""
        self._floor_us = label

    def replace(self, label: int, trades: Sequence[Trade]) -> None:
        """Put all trades of a span, in their order, in the place of what is known of it; `revise` makes its candle."""
        kept = self._kept.setdefault(label, _Kept(None))
        counted = [trade for trade in trades if trade.count]
        kept.tally, kept.sums = Tally(counted, by_id=self._provable) if counted else None, None

    def swap_hole(self, hole: Window | None, left: Window | None) -> None:
        """Put what is left of a hole in its place."""
        if hole is not None and hole in self.holes:
            self.holes.remove(hole)
        if left is not None:
            self.holes.append(left)
        if hole is not None and self.known_from_us is not None and hole.start_us < self.known_from_us <= hole.end_us + 1:
            behind_us = hole.start_us if left is None else left.end_us  # what came before the first trade is known now
            self.known_from_us = min(self.known_from_us, behind_us + 1)

    def insert(self, trade: Trade) -> int | None:
        """Take a trade of a span that is over; return the label of the span, None when it is not remembered."""
        label = self._timeframe.close_of(trade.timestamp_us)
        if label < self._floor_us or not self._kept:
            return None
        kept = self._kept.setdefault(label, _Kept(None))
        tally = kept.traded()
        if tally is None:
            kept.tally = Tally([trade], by_id=self._provable)
        else:
            tally.insert(trade)
        return label

    def revise(self, first: int, last: int, until_us: int, origin: Origin | None) -> list[Candle]:
        """Make the candles of some spans anew, and the flat ones behind them; return those that changed, oldest first.

        Args:
            first: Label of the first span that may have changed.
            last: Label of the last one.
            until_us: The label of the newest span that is over.
            origin: Where the changes come from, None where only the standing changed.
        """
        changed = []
        label = max(first, self._floor_us)
        while label <= until_us:
            kept = self._kept.get(label)
            before = kept.candle if kept else None
            after = self._again(label, kept, origin)
            if after is not None:
                self._kept[label] = self._compact(after, kept.tally if kept else None)
            if after is not None and after != before:
                changed.append(after)
            elif label > last:
                break
            label += self._width
        return changed

    def forgotten(self, moments: Window, forming: int = 0) -> Window | None:
        """Return the part of some moments (both ends included) whose spans are no longer remembered, in whole spans.

        Before the first candle none is: then `forming`, the close of the span that is not over, says what lies before it.
        """
        first, floor = self._timeframe.close_of(moments.start_us), self._floor_us or forming
        last = min(self._timeframe.close_of(moments.end_us), floor - self._width)
        return Window(first - self._width, last) if first <= last and floor else None

    def _again(self, label: int, kept: _Kept | None, origin: Origin | None) -> Candle | None:
        before = kept.candle if kept else None
        tally = kept.traded() if kept else None
        previous = self.get(label - self._width)
        if before is None and tally is None and (previous is None or self.in_hole(label)):
            return None  # still nobody knows what happened in it
        price = previous.close if previous else before.close if before else 0.0
        new_origin = origin or (before.origin if before else Origin.HEALED)
        after = self._candle(label, tally, price, new_origin, before.revision if before else 0)
        if before is None:
            return after
        if msgspec.structs.replace(after, origin=before.origin) == before:
            return before
        return msgspec.structs.replace(after, revision=before.revision + 1)

    def _candle(self, label: int, tally: Tally | None, price: float, origin: Origin, revision: int) -> Candle:
        complete = self.complete(label)
        if tally is None:
            flat = flat_candle(self._symbol, self._timeframe, label, price, complete=complete)
            return (
                flat if origin is Origin.LIVE and not revision else msgspec.structs.replace(flat, origin=origin, revision=revision)
            )
        return tally.candle(
            self._symbol, self._timeframe, label, decimals=self._decimals, final=True, complete=complete, origin=origin,
            revision=revision,
        )  # fmt: skip

    def _compact(self, candle: Candle, tally: Tally | None) -> _Kept:
        # 1,440 tallies a symbol would be most of the worker's memory. Without ids they are needed for the order of trades.
        if tally is None or not self._provable:
            return _Kept(candle, tally)
        return _Kept(candle, None, tally.sums())

    def _remember(self, label: int, kept: _Kept) -> None:
        self._kept[label] = kept
        if len(self._kept) == 1 and not self._floor_us:
            self._floor_us = label
        if len(self._kept) <= self._remembered:
            return
        oldest = label - (self._remembered - 1) * self._width
        if oldest - self._floor_us > self._width:  # it jumped over a long hole
            self._kept = {each: self._kept[each] for each in self._kept if each >= oldest}
        else:
            self._kept.pop(self._floor_us, None)
        self._floor_us = max(self._floor_us, oldest)
        if self.holes:  # one that no remembered candle touches has done its work here
            self.holes = [hole for hole in self.holes if hole.end_us >= self._floor_us - self._width]
