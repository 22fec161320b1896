"""Runs checks over what is stored, keeps what came of them, and tells who listens when something fails."""

import asyncio
import logging
from dataclasses import replace

from db.bus import Bus
from db.operations import DatabaseOperations
from db.repositories.quality import QualityRun
from history.backfill.plan import whole_spans
from history.quality import ledger, venue
from history.quality.candles import CandleCheck, Judges
from history.quality.order import Order, Suite, VenueOf
from history.quality.rules import VENUE
from history.quality.trades import TradeCheck, TradeJudges
from market.clock import isoformat, now_us
from market.errors import InputError, PlatformError, StoreUnreachable
from market.symbol import Symbol
from market.timeframe import DAY_US, parse_timeframe
from market.window import Window

logger = logging.getLogger(__name__)

RUNS_KEPT_DAYS = 180
"""For so long it is kept what came of a run."""


class NothingToCheck(PlatformError):
    """Raised when nothing is stored of what was to be checked."""


async def run_quality(
    db: DatabaseOperations, order: Order, *, venue_of: VenueOf | None = None, bus: Bus | None = None, at_us: int | None = None
) -> list[QualityRun]:
    """Check what is stored; return a run for each symbol and suite, the symbols in order.

    Holes that an earlier check opened and that are no more are ended first. What is missing without an explanation is opened as
    holes of cause `quality`, and is in `missing` of the run: exactly what a backfill has to fetch.

    Args:
        db: The store.
        order: What is wanted.
        venue_of: Where the venues come from whose candles ours are compared with; None to ask nobody.
        bus: Where an event goes when something fails; None for nowhere.
        at_us: The present, UTC epoch microseconds; the clock of this machine if None.

    Raises:
        InputError: If the order cannot be.
        NothingToCheck: If nothing is stored of a symbol that was named, or nothing at all.
        StoreError: If the database does not answer.
    """
    if order.start_us is not None and order.end_us is not None and order.end_us <= order.start_us:
        raise InputError(f"from {isoformat(order.start_us)} is not before to {isoformat(order.end_us)}; nothing lies between them")
    work = _Work(db, order, venue_of, bus, at_us)
    await asyncio.to_thread(db.quality.forget, work.at_us - RUNS_KEPT_DAYS * DAY_US)
    symbols = order.symbols or tuple(await asyncio.to_thread(_stored_symbols, db))
    runs = [run for symbol in symbols for run in await work.check(symbol)]
    if not runs:
        raise NothingToCheck(f"nothing is stored that could be checked: {_wanted(order)}; see `tcpdash coverage`")
    return runs


async def recheck(
    db: DatabaseOperations, run: QualityRun, *, venue_of: VenueOf | None = None, bus: Bus | None = None, at_us: int | None = None
) -> QualityRun:
    """Check again what a run checked, over the same time: after a backfill its holes end as filled, or as what they are.

    Arguments are those of `run_quality`.
    """
    suite = Suite(run.suite)
    order = Order(symbols=(run.symbol,), suite=suite, start_us=run.start_us, end_us=run.end_us)
    if run.timeframe is not None:
        order = replace(order, timeframe=parse_timeframe(run.timeframe))
    [again] = await run_quality(db, order, venue_of=venue_of, bus=bus, at_us=at_us)
    return again


class _Work:
    def __init__(self, db: DatabaseOperations, order: Order, venue_of: VenueOf | None, bus: Bus | None, at_us: int | None) -> None:
        self._db, self._order, self._venue_of, self._bus, self._at_us = db, order, venue_of, bus, at_us
        self._judges: Judges | None = None
        self._trade_judges: TradeJudges | None = None

    @property
    def at_us(self) -> int:
        """The present: what a worker stores while others are checked does not lie in the future."""
        return now_us() if self._at_us is None else self._at_us

    async def check(self, symbol: str) -> list[QualityRun]:
        """Run the suites of a symbol; one of which nothing is stored is left out, but not both."""
        found = list[QualityRun | None]()
        if self._order.suite is not Suite.TRADES:
            found += [await self._candles(symbol, order) for order in await asyncio.to_thread(self._of_each_width, symbol)]
        if self._order.suite is not Suite.CANDLES:
            found.append(await self._trades(symbol))
        runs = [run for run in found if run is not None]
        if not runs and self._order.symbols:
            raise NothingToCheck(
                f"nothing is stored of {symbol} that could be checked: {_wanted(self._order)}; see `tcpdash coverage`"
            )
        return runs

    def _of_each_width(self, symbol: str) -> list[Order]:
        if not self._order.every_width:
            return [self._order]
        return [replace(self._order, timeframe=width) for width in self._db.market_data.stored_timeframes(symbol)]

    async def _candles(self, symbol: str, order: Order) -> QualityRun | None:
        timeframe = order.timeframe
        await asyncio.to_thread(ledger.settle, self._db, symbol, timeframe)
        first_us, last_us = await asyncio.to_thread(self._db.market_data.span, symbol, timeframe)
        if first_us is None or last_us is None:
            return None
        stored = Window(timeframe.open_of(first_us - 1), timeframe.close_of(last_us - 1))
        window = self._within(stored)
        window = whole_spans(timeframe, window.start_us, window.end_us)
        if not window.width_us:
            return None
        if self._judges is None:
            self._judges = await asyncio.to_thread(Judges)
        check = CandleCheck(self._db, self._judges, order, symbol, stored, window)
        number = await asyncio.to_thread(self._db.quality.begin, symbol, timeframe, Suite.CANDLES, window)
        try:
            await asyncio.to_thread(check.run, self.at_us)
            await self._ask_venue(check, order)
            await asyncio.to_thread(ledger.open_candle_holes, self._db, symbol, timeframe, check.missing, number)
            run = await asyncio.to_thread(self._db.quality.end, number, check.tally.rows, check.tally.results())
        except BaseException as error:
            await self._broke_off(number, error)
            raise
        return self._told(replace(run, missing=tuple(each.window for each in check.missing)))

    async def _ask_venue(self, check: CandleCheck, order: Order) -> None:
        if self._venue_of is None:
            check.tally.skip(VENUE, "no venue was asked")
            return
        try:
            asked = self._venue_of(Symbol.parse(check.symbol).exchange, (check.symbol,))
        except InputError as error:
            check.tally.skip(VENUE, str(error).rstrip("."))
            return
        await venue.compare(self._db, asked, order, check.symbol, check.window, check.tally)

    async def _trades(self, symbol: str) -> QualityRun | None:
        await asyncio.to_thread(ledger.settle, self._db, symbol, None)
        kept_days = self._order.kept_days if self._order.start_us is None else None  # who asks for old ones gets them
        bounds = await asyncio.to_thread(_trade_span, self._db, symbol, kept_days, self.at_us)
        window = None if bounds is None else self._within(bounds)
        if window is None or not window.width_us:
            return None
        if self._trade_judges is None:
            self._trade_judges = await asyncio.to_thread(TradeJudges)
        provable = self._order.is_proven_by_ids(symbol)
        check = TradeCheck(self._db, self._trade_judges, symbol, window, now_us=self.at_us, provable=provable)
        number = await asyncio.to_thread(self._db.quality.begin, symbol, None, Suite.TRADES, window)
        try:
            await asyncio.to_thread(check.run)
            await asyncio.to_thread(ledger.open_id_holes, self._db, symbol, check.missing, number)
            run = await asyncio.to_thread(self._db.quality.end, number, check.tally.rows, check.tally.results())
        except BaseException as error:
            await self._broke_off(number, error)
            raise
        return self._told(replace(run, missing=ledger.minutes_of(check.missing)))

    def _within(self, stored: Window) -> Window:
        start_us = max(stored.start_us, self._order.start_us or stored.start_us)
        end_us = stored.end_us if self._order.end_us is None else min(stored.end_us, self._order.end_us)
        return Window(start_us, max(start_us, end_us))

    async def _broke_off(self, number: int, error: BaseException) -> None:
        try:
            await asyncio.to_thread(self._db.quality.fail, number, str(error) or type(error).__name__)
        except StoreUnreachable:  # it may be what the error is about
            logger.warning("quality run=%d broke off and could not be noted", number)

    def _told(self, run: QualityRun) -> QualityRun:
        logger.info("quality run=%d symbol=%s suite=%s success=%s rows=%d", run.id, run.symbol, run.suite, run.success, run.rows)
        if run.failed and self._bus is not None:
            try:
                self._bus.publish_event(event_of(run, self.at_us))
            except StoreUnreachable as error:
                logger.warning("quality run=%d failed rules, and nobody could be told: %s", run.id, error)
        return run


def event_of(run: QualityRun, at_us: int) -> dict[str, object]:
    """Return what is told on `system:events` of a run that found something."""
    rules = [{"rule": each.rule, "severity": each.severity, "count": each.unexpected_count} for each in run.failed]
    return {
        "event": "quality", "run": run.id, "symbol": run.symbol, "timeframe": run.timeframe, "suite": run.suite,
        "success": run.success, "failed": rules, "missing": len(run.missing), "at_us": at_us,
    }  # fmt: skip


def _stored_symbols(db: DatabaseOperations) -> list[str]:
    return sorted({*db.market_data.symbols(), *db.watermarks.symbols()})


def _trade_span(db: DatabaseOperations, symbol: str, kept_days: int | None, at_us: int) -> Window | None:
    from_us = 0 if kept_days is None else at_us - kept_days * DAY_US
    first_us, last_us = db.raw_trades.first_us(symbol, from_us=from_us), db.raw_trades.last_us(symbol)
    return None if first_us is None or last_us is None else Window(first_us, last_us + 1)


def _wanted(order: Order) -> str:
    parts = [
        "" if order.suite is Suite.TRADES else "candles" if order.every_width else f"{order.timeframe} candles",
        "" if order.suite is Suite.CANDLES else "trades",
    ]  # fmt: skip
    words = " or ".join(part for part in parts if part)
    for word, moment_us in (("from", order.start_us), ("to", order.end_us)):
        words += f" {word} {isoformat(moment_us)}" if moment_us is not None else ""
    return words
