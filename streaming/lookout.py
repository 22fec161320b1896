"""Asks the venue about symbols that fell silent, and finds out what it did not send."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence

from exchanges.base import Control, DataProvider
from exchanges.rest import HistoryClient
from market.clock import monotonic, now_us
from market.errors import VenueError, WireError
from market.trade import Trade
from streaming.batch import Batch
from streaming.errands import Errands
from streaming.ledger import Cause
from streaming.pipeline import Pipeline
from streaming.venue_clock import VenueClock
from streaming.vigil import Vigil

logger = logging.getLogger(__name__)

_SETTLE, _SOON = 2.0, 1.0
_AT_ONCE = 4


class Lookout:
    """Keeps a vigil over each symbol of a line.

    Before anything is done about a silent symbol, its newest trade is asked for over REST: a quiet symbol is not a dead one.
    What the venue has and does not send within two seconds is a hole; a new line is then opened beside the old one.

    Args:
        provider: The venue.
        history: Its REST interface.
        pipeline: What was seen of each symbol.
        emit: Takes what came of it, as it takes what comes of the feed.
        renew: Opens a second line that takes over once it delivers.
        clock: The venue's time, as far as it is known.
        guarded: Returns whether times are to be believed within bounds only; a local exchange plays any time.
    """

    def __init__(
        self,
        provider: DataProvider,
        history: HistoryClient,
        pipeline: Pipeline,
        emit: Callable[[Batch], Awaitable[None]],
        *,
        renew: Callable[[str], None],
        clock: VenueClock,
        guarded: Callable[[], bool] = lambda: True,
    ) -> None:
        self._provider, self._history, self._pipeline, self._emit = provider, history, pipeline, emit
        self._renew, self._clock, self._guarded = renew, clock, guarded
        self.vigils = {symbol: Vigil(others=len(provider.symbols)) for symbol in provider.symbols}
        self._line_at: float | None = None
        self._first_seen: dict[str, Trade] = {}
        self._looks = Errands()

    # -- what happens --------------------------------------------------------------------------------------------

    def connected(self, *, renewed: bool) -> None:
        """Note a new line."""
        self._line_at = monotonic()
        for vigil in self.vigils.values():
            vigil.renewed(self._line_at)
            if not renewed:
                vigil.connected(self._line_at)

    def disconnected(self) -> None:
        """Note that there is no line: nobody is asked about its symbols."""
        self._line_at = None

    def heard(self, trades: Sequence[Trade]) -> None:
        """Note trades that arrived together."""
        now = monotonic()
        if len(self.vigils) == 1:
            self.vigils[trades[0].symbol].heard(len(trades), now)
            return
        counts: dict[str, int] = {}
        for trade in trades:
            counts[trade.symbol] = counts.get(trade.symbol, 0) + 1
        for symbol, count in counts.items():
            self.vigils[symbol].heard(count, now)

    async def heartbeat(self, control: Control) -> None:
        """Take what a heartbeat says of the newest trade: nothing has to be asked then."""
        if control.symbol is None or control.newest_id is None:
            return
        if not self._pipeline.lanes[control.symbol].has_begun:
            return  # whether its trades come has to be found out by asking
        if self._pipeline.lanes[control.symbol].is_behind(control.newest_id, control.at_us):
            if not self.vigils[control.symbol].asking:
                self._ask(
                    control.symbol, self._wait_for(control.symbol, control.newest_id, None, Cause.SEQUENCE, at_us=control.at_us)
                )
        else:
            await self._assure(control.symbol, control.at_us)

    def look_at(self, symbols: Iterable[str]) -> None:
        """Ask about some symbols at the next occasion: something says that trades were lost."""
        for symbol in symbols:
            self.vigils[symbol].look_soon(monotonic())

    def tick(self) -> None:
        """Ask about the symbols that are silent for too long, a few at a time."""
        if self._line_at is None:
            return
        now = monotonic()
        for symbol, lane in self._pipeline.lanes.items():
            if lane.waits_since is not None:
                self.vigils[symbol].look_for_proof(now)
        due = [(vigil.overdue, symbol) for symbol, vigil in self.vigils.items() if vigil.should_look(now)]
        for _, symbol in sorted(due)[: max(0, _AT_ONCE - len(self._looks))]:
            self._ask(symbol, self._look(symbol))

    async def end(self) -> None:
        """Stop asking."""
        await self._looks.end()

    # -- a look --------------------------------------------------------------------------------------------------

    def _ask(self, symbol: str, work: Awaitable[None]) -> None:
        vigil = self.vigils[symbol]
        vigil.asking = True

        def done() -> None:
            vigil.asking = False

        self._looks.run(work, done=done)

    async def _look(self, symbol: str) -> None:
        vigil, lane, line_at = self.vigils[symbol], self._pipeline.lanes[symbol], self._line_at
        asked_us, breaks = self._clock.newest_us, lane.breaks
        try:
            page = await self._history.newest_trades(symbol)
            self._check(page)
        except (VenueError, WireError) as error:
            logger.warning("no look symbol=%s reason=%s", symbol, error)
            vigil.unanswered(monotonic())
            return
        if self._line_at != line_at:
            return  # the answer says nothing of the line there is now
        if lane.breaks != breaks:
            vigil.look_soon(monotonic() + _SOON)
            return
        if page and not lane.has_begun:
            await self._compare(symbol, page)
        elif page and lane.is_behind(page[-1].trade_id, page[-1].timestamp_us):
            await self._wait_for(symbol, page[-1].trade_id, page, Cause.STALL)
        else:
            await self._assure(symbol, asked_us if page else 0)

    async def _assure(self, symbol: str, venue_us: int) -> None:
        # At a moment of the venue's clock it had nothing that did not come.
        lane = self._pipeline.lanes[symbol]
        if lane.provable and not self.vigils[symbol].owes:  # without ids only trades say that nothing was missed
            lane.assure()
        self.vigils[symbol].confirmed(monotonic())
        await self._emit(self._pipeline.prove(symbol, venue_us))

    def _check(self, page: list[Trade]) -> None:
        # An answer is believed as far as a frame is; one absurd time would make candles up to it.
        for trade in page:
            if self._guarded() and not self._clock.may_trade_at(trade.timestamp_us, now_us(), monotonic()):
                raise WireError(self._provider.name, f"a trade at an impossible time: {trade}")

    async def _compare(self, symbol: str, page: list[Trade]) -> None:
        """Begin the tape of a symbol of which no trade ever came, if there are new ones since the look before."""
        known = self._first_seen.setdefault(symbol, page[-1])
        missed = [trade for trade in page if trade.timestamp_us > known.timestamp_us]
        if not missed:
            self.vigils[symbol].confirmed(monotonic())
            return
        line_at = self._line_at
        await asyncio.sleep(_SETTLE)
        if line_at is not None and self._line_at == line_at and not self._pipeline.lanes[symbol].has_begun:
            await self._emit(self._pipeline.take(missed))
            self._owes(symbol, missed[-1].trade_id)

    def _owes(self, symbol: str, newest_id: int) -> None:
        words, now, vigil = f"trades up to {newest_id} did not come", monotonic(), self.vigils[symbol]
        vigil.lost(words, now)
        if vigil.should_renew(now):
            self._renew(f"{symbol}: {words}")

    async def _wait_for(self, symbol: str, newest_id: int, page: list[Trade] | None, cause: Cause, *, at_us: int = 0) -> None:
        """Give the line time to deliver what exists; what it does not deliver is a hole.

        Without a page the newest trade lies before `at_us`, when it was named; what came into being since then may be later.
        """
        vigil, lane, line_at = self.vigils[symbol], self._pipeline.lanes[symbol], self._line_at
        breaks = lane.breaks
        await asyncio.sleep(_SETTLE)
        last_us = page[-1].timestamp_us if page else max(at_us, lane.ids.last_us)
        if self._line_at is None or self._line_at != line_at or not lane.is_behind(newest_id, last_us):
            return
        missed_before = lane.interrupted and not vigil.owes  # while there was no line: no fault of this one
        batch = self._pipeline.learn(symbol, newest_id, last_us, cause)
        if page is not None:
            batch.add(self._pipeline.recover(symbol, page))
        now = monotonic()
        deaf = now - self._line_at > vigil.patience + _SETTLE or vigil.misses(newest_id)
        if deaf and not missed_before:
            lane.interrupt(cause)
            self._owes(symbol, newest_id)
        else:
            vigil.look_soon(now + _SETTLE)
        if lane.breaks > breaks:
            lane.interrupt(Cause.SEQUENCE)
        await self._emit(batch)
