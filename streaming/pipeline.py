"""From trades to candles: ids checked, duplicates dropped, holes noted and filled; pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from market.trade import Trade
from streaming.batch import Batch
from streaming.lane import Lane
from streaming.ledger import Cause, State
from streaming.loose_lane import LooseLane
from streaming.open_hole import OpenHole
from streaming.resume import Resume, resume
from streaming.switches import ALL_ON, Switches


class Pipeline:
    """All symbols of one connection.

    The order of the trades that come out is the order in which they came in; a candle comes out with the trade that
    closed it, so that both can be stored in one transaction.

    Args:
        symbols: What is followed.
        decimals: Digits after the point to which the venue prints volumes.
        provable: Whether the venue's ids prove that nothing is missing.
        switches: What a mutation check turns off.
    """

    def __init__(self, symbols: Iterable[str], *, decimals: int = 8, provable: bool = True, switches: Switches = ALL_ON) -> None:
        kind = Lane if provable else LooseLane
        self.lanes: dict[str, Lane] = {symbol: kind(symbol, decimals=decimals, switches=switches) for symbol in symbols}

    def take(self, trades: Sequence[Trade]) -> Batch:
        """Take trades as they were received, and return what came of them."""
        batch = Batch()
        start, count = 0, len(trades)
        while start < count:
            lane = self.lanes[trades[start].symbol]
            end = start if lane.interrupted or lane.in_doubt else lane.follow(trades, start)
            if end > start:
                run = trades[start:end]
                lane.builder.extend(run)
                batch.trades += run
                start = end
            else:
                lane.take(trades[start], batch)
                batch.mark(lane.symbol, lane.mark())
                start += 1
        return batch

    def take_around_loss(self, trades: Sequence[Trade]) -> Batch:
        """Take trades as they were received with frames lost before, between or behind them: only ids could say which."""
        batch = Batch()
        self.interrupt(Cause.SEQUENCE)
        for trade in {trade.symbol: trade for trade in trades if not self.lanes[trade.symbol].provable}.values():
            batch.add(self.learn(trade.symbol, trade.trade_id, trade.timestamp_us, Cause.SEQUENCE))
        batch.add(self.take(trades))
        self.interrupt(Cause.SEQUENCE)
        return batch

    def close_until(self, venue_us: int, now: float) -> Batch:
        """Close by the venue's clock what no trade closed, of all symbols whose feed is alive; `now` is the local clock."""
        batch = Batch()
        for lane in self._closing():
            lane.close_until(venue_us, now, batch)
        return batch

    def prove(self, symbol: str, moment_us: int) -> Batch:
        """Note that all trades of a symbol before a moment came, or are a known hole."""
        batch = Batch()
        self.lanes[symbol].prove(moment_us, batch)
        return batch

    def next_close_us(self) -> int | None:
        """Return the earliest close of a forming span that only the clock has to close, None when there is none."""
        waiting = (lane.builder.span[1] for lane in self._closing() if lane.waits_since is None)
        return min(filter(None, waiting), default=None)

    def interrupt(self, cause: Cause = Cause.DISCONNECT) -> None:
        """Note that the feed of all symbols broke off."""
        for lane in self.lanes.values():
            lane.interrupt(cause)

    def learn(self, symbol: str, newest_id: int, moment_us: int, cause: Cause) -> Batch:
        """Note that a trade exists, and when it was or the venue said so; what did not come up to it is a hole."""
        batch, lane = Batch(), self.lanes[symbol]
        lane.skip(newest_id, moment_us, cause, batch)
        batch.mark(symbol, lane.mark())
        return batch

    def recover(self, symbol: str, trades: Sequence[Trade], *, whole: Sequence[Trade] | None = None) -> Batch:
        """Take trades that were missed; `whole` are all of their minutes, where stored trades are not kept."""
        batch, lane = Batch(), self.lanes[symbol]
        lane.recover(trades, batch, whole=whole)
        batch.mark(symbol, lane.mark())
        return batch

    def settle(self, symbol: str, opened: OpenHole, state: State, evidence: dict[str, Any]) -> Batch:
        """Close a hole of which nothing more will come."""
        batch, lane = Batch(), self.lanes[symbol]
        lane.settle(opened, state, evidence, batch)
        batch.mark(symbol, lane.mark())  # the tape may begin earlier than was known
        return batch

    def resume(self, symbol: str, point: Resume) -> Batch:
        """Go on behind what is stored.

        Returns:
            Candles and holes that follow from the stored trades, most of them stored before; no trades.
        """
        return resume(self.lanes[symbol], point)

    def open_holes(self) -> Iterator[OpenHole]:
        """Yield all holes that may still be filled."""
        for lane in self.lanes.values():
            yield from lane.open

    def _closing(self) -> Iterator[Lane]:
        return (lane for lane in self.lanes.values() if not lane.interrupted and not lane.alone)
