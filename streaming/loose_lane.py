"""One symbol of a venue whose ids prove nothing: trades are told apart by their ids, and nothing else is known of them."""

from collections.abc import Iterable, Sequence
from itertools import islice

from market.candle import Origin
from market.continuity import IdSequence
from market.trade import Trade
from market.window import Window
from streaming.batch import Batch, Mark
from streaming.lane import Lane, OpenHole
from streaming.ledger import Cause, Hole, State

_REMEMBERED = 20_000


class LooseLane(Lane):
    """A symbol whose candles are never proven complete.

    The last 20,000 ids are remembered; a trade with one of them is a repetition. A hole has no ids: it is suspected whenever
    the feed broke off, and closed by a page of the newest trades that holds one from before it.
    """

    provable = False

    def follow(self, trades: Sequence[Trade], start: int) -> int:  # noqa: ARG002
        """Return `start`: every trade needs a look at its id."""
        return start

    def take(self, trade: Trade, batch: Batch) -> None:
        """Take a trade that is new, or one that was there before."""
        if trade.trade_id in self._seen:
            self._repeat(trade, batch)
            return
        if self.interrupted:
            self._suspect(trade.timestamp_us, self.cause, batch)
        self._see(trade)
        self.alone = self.newest is None
        if self.newest is None or trade.timestamp_us >= self.newest.timestamp_us:
            self.newest = trade
        batch.candles += self.builder.add(trade)
        batch.trades.append(trade)

    def interrupt(self, cause: Cause) -> None:
        """Note that trades may be missed from now on; what caused the first interruption stays its cause."""
        if not self.interrupted and self.has_begun:
            self.interrupted, self.cause, self.alone = True, cause, False

    @property
    def has_begun(self) -> bool:
        """Whether any trade of the symbol is known, be it from before this process."""
        return self.newest is not None

    def is_behind(self, newest_id: int) -> bool:
        """Return whether the newest id of the venue is one that this lane has not seen."""
        return self.newest is not None and newest_id not in self._seen

    def skip(self, newest_id: int, moment_us: int, cause: Cause, batch: Batch) -> None:
        """Note that a trade exists that did not come."""
        if self.newest is not None and newest_id not in self._seen:
            self._suspect(moment_us, self.cause if self.interrupted else cause, batch)

    def recover(
        self,
        trades: Iterable[Trade],
        batch: Batch,
        *,
        origin: Origin = Origin.HEALED,
        whole: Sequence[Trade] | None = None,  # noqa: ARG002 - without ids nobody knows what whole minutes are
    ) -> None:
        """Take a page of the newest trades, as far as it lies in holes; each hole ends by what the page proves of it."""
        page = sorted(trades, key=self.order)
        for opened in list(self.open):
            if not page or page[-1].timestamp_us < opened.window.end_us:
                continue  # it ends before the hole does: REST lags
            before = [trade for trade in page if trade.timestamp_us <= opened.window.start_us and trade.trade_id in self._seen]
            missed = [
                trade
                for trade in page
                if opened.window.start_us <= trade.timestamp_us <= opened.window.end_us and trade.trade_id not in self._seen
            ]
            for trade in missed:
                self._see(trade)
                if self.newest is not None and trade.timestamp_us >= self.newest.timestamp_us:
                    self.newest = trade
            batch.trades += missed
            opened.recovered += len(missed)
            healed = self.builder.heal(missed, hole=opened.window, left=None if before else opened.window, origin=origin)
            self._built(healed, batch, opened)
            self._end(opened, page, overlaps=bool(before), batch=batch)

    def mark(self) -> Mark | None:
        """Return how far the symbol is; times stand for ids."""
        if self.newest is None:
            return None
        return Mark(self.newest.timestamp_us, self.newest.timestamp_us, self.builder.recent.known_from_us)

    def adopt(self, stored: Sequence[Trade]) -> None:
        """Note trades that were stored before, oldest first, as seen."""
        super().adopt(stored)
        for trade in stored:
            self._see(trade)

    @staticmethod
    def order(trade: Trade) -> int:
        """Return what says which trade came first: its time."""
        return trade.timestamp_us

    # -- inside --------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        super()._begin()
        self.ids = IdSequence()  # stays empty
        self._seen: dict[int, None] = {}

    def _see(self, trade: Trade) -> None:
        self._seen[trade.trade_id] = None
        if len(self._seen) > 2 * _REMEMBERED:
            self._seen = dict.fromkeys(islice(self._seen, _REMEMBERED, None))

    def _suspect(self, moment_us: int, cause: Cause, batch: Batch) -> None:
        self.assure()
        if self.newest is None or not self._switches.gap_check:
            return
        start_us, end_us = sorted((self.newest.timestamp_us, moment_us))
        hole = Hole(self.symbol, None, None, start_us, end_us, cause)
        if any(opened.hole.start_us == start_us for opened in self.open):
            return  # nothing came since it was suspected first
        opened = OpenHole(hole, Window(start_us, end_us))
        self.open.append(opened)
        batch.holes.append(hole)
        batch.candles += self.builder.open_hole(opened.window)

    def _end(self, opened: OpenHole, page: Sequence[Trade], *, overlaps: bool, batch: Batch) -> None:
        evidence = {
            "rows": len(page),
            "overlaps": overlaps,
            "first_us": page[0].timestamp_us if page else None,
            "last_us": page[-1].timestamp_us if page else None,
        }
        state = State.UNRECOVERABLE if not overlaps else State.FILLED if opened.recovered else State.NEVER_EXISTED
        batch.progress.append(opened.progress(state, evidence))
        self._close(opened)
