"""Fills a symbol with its trades, backwards by id from the begin of the tape: history that is proven, not only downloaded."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

from db.claims import Claims, Purpose
from db.store import Store
from history.backfill import patience
from history.backfill.job import Job
from history.backfill.order import Busy, OutOfReach
from history.backfill.tape import Block, Tape, begin_of_tape, keep_block, start_tape
from history.backfill.venue import NativeVenue
from market.clock import isoformat
from market.continuity import Ids
from market.timeframe import BASE, SECOND_US
from market.trade import Trade

_PAGES_BY_TIME = 5
_CONFIRM_SECONDS = 5.0
_MARGIN = 20
_STALE_US = 600 * SECOND_US
_MORE = 1.2  # trades are not evenly spread: how much further back than the pace says they are looked for


class _Asking(msgspec.Struct):
    ids: Ids
    answer: "asyncio.Task[list[Trade]]"


class TradeJob(Job):
    """Fills one symbol with its trades.

    Where a venue is asked by id several pages are under way; they are stored in their order, each with its trades, the minutes
    that are whole now, and the new begin of the tape in one transaction. So what is stored has no hole at any moment.

    Args:
        venue: Who is asked; its ids have to prove that nothing is missing.
        job: What every backfill takes.
    """

    source: ClassVar[str] = "trades"

    def __init__(self, venue: NativeVenue, *job: Any) -> None:
        super().__init__(*job)
        self._venue, self._provider = venue, venue.provider
        self._ended = False

    async def fill(self) -> None:
        """Go back until a trade lies before the wanted time, or the venue has no earlier one."""
        tape = await self._tape()
        await self.begin(max(0, (BASE.open_of(tape.since_us) - self.window.start_us) // BASE.width_us))
        under_way: deque[_Asking] = deque()
        try:
            while tape.since_us > self.window.start_us and tape.first_id > 0 and not self._ended:
                self._ask_ahead(tape, under_way)
                asking = under_way.popleft()
                tape = await self._keep(tape, await self._whole(asking, tape))
        finally:
            await _drop(under_way)
        if tape.since_us > self.window.start_us:
            self.notes.append(f"{self._venue.name} has no trade of {self.symbol} before {isoformat(tape.since_us - 1)}")
        await self._tell_end()

    async def _tell_end(self) -> None:
        """Say what is missing behind the end of the tape, where no worker goes on with it."""
        claims = Claims(self.db.engine, Purpose.FOLLOW)
        try:
            followed = await patience.keep(lambda: claims.claim([self.symbol]))
        finally:
            await asyncio.to_thread(claims.close)
        mark = await patience.keep(lambda: self.db.watermarks.get(self.symbol))
        if mark is not None and not followed and mark.timestamp_us < self.window.end_us - _STALE_US:
            exchange, _, pair = self.symbol.partition(":")
            self.notes.append(
                f"the tape ends at {isoformat(mark.timestamp_us)}, and --trades goes back only: what came since a worker fetches, "
                f"`tcpdash stream --exchange {exchange.lower()} --symbols {pair}`; its own candles can be had without --trades"
            )

    # -- where it begins -----------------------------------------------------------------------------------------

    async def _tape(self) -> Tape:
        tape = await self.stored(lambda store: begin_of_tape(store, self.symbol))
        if tape is not None:
            return tape
        newest = await patience.ask(lambda: self._venue.newest_trades(self.symbol, self.asked), self.waits)
        if not newest:
            raise OutOfReach(f"{self._venue.name} has no trade of {self.symbol}")
        return await self._started(newest)

    async def _started(self, newest: Sequence[Trade]) -> Tape:
        # A worker that follows the symbol would not know of a tape that another begins: what comes between would be lost unseen.
        claims = Claims(self.db.engine, Purpose.FOLLOW)

        def begin(store: Store) -> Tape | None:
            return begin_of_tape(store, self.symbol) or (None if followed else start_tape(store, newest))

        try:
            followed = await patience.keep(lambda: claims.claim([self.symbol]))
            tape = await self.stored(begin)
        finally:
            await asyncio.to_thread(claims.close)
        if tape is None:
            raise Busy(
                f"a worker follows {self.symbol} and has stored no trade of it so far, so there is nothing to go back from; "
                f"try again once `tcpdash trades {self.symbol}` shows one"
            )
        return tape

    # -- questions -----------------------------------------------------------------------------------------------

    def _ask_ahead(self, tape: Tape, under_way: deque[_Asking]) -> None:
        """Keep as many questions under way as are allowed, each for the ids before those of the one before it."""
        by_time = self._provider.paged_by_time
        size = self._provider.page * (_PAGES_BY_TIME if by_time else 1)
        before = under_way[-1].ids[0] if under_way else tape.first_id
        while before > 0 and len(under_way) < (1 if by_time else self._most(tape, size)):
            ids = max(0, before - size), before - 1
            since_us = tape.since_us - int(_MORE * tape.pace_us * (tape.first_id - ids[0])) - SECOND_US if by_time else None
            under_way.append(_Asking(ids, asyncio.create_task(self._ask(ids, since_us))))
            before = ids[0]

    def _most(self, tape: Tape, size: int) -> int:
        # No more pages than it should take, so that none is fetched in vain at the end.
        left_us = tape.since_us - self.window.start_us
        return max(1, min(self.order.parallel, int(left_us / (tape.pace_us * size))))

    async def _ask(self, ids: Ids, since_us: int | None) -> list[Trade]:
        async with self.gate:
            return await patience.ask(
                lambda: self._venue.trades(self.symbol, *ids, None if since_us is None else max(0, since_us), self.asked),
                self.waits,
            )

    async def _whole(self, asking: _Asking, tape: Tape) -> Block:
        """Return what there is of some ids; what is absent is asked for once more, later and wider."""
        low, high = asking.ids[0], min(asking.ids[1], tape.first_id - 1)
        trades = {trade.trade_id: trade for trade in await asking.answer if trade.trade_id < tape.first_id}
        absent = _absent(trades.values(), low, high)
        if not absent:
            return Block(trades=_by_id(trades), never_existed=[])
        await asyncio.sleep(_CONFIRM_SECONDS)
        for first, last in absent:
            found = await self._ask((max(0, first - _MARGIN), last + _MARGIN), tape.since_us - SECOND_US)
            trades |= {trade.trade_id: trade for trade in found if trade.trade_id < tape.first_id}
        # A block begins with a trade: the next one below what is absent, if there is one.
        below = [trade.first_id for trade in trades.values() if trade.first_id <= low]
        low = max(below) if below else min((trade.first_id for trade in trades.values()), default=tape.first_id)
        self._ended = not below  # there is nothing before it, in two answers
        inside = {number: trade for number, trade in trades.items() if number >= low}
        return Block(trades=_by_id(inside), never_existed=_absent(inside.values(), low, high))

    # -- the store -----------------------------------------------------------------------------------------------

    async def _keep(self, tape: Tape, block: Block) -> Tape:
        if not block.trades:
            return tape
        number, provider = self.number, self._provider
        assert number is not None
        start_us = self.window.start_us

        def work(store: Store) -> tuple[Tape, int, int, int]:
            after, kept = keep_block(store, self.symbol, tape, block, decimals=provider.decimals)
            gained = max(start_us, BASE.open_of(tape.since_us)) - max(start_us, BASE.open_of(after.since_us))
            fetched = gained // BASE.width_us
            store.backfills.advance(
                number, fetched=fetched, stored=kept.stored, requests=self.standing.requests, conflicts=kept.conflicts
            )
            return after, fetched, kept.stored, kept.conflicts

        after, fetched, stored, conflicts = await self.stored(work)
        self.step(fetched=fetched, stored=stored, conflicts=conflicts)
        return after


def _absent(trades: Any, low: int, high: int) -> list[Ids]:
    """Return the ids from `low` to `high` that no trade stands for, lowest first."""
    found, expected = list[Ids](), low
    for trade in sorted(trades, key=lambda each: each.trade_id):
        if trade.first_id > high:
            break
        if trade.first_id > expected:
            found.append((expected, trade.first_id - 1))
        expected = max(expected, trade.trade_id + 1)
    if expected <= high:
        found.append((expected, high))
    return found


def _by_id(trades: dict[int, Trade]) -> list[Trade]:
    return [trades[number] for number in sorted(trades)]


async def _drop(under_way: Sequence[_Asking]) -> None:
    for asking in under_way:
        asking.answer.cancel()
    if under_way:
        await asyncio.wait([asking.answer for asking in under_way])
