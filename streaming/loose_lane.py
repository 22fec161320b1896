"""One symbol of a venue whose ids prove nothing: trades are told apart by their ids, and nothing else is known of them."""

from collections.abc import Iterable, Sequence
from itertools import islice

from market.candle import Origin
from market.continuity import IdSequence
from market.trade import Trade
from market.window import Window
from streaming.batch import Batch, Mark
from streaming.lane import Lane
from streaming.ledger import Cause, Hole, State
from streaming.open_hole import OpenHole

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
        if self.in_doubt:
            self.prove(trade.timestamp_us, batch)
        self._see(trade)
        self.alone = not self.has_begun
        self._follow(trade)
        batch.candles += self.builder.add(trade)
        batch.trades.append(trade)

    @property
    def has_begun(self) -> bool:
        """Whether any trade of the symbol is known, be it from before this process."""
        return self._last_us > 0

    def is_behind(self, newest_id: int, moment_us: int) -> bool:
        """Return whether the venue's newest trade is one that this lane has neither seen nor a hole for."""
        known = newest_id in self._seen or any(each.window.start_us < moment_us <= each.window.end_us for each in self.open)
        return self.has_begun and not known

    def skip(self, newest_id: int, moment_us: int, cause: Cause, batch: Batch) -> None:
        """Note that a trade exists that did not come; one that lies in an open hole is known to be missing."""
        if self.is_behind(newest_id, moment_us):
            self._suspect(moment_us, self.cause if self.interrupted else cause, batch)
            self.prove(moment_us, batch)

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
            overlaps = self._overlaps(opened, page)
            first_us = max(opened.window.start_us, self._remembers_from_us)
            missed = [
                trade
                for trade in page
                if first_us <= trade.timestamp_us <= opened.window.end_us and trade.trade_id not in self._seen
            ]
            for trade in missed:
                self._see(trade)
                self._follow(trade)
            batch.trades += missed
            opened.recovered += len(missed)
            healed = self.builder.heal(missed, hole=opened.window, left=None if overlaps else opened.window, origin=origin)
            self._built(healed, batch, opened)
            self._end(opened, page, overlaps=overlaps, batch=batch)

    def mark(self) -> Mark | None:
        """Return how far the symbol is; times stand for ids."""
        if not self.has_begun:
            return None
        return Mark(self._last_us, self._last_us, self.builder.recent.known_from_us)

    def adopt(self, stored: Sequence[Trade]) -> None:
        """Note trades that were stored before, oldest first, as seen."""
        self._last_us, self.ids = self.ids.last_us, IdSequence()  # times stood for ids in the ledger
        if not stored:  # trades are not kept: what the forming minute had is lost, and what is older must not count twice
            self._last_us = min(self._last_us, self.builder.span[0] - 1) if self.builder.span[0] else self._last_us
            self._remembers_from_us = self._last_us + 1
        for trade in stored:
            self._see(trade)
            self._follow(trade)

    @staticmethod
    def order(trade: Trade) -> int:
        """Return what says which trade came first: its time."""
        return trade.timestamp_us

    # -- inside --------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        super()._begin()
        self.ids = IdSequence()  # stays empty
        self._seen: dict[int, None] = {}
        self._last_us = self._remembers_from_us = 0

    def _follow(self, trade: Trade) -> None:
        if trade.timestamp_us >= self._last_us:
            self.newest, self._last_us = trade, trade.timestamp_us

    def _overlaps(self, opened: OpenHole, page: Sequence[Trade]) -> bool:
        # A page that holds a trade from before the hole has all of it. Where trades are not kept, its time has to say so.
        start_us = opened.window.start_us
        if any(trade.timestamp_us <= start_us and trade.trade_id in self._seen for trade in page):
            return True
        return start_us < self._remembers_from_us and page[0].timestamp_us <= start_us

    def _see(self, trade: Trade) -> None:
        self._seen[trade.trade_id] = None
        if len(self._seen) > 2 * _REMEMBERED:
            self._seen = dict.fromkeys(islice(self._seen, _REMEMBERED, None))

    def _suspect(self, moment_us: int, cause: Cause, batch: Batch) -> None:
        self.assure()
        if not self.has_begun or not self._switches.gap_check:
            return
        start_us, end_us = sorted((self._last_us, moment_us))
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
