"""Builds one symbol's complete series of candles from its trades. Time is an argument; a replay gives the same candles."""

from collections.abc import Sequence

import msgspec

from market.candle import Candle, Origin, flat_candle
from market.recent import RecentCandles
from market.tally import Tally
from market.timeframe import BASE, Timeframe
from market.trade import Trade
from market.window import Window

_FOLD_AT = 1024
_NONE: list[Candle] = []


class Healed(msgspec.Struct, frozen=True):
    """What came of trades that were missed.

    Attributes:
        candles: Those closed or revised, oldest first.
        forgotten: Spans that they touch and that are not remembered any more: they have to be made anew from the store.
    """

    candles: list[Candle]
    forgotten: Window | None = None


class CandleBuilder:
    """The candles of one symbol, closed by its trades or by the venue's clock.

    Trades come in the order of their ids through `add`; those that were missed through `heal`. A span without a trade gets a
    flat candle as soon as it is known that the feed was whole over it: a successor with the next id proves that, and
    the clock closes (`close_until`) only while the feed is alive, and says whether that is proven.

    A candle is `complete` unless a hole overlaps its span or it began before the first trade known. A trade with `count` 0 is
    in no candle: the venue does not count it. The last 1,440 candles are remembered and can be revised; what is older has to
    be made anew from the store.

    Args:
        symbol: `EXCHANGE:BASE-QUOTE`.
        timeframe: Width of the candles.
        decimals: Digits after the point to which sums are rounded: the venue's printed precision.
        provable: Whether the venue's ids prove that nothing is missing; if not, `complete` is None where it would be True.

    Attributes:
        recent: The candles that are over and may still be revised.
    """

    def __init__(self, symbol: str, timeframe: Timeframe = BASE, *, decimals: int = 8, provable: bool = True) -> None:
        self.symbol, self.timeframe = symbol, timeframe
        self.recent = RecentCandles(symbol, timeframe, decimals=decimals, provable=provable)
        self._decimals, self._provable = decimals, provable
        self._width = timeframe.width_us
        self._open_us = self._close_us = 0  # the span that is forming; empty before the first trade
        self._pending: list[Trade] = []
        self._forming: Tally | None = None  # what was folded of the forming span
        self._origin = Origin.LIVE
        self._price: float | None = None

    # -- the feed ------------------------------------------------------------------------------------------------

    def add(self, trade: Trade) -> list[Candle]:
        """Take the next trade; return the candles that it closed or revised, oldest first.

        One whose time lies before the forming span finds its place like one that was missed.
        """
        if self._open_us <= trade.timestamp_us < self._close_us:
            self._pending.append(trade)
            if len(self._pending) >= _FOLD_AT:
                self._fold()
            return _NONE
        return self._cross(trade)

    def extend(self, trades: Sequence[Trade]) -> None:
        """Take the next trades, all of them inside the forming `span`: what `add` does, for many at once."""
        self._pending += trades
        if len(self._pending) >= _FOLD_AT:
            self._fold()

    def close_until(self, now_us: int, *, proven: bool = True) -> list[Candle]:
        """Close every span that ended at or before the venue's time `now_us`; return their candles, oldest first.

        What is not `proven`, because nobody knows yet whether the feed delivered all that happened before `now_us`, makes
        candles that are not complete until `prove` is called.
        """
        return self._close_through(now_us, proven=proven) if self._close_us and now_us >= self._close_us else []

    @property
    def in_doubt(self) -> bool:
        """Whether candles were closed that are not proven yet."""
        return self.recent.doubted_us <= self._open_us

    def prove(self, moment_us: int) -> list[Candle]:
        """Note that all that happened before a moment came, or is a known hole; return the candles that say so now."""
        return self.recent.prove(moment_us, self._open_us)

    @property
    def span(self) -> tuple[int, int]:
        """Begin and end of the forming span, half-open, UTC epoch microseconds; empty before the first trade."""
        return self._open_us, self._close_us

    def forming(self) -> Candle | None:
        """Return the candle of the span that is not over, None before the first trade."""
        self._fold()
        label = self._close_us
        if self._forming is not None:
            return self._forming.candle(
                self.symbol, self.timeframe, label, decimals=self._decimals, final=False, complete=self.recent.complete(label),
                origin=self._origin,
            )  # fmt: skip
        if self._price is None:
            return None
        flat = flat_candle(self.symbol, self.timeframe, label, self._price, complete=self.recent.complete(label))
        return msgspec.structs.replace(flat, final=False)

    # -- holes ---------------------------------------------------------------------------------------------------

    def open_hole(self, hole: Window) -> list[Candle]:
        """Note that trades are missing between two moments, both included; call it before `add` of the trade behind the hole.

        Returns the candles already closed that are not complete any more.
        """
        self.recent.holes.append(hole)
        return self._revise(hole, None)

    def heal(
        self, trades: Sequence[Trade], *, hole: Window | None = None, left: Window | None = None, origin: Origin = Origin.HEALED
    ) -> Healed:
        """Take trades that were missed, in the order of their ids.

        Args:
            trades: What came after all.
            hole: The hole they belong to, None when its place does not change.
            left: What is left of it, None when nothing is missing there any more.
            origin: What the candles say of the change.
        """
        recent = self.recent
        recent.swap_hole(hole, left)
        candles: list[Candle] = []
        first = last = None if hole is None else self.timeframe.close_of(hole.start_us)
        if hole is not None:
            last = self.timeframe.close_of(hole.end_us)
        lost = [] if hole is None else _mended(hole, left)
        for trade in trades:
            if not trade.count:
                continue
            if trade.timestamp_us >= self._close_us:
                candles += self._cross(trade)
                self._origin = origin
            elif trade.timestamp_us >= self._open_us:
                self._insert(trade, origin)
            elif (label := recent.insert(trade)) is None:
                lost.append(Window(trade.timestamp_us, trade.timestamp_us))
            else:
                first, last = min(first or label, label), max(last or label, label)
        if first is not None and last is not None:
            candles += recent.revise(first, last, self._open_us, origin)
            self._follow_price()
        return Healed(_newest(candles), self._forgotten(lost))

    # -- starting again ------------------------------------------------------------------------------------------

    def resume(self, candle: Candle, *flats: Candle, trades: Sequence[Trade] = ()) -> None:
        """Go on behind a stored candle and those without trades behind it, of a builder that has seen nothing yet.

        All of them may be revised like any other; `trades` are those of the candle, as far as they are stored.
        """
        self.recent.adopt(candle, trades)
        for flat in flats:
            self.recent.adopt(flat)
        last = flats[-1] if flats else candle
        self._price = candle.close
        self.recent.known_from_us = candle.open_us if candle.complete is not False else candle.timestamp_us
        self._open_us, self._close_us = last.timestamp_us, last.timestamp_us + self._width

    # -- inside --------------------------------------------------------------------------------------------------

    def _cross(self, trade: Trade) -> list[Candle]:
        moment = trade.timestamp_us
        if not trade.count:
            return self.close_until(moment)
        if not self._close_us:
            if self.recent.known_from_us is None:
                self.recent.known_from_us = moment + 1  # what came before it, at the same moment too, is not known
            self._open_us = self.timeframe.open_of(moment)
            self._close_us = self._open_us + self._width
        elif moment < self._open_us:
            return self.heal([trade], origin=Origin.LIVE).candles
        closed = self._close_through(moment)
        self._pending.append(trade)
        self._price = trade.price
        return closed

    def _close_through(self, moment_us: int, *, proven: bool = True) -> list[Candle]:
        # Closes the forming span and the empty ones up to the span that holds the moment.
        closed: list[Candle] = []
        while self._close_us <= moment_us:
            self._fold()
            if self._forming is None and self.recent.in_hole(self._close_us):
                self._skip(moment_us)  # nobody knows whether there were trades: no invented prices
                continue
            if not proven:
                self.recent.doubt(self._close_us)
            if self._price is not None:
                closed.append(self.recent.close(self._close_us, self._forming, self._price, self._origin))
            self._forming, self._origin = None, Origin.LIVE
            self._open_us, self._close_us = self._close_us, self._close_us + self._width
        return closed

    def _skip(self, moment_us: int) -> None:
        holes = [hole for hole in self.recent.holes if hole.start_us < self._close_us and hole.end_us >= self._open_us]
        last_us = max(hole.end_us for hole in holes)
        self._open_us = min(self.timeframe.open_of(moment_us), max(self.timeframe.open_of(last_us), self._close_us))
        self._close_us = self._open_us + self._width

    def _fold(self) -> None:
        # Adds up the trades that wait. Sums are rounded once, where a candle is made.
        trades = self._pending
        if not trades:
            return
        self._pending = []
        if 0 in [trade.count for trade in trades]:
            trades = [trade for trade in trades if trade.count]
            if not trades:
                return
        if self._forming is None:
            self._forming = Tally(trades, by_id=self._provable)
        else:
            self._forming.extend(trades)
        self._price = self._forming.close

    def _insert(self, trade: Trade, origin: Origin) -> None:
        self._fold()
        if self._forming is None:
            self._forming = Tally([trade], by_id=self._provable)
        else:
            self._forming.insert(trade)
        self._price, self._origin = self._forming.close, origin

    def _revise(self, moments: Window, origin: Origin | None) -> list[Candle]:
        first, last = self.timeframe.close_of(moments.start_us), self.timeframe.close_of(moments.end_us)
        return self.recent.revise(first, last, self._open_us, origin)

    def _follow_price(self) -> None:
        before = self.recent.get(self._open_us)
        if self._forming is None and not self._pending and before is not None:
            self._price = before.close

    def _forgotten(self, lost: list[Window]) -> Window | None:
        parts = [part for each in lost if (part := self.recent.forgotten(each, self._close_us)) is not None]
        return Window(min(part.start_us for part in parts), max(part.end_us for part in parts)) if parts else None


def _mended(hole: Window, left: Window | None) -> list[Window]:
    """Return where a hole is no longer one."""
    if left is None:
        return [hole]
    edges = ((hole.start_us, left.start_us), (left.end_us, hole.end_us))
    return [Window(start_us, end_us) for start_us, end_us in edges if start_us < end_us]


def _newest(candles: list[Candle]) -> list[Candle]:
    """Return each span once, as it stands at last, oldest first."""
    return list(
        {candle.timestamp_us: candle for candle in sorted(candles, key=lambda each: (each.timestamp_us, each.revision))}.values()
    )
