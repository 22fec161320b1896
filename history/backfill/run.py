"""Runs a backfill: what is wanted is checked against the venue first, then all symbols are filled at once."""

import asyncio
from collections.abc import Sequence
from difflib import get_close_matches

from db.operations import DatabaseOperations
from exchanges.base import Instrument
from history.backfill import patience
from history.backfill.candles import CandleJob
from history.backfill.job import Job
from history.backfill.order import DAYS, Order, Outcome, OutOfReach, Progress, Standing
from history.backfill.plan import whole_spans
from history.backfill.trades import TradeJob
from history.backfill.venue import CandleVenue, NativeVenue
from market.clock import isoformat
from market.errors import InputError
from market.timeframe import BASE, DAY_US, SECOND_US
from market.window import Window

_SHOWN = 3


async def run_backfill(db: DatabaseOperations, venue: CandleVenue, order: Order, progress: Progress | None = None) -> list[Outcome]:
    """Fill what is missing of some symbols of one venue; return what came of each, in the order of the order.

    Args:
        db: The store.
        venue: Who is asked; it is opened and closed here.
        order: What is wanted.
        progress: Is told after each step; it must return at once.

    Raises:
        InputError: If the order cannot be: an unknown symbol or width, a time to come. Nothing was changed then.
        OutOfReach: If the venue does not hand out such a past.
        VenueError: If the venue does not answer at all.
        StoreError: If the database does not.
        CancelledError: If it was cancelled; what was stored stays, and the same order goes on from there.
    """
    tell = progress or _say_nothing

    def waits(why: str) -> None:
        for symbol in order.symbols:
            tell(Standing(symbol=symbol, timeframe=order.timeframe, wanted=0, waits=why))

    async with venue:
        now_us = await patience.ask(venue.server_time, waits, first=True)
        start_us = order.start_us if order.start_us is not None else (order.end_us or now_us) - DAYS * DAY_US
        if start_us >= now_us:
            raise InputError(f"--from {isoformat(start_us)} is in the future: the clock of {venue.name} shows {isoformat(now_us)}")
        await patience.ask(lambda: _check_source(venue, order, start_us, now_us), waits, first=True)
        check_symbols(venue.name, order.symbols, await patience.ask(venue.instruments, waits, first=True))
        window = _window_of(venue, order, start_us, now_us)
        gate = asyncio.Semaphore(order.parallel)
        jobs = [_job(db, venue, order, symbol, now_us, window, gate, tell) for symbol in order.symbols]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(job.run()) for job in jobs]
        return [task.result() for task in tasks]


def check_symbols(venue: str, symbols: Sequence[str], listed: Sequence[Instrument]) -> None:
    """Make sure that a venue lists some symbols.

    Raises:
        InputError: If it lists one of them not.
    """
    known = {instrument.symbol for instrument in listed}
    for symbol in symbols:
        if symbol not in known:
            close = get_close_matches(symbol, sorted(known), n=_SHOWN, cutoff=0.6)
            hint = f"; did you mean {' or '.join(close)}?" if close else ""
            raise InputError(f"{venue} does not list {symbol} among its {len(known):,} symbols{hint}")


def _window_of(venue: CandleVenue, order: Order, start_us: int, now_us: int) -> Window:
    """Return the time that can be filled: whole candles that are over, and do not change any more."""
    settled_us = now_us - int(venue.candle_delay_seconds * SECOND_US)
    window = whole_spans(order.timeframe, start_us, min(order.end_us or settled_us, settled_us))
    if not window.width_us and not order.trades:
        start, end = isoformat(start_us), isoformat(min(order.end_us or settled_us, settled_us))
        raise InputError(f"no whole {order.timeframe} candle that is over lies between {start} and {end}; take an earlier --from")
    return window


async def _check_source(venue: CandleVenue, order: Order, start_us: int, now_us: int) -> None:
    """Make sure that the venue has candles of the width, or trades that prove themselves."""
    if not order.trades:
        no_time = order.timeframe.open_of(now_us)
        await venue.candles(order.symbols[0], order.timeframe, Window(no_time, no_time), lambda: None)
        return
    if not isinstance(venue, NativeVenue):
        raise InputError(f"--trades needs a venue that this program knows itself; of {venue.name} only candles can be had")
    if order.timeframe is not BASE:
        raise InputError(f"--trades makes {BASE} candles, which wider ones are made of; leave --timeframe {order.timeframe} out")
    provider = venue.provider
    if not provider.provable:
        raise OutOfReach(
            f"the trade ids of {venue.name} (channel {provider.channel}) prove nothing, and it hands out only its newest trades; "
            "leave --trades out: its own candles can be had"
        )
    seconds = provider.history_seconds
    oldest_us = None if seconds is None else now_us - int(seconds * SECOND_US)
    if oldest_us is not None and start_us < oldest_us:
        raise OutOfReach(
            f"{venue.name} hands out trades since {isoformat(BASE.close_of(oldest_us))} only, not since "
            f"{isoformat(start_us)}; take a later --from, or leave --trades out: its own candles reach further back"
        )


def _job(
    db: DatabaseOperations, venue: CandleVenue, order: Order, symbol: str, now_us: int, window: Window, gate: asyncio.Semaphore,
    progress: Progress,
) -> Job:  # fmt: skip
    common = (db, order, symbol, window, gate, progress)
    if order.trades:
        assert isinstance(venue, NativeVenue)
        return TradeJob(venue, *common)
    return CandleJob(venue, now_us, *common)


def _say_nothing(standing: Standing) -> None:
    pass
