"""One symbol on its way: which ids it had, what is missing, and the candles it makes. For venues whose ids rise by one."""

from collections.abc import Iterable, Sequence
from typing import Any

from market.builder import CandleBuilder, Healed
from market.candle import Origin
from market.continuity import IdHole, IdSequence, Standing
from market.timeframe import BASE, MINUTE_US
from market.trade import Trade
from market.window import Window
from streaming.batch import Batch, Mark, Rebuild
from streaming.ended import EndedHoles
from streaming.ledger import Cause, Hole, Progress, State
from streaming.open_hole import OpenHole, left_of
from streaming.switches import ALL_ON, Switches

_MOST_SKIPPED = 10_000_000
_NEAR = 1_000
_LONGEST_WAIT = 5.0


class Lane:
    """One symbol of a venue whose ids prove that nothing is missing.

    Attributes:
        symbol: `EXCHANGE:BASE-QUOTE`.
        ids: The ids seen.
        builder: Its minutes.
        open: Holes that may still be filled, oldest first; `ended` are those that ended with something missing.
        cause: What a hole in front of the next trade will be put down to.
        interrupted: The feed broke off and nothing has yet proven that nothing was missed; the clock closes nothing.
        breaks: How often it was interrupted: an answer from before the last time says nothing of it.
        alone: There was one trade so far. It may be an old one that the venue repeated to a new subscriber, as OKX does.
        newest: The newest trade, None before the first.
        in_doubt: Minutes were closed by the clock, and nothing has yet proven that their trades came.
        waits_since: Since when a minute that is over waits for such a proof, by the local clock; None when none does.
    """

    provable = True
    in_doubt: bool
    waits_since: float | None
    _proven_us: int

    def __init__(self, symbol: str, *, decimals: int, switches: Switches = ALL_ON) -> None:
        self.symbol, self._decimals, self._switches = symbol, decimals, switches
        self.interrupted, self.cause, self.breaks = False, Cause.SEQUENCE, 0
        self._restarted = False
        self.newest: Trade | None = None
        self._odd: Trade | None = None
        self._begin()

    # -- the feed ------------------------------------------------------------------------------------------------

    def follow(self, trades: Sequence[Trade], start: int) -> int:
        """Take the ids of the trades from `start` on that need no thought; return where they end.

        That is the busy path: this symbol (codecs give all its trades the same text), the next id, inside the forming span.
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

    def take(self, trade: Trade, batch: Batch) -> None:
        """Take any trade: the first, the next, one behind a hole, one that fills a hole, one that was there before."""
        standing = self.ids.standing(trade.first_id, trade.trade_id)
        if self._is_odd(trade, standing):
            first, self._odd = self._odd, trade
            if first is None or not 0 < trade.first_id - first.trade_id <= _NEAR:
                return  # not believed until another one goes on from it
            self._start_over(first, batch)
            self._forward(first, batch)
            standing = self.ids.standing(trade.first_id, trade.trade_id)
        match standing:
            case Standing.DUPLICATE:
                self._repeat(trade, batch)
            case Standing.LATE:
                self.recover([trade], batch, origin=Origin.LIVE)
            case Standing.OVERLAP:
                # Merged fills of which some were seen. The others are a hole: single fills will come over REST.
                if self.ids.last_id is not None and trade.trade_id > self.ids.last_id:
                    self.skip(trade.trade_id, trade.timestamp_us, Cause.SEQUENCE, batch)
            case _:
                self._forward(trade, batch)
                self.alone = standing is Standing.FIRST

    def interrupt(self, cause: Cause) -> None:
        """Note that trades may be missed from now on; what caused the first interruption stays its cause."""
        self.breaks += 1
        if not self.interrupted and self.has_begun:
            self.interrupted, self.cause, self.alone = True, cause, False

    def close_until(self, venue_us: int, now: float, batch: Batch) -> None:
        """Close what is over by the venue's clock; what is not proven waits for it for five seconds of `now`, a local clock."""
        builder = self.builder
        batch.candles += builder.close_until(min(venue_us, self._proven_us))
        if not 0 < builder.span[1] <= venue_us:
            self.waits_since = self.waits_since if self.in_doubt else None
            return
        if self.waits_since is None:
            self.waits_since = now
        if now - self.waits_since >= _LONGEST_WAIT:
            batch.candles += builder.close_until(venue_us, proven=False)
            self.in_doubt = builder.in_doubt

    def prove(self, moment_us: int, batch: Batch) -> None:
        """Note that all trades before a moment came, or are a known hole: a trade behind it says so, or the venue."""
        self._proven_us = max(self._proven_us, moment_us)
        if self.in_doubt:
            batch.candles += self.builder.prove(moment_us)
            self.in_doubt = self.builder.in_doubt

    # -- what others say of the feed -----------------------------------------------------------------------------

    @property
    def has_begun(self) -> bool:
        """Whether any trade of the symbol is known, be it from before this process."""
        return self.ids.last_id is not None

    def is_behind(self, newest_id: int, moment_us: int) -> bool:  # noqa: ARG002 - ids say it all
        """Return whether the venue's newest trade is one that this lane has neither seen nor a hole for."""
        return self.ids.last_id is not None and newest_id > self.ids.last_id

    def assure(self) -> None:
        """Note that the venue has nothing that this lane has not seen."""
        self.interrupted, self.cause = False, Cause.SEQUENCE

    def skip(self, newest_id: int, moment_us: int, cause: Cause, batch: Batch) -> None:
        """Note that trades up to an id exist, the newest one at a moment, and that none of them came."""
        if self.ids.last_id is None or not 0 < newest_id - self.ids.last_id <= _MOST_SKIPPED:
            return
        if self.interrupted:
            cause = self.cause
        self.note(self.ids.skip(newest_id, moment_us), cause, batch)
        self.assure()
        self.prove(moment_us, batch)

    # -- healing -------------------------------------------------------------------------------------------------

    def recover(
        self, trades: Iterable[Trade], batch: Batch, *, origin: Origin = Origin.HEALED, whole: Sequence[Trade] | None = None
    ) -> None:
        """Take trades that were missed; those that were not are compared with what is stored.

        `whole` are all trades of the minutes of the hole, where those that are stored are not kept.
        """
        found: dict[int, tuple[OpenHole, list[Trade]]] = {}
        for trade in sorted(trades, key=self.order):
            standing = self.ids.standing(trade.first_id, trade.trade_id)
            if standing is Standing.DUPLICATE and not self._came_after_all(trade, batch, origin):
                batch.duplicates.append(trade)
            if standing is not Standing.LATE:
                continue
            [touched] = self.ids.touched(trade.first_id, trade.trade_id)
            touched.fill(trade.first_id, trade.trade_id)
            if id(touched) not in found:
                found[id(touched)] = next(each for each in self.open if each.ids is touched), []
            found[id(touched)][1].append(trade)
            batch.trades.append(trade)
        for opened, filling in found.values():
            self._fill(opened, filling, batch, origin, whole)

    def settle(self, opened: OpenHole, state: State, evidence: dict[str, Any], batch: Batch) -> None:
        """Close a hole of which nothing more will come.

        What never existed is no longer missing; what cannot be had leaves its minutes incomplete for ever.
        """
        batch.progress.append(opened.progress(state, evidence))
        self._close(opened)
        self.ended.keep(opened, state)
        if state is not State.UNRECOVERABLE:
            self._built(self.builder.heal([], hole=opened.window), batch, opened)

    def mark(self) -> Mark | None:
        """Return how far the symbol is; None before its first trade."""
        if self.ids.last_id is None:
            return None
        restart, self._restarted = self._restarted, False
        return Mark(self.ids.last_id, self.ids.last_us, self.builder.recent.known_from_us, restart)

    def adopt(self, stored: Sequence[Trade]) -> None:
        """Note trades that were stored before, oldest first, as seen."""
        self.newest = stored[-1] if stored else None

    def _begin(self) -> None:
        self.ids = IdSequence()
        self.open: list[OpenHole] = []
        self.ended = EndedHoles()
        self.newest = None
        self._begin_candles()

    def _begin_candles(self) -> None:
        self.builder = CandleBuilder(self.symbol, BASE, decimals=self._decimals, provable=self.provable)
        self.alone = self.in_doubt = False
        self.waits_since, self._proven_us = None, 0

    def _is_odd(self, trade: Trade, standing: Standing) -> bool:
        # An old id at a new time, or one far ahead of all others.
        last_id, last_us = self.ids.last_id or 0, self.ids.last_us
        if standing is Standing.AFTER_HOLE:
            return trade.first_id - last_id > _MOST_SKIPPED
        return standing is Standing.DUPLICATE and trade.timestamp_us > last_us + MINUTE_US

    def _start_over(self, trade: Trade, batch: Batch) -> None:
        evidence = {"reason": "the venue's ids started over", "first_id": trade.first_id}
        for opened in self.open:
            batch.progress.append(opened.progress(State.UNRECOVERABLE, evidence))
        start_us, end_us = sorted((self.ids.last_us, trade.timestamp_us))
        hole = Hole(self.symbol, None, None, start_us, end_us, Cause.RESET)
        batch.holes.append(hole)
        batch.progress.append(Progress(hole, State.UNRECOVERABLE, 0, (), evidence))
        self._begin()
        self._restarted = True

    def _came_after_all(self, trade: Trade, batch: Batch, origin: Origin) -> bool:
        if (found := self.ended.take(trade)) is None:
            return False
        opened, state = found
        whole = not opened.missing
        lost = opened.window if whole and state is State.UNRECOVERABLE else None
        batch.trades.append(trade)
        batch.progress.append(opened.progress(State.FILLED if whole else state, {"came_after_all": trade.trade_id}))
        self._built(self.builder.heal([trade], hole=lost, origin=origin), batch, opened if whole else None)
        return True

    def _repeat(self, trade: Trade, batch: Batch) -> None:
        if not self._switches.dedupe:
            batch.trades.append(trade)
            batch.candles += self.builder.add(trade)
        elif not self._came_after_all(trade, batch, Origin.LIVE):
            batch.duplicates.append(trade)

    def _forward(self, trade: Trade, batch: Batch) -> None:
        hole = self.ids.take(trade.first_id, trade.trade_id, trade.timestamp_us)
        if hole is not None:
            self.note(hole, self.cause, batch)
            if self.alone and hole.end_us - hole.start_us > MINUTE_US:
                self._begin_candles()  # the only trade so far was an echo from before our time: no bar opens with it
        self.assure()
        if self.in_doubt:
            self.prove(trade.timestamp_us, batch)
        self.newest, self._odd = trade, None
        batch.candles += self.builder.add(trade)
        batch.trades.append(trade)

    def note(self, ids: IdHole, cause: Cause, batch: Batch) -> None:
        """Note that ids are missing."""
        if not self._switches.gap_check:
            self.ids.close(ids)
            return
        hole = Hole(self.symbol, ids.first_id, ids.last_id, ids.start_us, ids.end_us, cause)
        opened = OpenHole(hole, Window(ids.start_us, ids.end_us), ids)
        self.open.append(opened)
        batch.holes.append(hole)
        batch.candles += self.builder.open_hole(opened.window)

    def _fill(self, opened: OpenHole, trades: list[Trade], batch: Batch, origin: Origin, whole: Sequence[Trade] | None) -> None:
        left = left_of(opened, trades)
        healed = self.builder.heal(trades, hole=opened.window, left=left, origin=origin)
        if left is None:
            batch.progress.append(opened.progress(State.FILLED, {"by": "feed"} if origin is Origin.LIVE else None))
            self._close(opened)
            self._built(healed, batch, opened, whole)
        else:
            batch.progress.append(opened.progress(State.OPEN))
            opened.window = left
            self._built(healed, batch, None, whole)

    def _built(self, healed: Healed, batch: Batch, ended: OpenHole | None, whole: Sequence[Trade] | None = None) -> None:
        batch.candles += healed.candles
        forgotten = healed.forgotten
        if ended is not None:  # its minutes may have been made anew while it was open; now they are complete
            all_of_it = self.builder.recent.forgotten(Window(ended.hole.start_us, ended.hole.end_us))
            forgotten = all_of_it or forgotten
        if forgotten is not None:
            batch.rebuilds.append(Rebuild(self.symbol, forgotten, None if whole is None else list(whole)))

    def _close(self, opened: OpenHole) -> None:
        self.open = [each for each in self.open if each is not opened]
        if opened.ids is not None:
            self.ids.close(opened.ids)

    @staticmethod
    def order(trade: Trade) -> int:
        """Return what says which trade came first: its id, for times may go back, also over the border of a minute."""
        return trade.trade_id
