"""Fills a symbol with the venue's own candles: exactly the missing windows, page by page, the newest first."""

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar

from db.store import Store
from history.backfill import patience
from history.backfill.job import Job
from history.backfill.keep import Answer, Kept, fill_quiet, keep_answer
from history.backfill.order import OutOfReach
from history.backfill.plan import Page, candles_in, pages_of
from history.backfill.venue import CandleVenue
from market.candle import Candle
from market.clock import isoformat
from market.errors import InputError, PlatformError
from market.timeframe import SECOND_US, Timeframe
from market.window import Window

_FRESH_US = 600 * SECOND_US
_SPARE_ROWS = 5  # a venue that has so many newest candles drops one with each that closes
_MANY_PAGES = 40
_CONFIRM_SECONDS = 2.0


class CandleJob(Job):
    """Fills one symbol with the venue's own candles.

    Pages are independent, so several are under way at once. Each is stored with the note that the venue answered for its time
    in one transaction: killed at any moment, the next one asks only for what was under way.

    Args:
        venue: Who is asked.
        now_us: Its clock when all began.
        job: What every backfill takes.
    """

    source: ClassVar[str] = "candles"

    def __init__(self, venue: CandleVenue, now_us: int, *job: Any) -> None:
        super().__init__(*job)
        self._venue, self._now_us = venue, now_us

    async def fill(self) -> None:
        """Ask for what is missing, store it, and fill the spans between in which nobody traded."""
        missing = await self._missing(again=self.order.again)
        if not missing and not self.order.again and await self._missing(again=True):
            self.notes.append(f"{self._venue.name} said already that it does not have what is missing; --again asks once more")
        missing = self._within_reach(missing)
        timeframe = self.order.timeframe
        await self.begin(candles_in(missing, timeframe))
        if len(self._pages(missing)) > _MANY_PAGES:
            missing = await self._since_listing(missing)
        await self._fetch(self._pages(missing))
        if self._venue.skips_quiet:
            self.step(stored=await self.stored(lambda store: fill_quiet(store, self.symbol, timeframe, self.window)))

    # -- what is missing -----------------------------------------------------------------------------------------

    async def _missing(self, *, again: bool) -> list[Window]:
        return await patience.keep(lambda: self.db.backfills.missing(self.symbol, self.order.timeframe, self.window, again=again))

    def _pages(self, missing: Sequence[Window]) -> list[Page]:
        return pages_of(missing, self.order.timeframe.width_us, self._venue.candle_page)

    def _within_reach(self, missing: Sequence[Window]) -> list[Window]:
        """Return what of it the venue hands out; the rest is told.

        Raises:
            OutOfReach: If all that is wanted is older.
        """
        rows, timeframe = self._venue.candle_rows, self.order.timeframe
        if rows is None:
            return list(missing)
        oldest_us = timeframe.open_of(self._now_us) - (rows - _SPARE_ROWS) * timeframe.width_us
        reachable = [Window(max(each.start_us, oldest_us), each.end_us) for each in missing if each.end_us > oldest_us]
        lost = candles_in(missing, timeframe) - candles_in(reachable, timeframe)
        if not lost:
            return reachable
        start = isoformat(self.window.start_us)
        words = (
            f"{self._venue.name} hands out only its newest {rows} {timeframe} candles, from {isoformat(oldest_us)} on; "
            f"{lost:,} older ones can be made of its trades: `tcpdash backfill {self.symbol} --from {start} --trades`"
        )
        if self.window.end_us <= oldest_us:
            raise OutOfReach(words)
        self.notes.append(words)
        return reachable

    async def _since_listing(self, missing: Sequence[Window]) -> list[Window]:
        """Return what of it is not before the venue's first candle: a few questions for days save very many for minutes."""
        day, timeframe = Timeframe.D1, self.order.timeframe
        first_us, last_us = day.open_of(missing[0].start_us), day.open_of(min(missing[-1].end_us, self._now_us))
        if timeframe.width_us >= day.width_us or not self._venue.proves_absence or last_us <= first_us:
            return list(missing)
        try:
            found = await self._ask(day, Window(first_us, last_us))
        except InputError:  # it has no candles of days that could be used here
            return list(missing)
        if not found or found[0].open_us <= missing[0].start_us:  # the day in which the first one lies was asked for, too
            return list(missing)
        before = Window(missing[0].start_us, found[0].open_us)
        await self.stored(lambda store: store.backfills.answered(self.symbol, timeframe, before))
        left = [Window(max(each.start_us, before.end_us), each.end_us) for each in missing if each.end_us > before.end_us]
        gone = candles_in(missing, timeframe) - candles_in(left, timeframe)
        self.notes.append(f"{self._venue.name} has nothing of {self.symbol} before {isoformat(before.end_us)}")
        self.step(fetched=gone)
        return left

    # -- page by page --------------------------------------------------------------------------------------------

    async def _fetch(self, pages: Sequence[Page]) -> None:
        rest = list(reversed(pages))  # the newest is last, and taken first

        async def work() -> None:
            while rest:
                async with self.gate:
                    if not rest:
                        return
                    page = rest.pop()
                    candles = await self._page(page)
                await self._keep(page, candles)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self.order.parallel, len(pages))):
                    group.create_task(work())
        except BaseExceptionGroup as group:  # the first page that fails ends all of them
            raise _first(group) from None

    async def _page(self, page: Page) -> list[Candle]:
        """Return the candles of a page; one answer without any may be a moment's trouble of the venue, two are believed."""
        candles = await self._ask(self.order.timeframe, page.window)
        fresh = page.window.start_us >= self._now_us - _FRESH_US  # asked for again anyway
        if candles or fresh or self.order.again or not self._venue.proves_absence:
            return candles
        await asyncio.sleep(_CONFIRM_SECONDS)
        return await self._ask(self.order.timeframe, page.window)

    async def _ask(self, timeframe: Timeframe, window: Window) -> list[Candle]:
        return await patience.ask(lambda: self._venue.candles(self.symbol, timeframe, window, self.asked), self.waits)

    async def _keep(self, page: Page, candles: Sequence[Candle]) -> None:
        number, answer = self.number, self._answer(page, candles)
        assert number is not None
        venue = self._venue

        def work(store: Store) -> Kept:
            kept = keep_answer(store, answer, decimals=venue.decimals, skips_quiet=venue.skips_quiet)
            store.backfills.advance(
                number, fetched=page.missing, stored=kept.stored, requests=self.standing.requests, conflicts=kept.conflicts
            )
            return kept

        kept = await self.stored(work)
        self.step(fetched=page.missing, stored=kept.stored, conflicts=kept.conflicts)

    def _answer(self, page: Page, candles: Sequence[Candle]) -> Answer:
        # What is absent of the last minutes may only be late: it will be asked for again.
        last_us = candles[-1].timestamp_us if candles else page.window.start_us
        settled_us = max(last_us, min(page.window.end_us, self._now_us - _FRESH_US))
        settled = Window(page.window.start_us, max(page.window.start_us, self.order.timeframe.open_of(settled_us)))
        says_all = self._venue.proves_absence or bool(candles)
        return Answer(self.symbol, self.order.timeframe, candles, page.window, settled if says_all and settled.width_us else None)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group.subgroup(PlatformError) or group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
