"""Builds one symbol's complete series of candles from its trades. Time is an argument; a replay gives the same candles."""

from collections import OrderedDict
from collections.abc import Sequence
from math import fsum
from operator import mul

import msgspec

from market.candle import Candle, Origin, flat_candle
from market.timeframe import BASE, Timeframe
from market.trade import Side, Trade
from market.window import Window

_FOLD_AT = 1024
_REMEMBERED = 1440
_NONE: list[Candle] = []
_BUY = Side.BUY  # looking a member up costs more than comparing it


class CandleBuilder:
    """The candles of one symbol, closed by its trades or by the venue's clock.

    Trades come in the order of their ids through `add`; one that comes behind its successors through `add_late`. A span
    without a trade gets a flat candle as soon as it is known that the feed was whole over it: a successor with the next
    id proves that, and `close_until` is called only while the feed is alive.

    A candle is `complete` unless a hole overlaps its span or it began before the first trade known. The last 1,440
    candles are remembered and can be revised; what is older has to be read from the store.

    Args:
        symbol: `EXCHANGE:BASE-QUOTE`.
        timeframe: Width of the candles.
        decimals: Digits after the point to which sums are rounded: the venue's printed precision.
        provable: Whether the venue's ids prove that nothing is missing; if not, `complete` is None where it would be True.
    """

    def __init__(self, symbol: str, timeframe: Timeframe = BASE, *, decimals: int = 8, provable: bool = True) -> None:
        self.symbol, self.timeframe = symbol, timeframe
        self._decimals, self._provable = decimals, provable
        self._width = timeframe.width_us
        self._open_us = self._close_us = 0  # the span that is forming; empty before the first trade
        self._pending: list[Trade] = []
        self._forming: Candle | None = None  # what was folded of the forming span
        self._volume: list[float] = []  # sums of what was folded, each exact to the last bit; added up exactly at the close
        self._quote: list[float] = []
        self._taker_buy: list[float] = []
        self._price: float | None = None
        self._known_from_us: int | None = None
        self._holes: list[Window] = []
        self._recent: OrderedDict[int, Candle] = OrderedDict()

    # -- the feed ------------------------------------------------------------------------------------------------

    def add(self, trade: Trade) -> list[Candle] | None:
        """Take the next trade; return the candles that it closed or revised, oldest first.

        None when its time lies in a span that is no longer remembered: the candle has to be rebuilt from the store.
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

    def add_late(self, trade: Trade, *, origin: Origin = Origin.LIVE) -> list[Candle] | None:
        """Take a trade whose successors came first; return the candles that it revised, None as `add`."""
        if self._known_from_us is None or trade.timestamp_us >= self._close_us:
            return self.add(trade)
        if trade.timestamp_us >= self._open_us:
            self._fold()
            self._forming = None if self._forming is None else _merged(self._forming, trade, self._decimals)
            if self._forming is None:
                self._pending.append(trade)
            else:
                self._volume.append(trade.size)
                self._quote.append(trade.price * trade.size)
                self._taker_buy.append(trade.size if trade.side is _BUY else 0.0)
            return []
        return self._revise(trade, origin)

    def close_until(self, now_us: int) -> list[Candle]:
        """Close every span that ended at or before the venue's time `now_us`; return their candles, oldest first.

        Only for a feed that is alive and delivered all that happened before `now_us`.
        """
        return self._close_through(now_us) if self._close_us and now_us >= self._close_us else []

    @property
    def span(self) -> tuple[int, int]:
        """Begin and end of the forming span, half-open, UTC epoch microseconds; empty before the first trade."""
        return self._open_us, self._close_us

    def forming(self) -> Candle | None:
        """Return the candle of the span that is not over, None before the first trade."""
        if self._price is None:
            return None
        self._fold()
        return self._candle(final=False)

    # -- holes ---------------------------------------------------------------------------------------------------

    def open_hole(self, hole: Window) -> list[Candle]:
        """Note that trades are missing between two moments, both included; call it before `add` of the trade behind the hole.

        Returns the candles already closed that are not complete any more.
        """
        self._holes.append(hole)
        return self._reconsider(hole)

    def close_hole(self, hole: Window, *, origin: Origin = Origin.LIVE) -> list[Candle]:
        """Note that nothing is missing there any more; return the candles that are complete again."""
        if hole in self._holes:
            self._holes.remove(hole)
        return self._reconsider(hole, origin)

    # -- starting again ------------------------------------------------------------------------------------------

    def resume(self, candle: Candle, *flats: Candle) -> None:
        """Go on behind a stored candle and those without trades behind it, of a builder that has seen nothing yet.

        All of them may be revised like any other.
        """
        for stored in (candle, *flats):
            self._remember(stored)
        last = flats[-1] if flats else candle
        self._price = candle.close
        self._known_from_us = candle.open_us if candle.complete is not False else candle.timestamp_us
        self._open_us, self._close_us = last.timestamp_us, last.timestamp_us + self._width

    # -- inside --------------------------------------------------------------------------------------------------

    def _cross(self, trade: Trade) -> list[Candle] | None:
        moment = trade.timestamp_us
        if self._known_from_us is None:
            self._known_from_us = moment + 1  # what came before it, at the same moment too, is not known
            self._open_us = self.timeframe.open_of(moment)
            self._close_us = self._open_us + self._width
        elif moment < self._open_us:
            return self._revise(trade, Origin.LIVE)
        closed = self._close_through(moment)
        self._pending.append(trade)
        self._price = trade.price
        return closed

    def _close_through(self, moment_us: int) -> list[Candle]:
        # Closes the forming span and the empty ones up to the span that holds the moment.
        closed: list[Candle] = []
        while self._close_us <= moment_us:
            self._fold()
            if self._forming is None and self._in_hole(self._open_us, self._close_us):
                self._skip(moment_us)  # nobody knows whether there were trades: no invented prices
            elif self._price is not None:
                closed.append(self._remember(self._candle(final=True)))
                self._next_span()
            else:
                self._next_span()
        return closed

    def _skip(self, moment_us: int) -> None:
        last_us = max(hole.end_us for hole in self._holes if hole.start_us < self._close_us and hole.end_us >= self._open_us)
        self._open_us = min(self.timeframe.open_of(moment_us), max(self.timeframe.open_of(last_us), self._close_us))
        self._close_us = self._open_us + self._width

    def _next_span(self) -> None:
        self._forming = None
        self._volume, self._quote, self._taker_buy = [], [], []
        self._open_us, self._close_us = self._close_us, self._close_us + self._width

    def _fold(self) -> None:
        # Folds the trades that wait into the forming candle. Sums are exact until they are rounded once, at the close.
        trades = self._pending
        if not trades:
            return
        self._pending = []
        prices, sizes = [trade.price for trade in trades], [trade.size for trade in trades]
        self._volume.append(fsum(sizes))
        self._quote.append(fsum(map(mul, prices, sizes)))
        self._taker_buy.append(fsum([trade.size for trade in trades if trade.side is _BUY]))
        self._price, high, low = prices[-1], max(prices), min(prices)
        before = self._forming
        self._forming = Candle(
            self.symbol, self.timeframe, self._close_us,
            open=prices[0] if before is None else before.open,
            high=high if before is None else max(before.high, high),
            low=low if before is None else min(before.low, low),
            close=prices[-1],
            trades=sum([trade.count for trade in trades]) + (before.trades or 0 if before else 0),
            first_trade_id=trades[0].first_id if before is None else before.first_trade_id,
            last_trade_id=trades[-1].trade_id,
            final=False,
        )  # fmt: skip

    def _candle(self, *, final: bool) -> Candle:
        complete = self._complete(self._open_us, self._close_us)
        if self._forming is None:
            assert self._price is not None
            flat = flat_candle(self.symbol, self.timeframe, self._close_us, self._price, complete=complete)
            return flat if final else msgspec.structs.replace(flat, final=False)
        return msgspec.structs.replace(
            self._forming,
            volume=round(fsum(self._volume), self._decimals),
            quote_volume=round(fsum(self._quote), self._decimals),
            taker_buy_volume=round(fsum(self._taker_buy), self._decimals),
            final=final,
            complete=complete,
        )

    def _remember(self, candle: Candle) -> Candle:
        self._recent[candle.timestamp_us] = candle
        if len(self._recent) > _REMEMBERED:
            _, forgotten = self._recent.popitem(last=False)
            if self._holes:  # one that no remembered candle touches has done its work here
                self._holes = [hole for hole in self._holes if hole.end_us >= forgotten.timestamp_us]
        return candle

    def _in_hole(self, open_us: int, close_us: int) -> bool:
        return any(hole.start_us < close_us and hole.end_us >= open_us for hole in self._holes)

    def _complete(self, open_us: int, close_us: int) -> bool | None:
        if self._known_from_us is None or open_us < self._known_from_us or self._in_hole(open_us, close_us):
            return False
        return True if self._provable else None

    def _reconsider(self, hole: Window, origin: Origin | None = None) -> list[Candle]:
        changed = []
        for candle in self._recent.values():
            if hole.start_us < candle.timestamp_us and hole.end_us >= candle.open_us:
                complete = self._complete(candle.open_us, candle.timestamp_us)
                if complete != candle.complete:
                    changed.append(
                        msgspec.structs.replace(
                            candle, complete=complete, revision=candle.revision + 1, origin=origin or candle.origin
                        )
                    )
        self._recent.update((candle.timestamp_us, candle) for candle in changed)
        return changed

    def _revise(self, trade: Trade, origin: Origin) -> list[Candle] | None:
        label = self.timeframe.close_of(trade.timestamp_us)
        before = self._recent.get(label)
        if before is None:
            return None
        revised = [msgspec.structs.replace(_merged(before, trade, self._decimals), revision=before.revision + 1, origin=origin)]
        price = revised[0].close
        # Flat candles behind it repeat its close.
        while price != before.close and (flat := self._recent.get(label := label + self._width)) and not flat.trades:
            moved = flat_candle(self.symbol, self.timeframe, label, price, complete=flat.complete)
            revised.append(msgspec.structs.replace(moved, revision=flat.revision + 1, origin=origin))
        if label >= self._open_us and self._forming is None and not self._pending:
            self._price = price
        self._recent.update((candle.timestamp_us, candle) for candle in revised)
        return revised


def _merged(candle: Candle, trade: Trade, decimals: int) -> Candle:
    # The candle with one more trade inside; the ids say whether it came first or last.
    value, bought = trade.price * trade.size, trade.size if trade.side is _BUY else 0.0
    if not candle.trades:
        candle = msgspec.structs.replace(candle, open=trade.price, high=trade.price, low=trade.price, close=trade.price)
    first = candle.first_trade_id is None or trade.first_id < candle.first_trade_id
    last = candle.last_trade_id is None or trade.trade_id > candle.last_trade_id
    return msgspec.structs.replace(
        candle,
        open=trade.price if first else candle.open,
        high=max(candle.high, trade.price),
        low=min(candle.low, trade.price),
        close=trade.price if last else candle.close,
        volume=round(candle.volume + trade.size, decimals),
        quote_volume=round((candle.quote_volume or 0.0) + value, decimals),
        taker_buy_volume=round((candle.taker_buy_volume or 0.0) + bought, decimals),
        trades=(candle.trades or 0) + trade.count,
        first_trade_id=trade.first_id if first else candle.first_trade_id,
        last_trade_id=trade.trade_id if last else candle.last_trade_id,
    )
