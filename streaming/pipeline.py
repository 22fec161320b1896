"""From trades to candles: ids checked, duplicates dropped, holes noted; pure."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from market.builder import CandleBuilder
from market.candle import Candle
from market.continuity import IdHole, IdSequence, Standing
from market.timeframe import BASE, MINUTE_US
from market.trade import Trade
from market.window import Window


class Cause(StrEnum):
    """Why trades are missing."""

    SEQUENCE = "sequence"
    DISCONNECT = "disconnect"
    CRASH = "crash"
    LATE = "late"
    RESET = "reset"


class Hole(msgspec.Struct, frozen=True):
    """Trades that were skipped, for the gap ledger. Ids are both included; so are the moments."""

    symbol: str
    first_id: int
    last_id: int
    start_us: int
    end_us: int
    cause: Cause


class Resume(msgspec.Struct, frozen=True):
    """Where one symbol goes on after a restart.

    Attributes:
        last_id: The watermark: everything up to this id is stored or in the gap ledger.
        last_us: The time of that trade, UTC epoch microseconds.
        candle: The last stored candle with trades, None when there is none.
        flats: The stored candles behind it, all without trades, oldest first.
        trades: The stored trades from shortly before that candle's close on; empty where raw trades are not kept.
        minutes: The stored minutes of the widest live span, oldest first.
    """

    last_id: int
    last_us: int
    candle: Candle | None = None
    flats: list[Candle] = msgspec.field(default_factory=list)
    trades: list[Trade] = msgspec.field(default_factory=list)
    minutes: list[Candle] = msgspec.field(default_factory=list)


class Batch(msgspec.Struct):
    """What came of some trades, in the order in which it has to be stored.

    Attributes:
        trades: New trades, duplicates left out.
        candles: Candles that were closed or revised by them.
        holes: Holes that showed up.
        duplicates: How many trades had been seen before.
    """

    trades: list[Trade] = msgspec.field(default_factory=list)
    candles: list[Candle] = msgspec.field(default_factory=list)
    holes: list[Hole] = msgspec.field(default_factory=list)
    duplicates: int = 0

    def __bool__(self) -> bool:
        return bool(self.trades or self.candles or self.holes)


class Lane:
    """One symbol on its way: which ids it had, and the candles they make.

    Attributes:
        cause: What a hole in front of the next trade will be put down to.
        interrupted: The feed broke off and no trade has yet proven that nothing was missed; the clock closes nothing.
        alone: There was one trade so far. It may be an old one that the venue repeated to a new subscriber, as OKX does.
        newest: The newest trade, None before the first.
    """

    __slots__ = ("_decimals", "alone", "builder", "cause", "ids", "interrupted", "newest", "symbol")

    def __init__(self, symbol: str, *, decimals: int) -> None:
        self.symbol, self._decimals = symbol, decimals
        self.interrupted = False
        self.cause = Cause.SEQUENCE
        self.begin()

    def begin(self) -> None:
        """Forget everything: the next trade is the first."""
        self.ids = IdSequence()
        self.newest: Trade | None = None
        self.begin_candles()

    def begin_candles(self) -> None:
        """Forget the candles: the next trade opens the first."""
        self.builder = CandleBuilder(self.symbol, BASE, decimals=self._decimals)
        self.alone = False

    def follow(self, trades: Sequence[Trade], start: int) -> int:
        """Take the ids of the trades from `start` on that need no thought; return where they end.

        That is the busy path: this symbol, the next id, inside the forming span. Codecs give all trades of a symbol the same
        text, so that comparing objects is enough; a copy of it only ends the run early.
        """
        symbol, ids = trades[start].symbol, self.ids
        open_us, close_us = self.builder.span
        last_id, end = ids.last_id, start
        for trade in trades[start:] if start else trades:
            if (
                trade.trade_id - trade.id_span != last_id
                or not open_us <= trade.timestamp_us < close_us
                or trade.symbol is not symbol
            ):
                break
            last_id = trade.trade_id
            end += 1
        if end > start:
            self.newest, self.alone = trades[end - 1], False
            ids.last_id, ids.last_us = last_id, self.newest.timestamp_us
        return end

    def interrupt(self, cause: Cause) -> None:
        """Note that trades may be missed from now on; what caused the first interruption stays its cause."""
        if not self.interrupted and self.ids.last_id is not None:
            self.interrupted, self.cause, self.alone = True, cause, False


class Pipeline:
    """All symbols of one connection.

    The order of the trades that come out is the order in which they came in; a candle comes out with the trade that
    closed it, so that both can be stored in one transaction.
    """

    def __init__(self, symbols: Iterable[str], *, decimals: int = 8) -> None:
        self.lanes: dict[str, Lane] = {symbol: Lane(symbol, decimals=decimals) for symbol in symbols}

    def take(self, trades: Sequence[Trade]) -> Batch:
        """Take trades as they were received, and return what came of them."""
        batch = Batch()
        start, count = 0, len(trades)
        while start < count:
            lane = self.lanes[trades[start].symbol]
            end = start if lane.interrupted else lane.follow(trades, start)
            if end > start:
                run = trades[start:end]
                lane.builder.extend(run)
                batch.trades += run
                start = end
            else:
                self._irregular(lane, trades[start], batch)
                start += 1
        return batch

    def close_until(self, venue_us: int) -> Batch:
        """Close by the venue's clock what no trade closed, of all symbols whose feed is alive."""
        batch = Batch()
        for lane in self.lanes.values():
            if not lane.interrupted and not lane.alone:
                batch.candles += lane.builder.close_until(venue_us)
        return batch

    def interrupt(self, cause: Cause = Cause.DISCONNECT) -> None:
        """Note that the feed of all symbols broke off."""
        for lane in self.lanes.values():
            lane.interrupt(cause)

    def next_close_us(self) -> int | None:
        """Return the earliest close of a forming span whose feed is alive, None when there is none."""
        closes = [lane.builder.span[1] for lane in self.lanes.values() if not lane.interrupted and not lane.alone]
        return min(filter(None, closes), default=None)

    def resume(self, symbol: str, point: Resume) -> Batch:
        """Go on behind what is stored.

        Returns:
            Candles and holes that follow from the stored trades, most of them stored before; no trades.
        """
        lane, last_id = self.lanes[symbol], point.last_id
        if point.candle is not None and point.candle.last_trade_id is not None:
            lane.builder.resume(point.candle, *point.flats)
            before = [trade.trade_id for trade in point.trades if trade.timestamp_us < point.candle.timestamp_us]
            lane.ids.last_id, lane.ids.last_us = max([*before, point.candle.last_trade_id]), point.candle.timestamp_us - 1
        # In the order of their ids: their times may go back, also over the border of a minute.
        behind = [trade for trade in point.trades if lane.ids.last_id is None or trade.trade_id > lane.ids.last_id]
        batch = self.take(sorted(behind, key=lambda trade: trade.trade_id))
        if lane.ids.last_id is None or lane.ids.last_id < last_id:
            # The trades up to the watermark were stored as candles only: what the forming one had is not known.
            if lane.ids.last_id is not None:
                start_us = min(lane.ids.last_us + 1, point.last_us)
                batch.holes.append(Hole(symbol, lane.ids.last_id + 1, last_id, start_us, point.last_us, Cause.CRASH))
                batch.candles += lane.builder.open_hole(Window(start_us, point.last_us))
            lane.ids.last_id, lane.ids.last_us = last_id, point.last_us
        lane.interrupt(Cause.CRASH)
        batch.trades = []
        return batch

    def _irregular(self, lane: Lane, trade: Trade, batch: Batch) -> None:
        standing = lane.ids.standing(trade.first_id, trade.trade_id)
        if standing is Standing.DUPLICATE and trade.timestamp_us > lane.ids.last_us + MINUTE_US:
            # An old id at a new time: the venue's ids started over.
            batch.holes.append(Hole(lane.symbol, trade.first_id, trade.trade_id, lane.ids.last_us, trade.timestamp_us, Cause.RESET))
            lane.begin()
            standing = Standing.FIRST
        if standing is Standing.DUPLICATE:
            batch.duplicates += 1
            return
        if standing is Standing.LATE:
            self._late(lane, trade, batch)
        else:
            self._forward(lane, trade, batch)
            lane.alone = standing is Standing.FIRST
        batch.trades.append(trade)

    def _forward(self, lane: Lane, trade: Trade, batch: Batch) -> None:
        hole = lane.ids.take(trade.first_id, trade.trade_id, trade.timestamp_us)
        if hole is not None:
            batch.holes.append(_noted(hole, lane))
            batch.candles += lane.builder.open_hole(_window(hole))
            if lane.alone and hole.end_us - hole.start_us > MINUTE_US:
                lane.begin_candles()  # the only trade so far was an echo from before our time: no bar opens with it
        lane.interrupted, lane.cause, lane.newest = False, Cause.SEQUENCE, trade
        self._built(lane.builder.add(trade), trade, batch)

    def _late(self, lane: Lane, trade: Trade, batch: Batch) -> None:
        touched = lane.ids.fill(trade.first_id, trade.trade_id)
        self._built(lane.builder.add_late(trade), trade, batch)
        open_windows = {_window(hole) for hole in lane.ids.holes}
        for hole, _ in touched:
            if _window(hole) not in open_windows:
                batch.candles += lane.builder.close_hole(_window(hole))

    def _built(self, candles: list[Candle] | None, trade: Trade, batch: Batch) -> None:
        if candles is None:
            batch.holes.append(_forgotten(trade))
        else:
            batch.candles += candles


def _window(hole: IdHole) -> Window:
    return Window(hole.start_us, hole.end_us)


def _noted(hole: IdHole, lane: Lane) -> Hole:
    return Hole(lane.symbol, hole.first_id, hole.last_id, hole.start_us, hole.end_us, lane.cause)


def _forgotten(trade: Trade) -> Hole:
    # The trade is kept, but its candle is not remembered any more and has to be rebuilt from the store.
    return Hole(trade.symbol, trade.first_id, trade.trade_id, trade.timestamp_us, trade.timestamp_us, Cause.LATE)
