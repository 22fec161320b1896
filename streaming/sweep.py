"""Heals the open holes of symbols that no worker follows: what a worker does at its start, and nothing else."""

import asyncio
import logging

from exchanges.base import DataProvider
from exchanges.rest import HistoryClient
from market.clock import monotonic
from market.errors import VenueError, WireError
from streaming.batch import Batch
from streaming.healer import Healer
from streaming.pipeline import Pipeline
from streaming.reads import Reads
from streaming.store import StoreSink
from streaming.venue_clock import VenueClock

logger = logging.getLogger(__name__)

_LONGEST = 600.0


async def sweep(
    provider: DataProvider, history: HistoryClient, reads: Reads, store: StoreSink, *, longest_seconds: float = _LONGEST
) -> dict[str, int]:
    """Heal what can be healed of a venue's symbols; return how many holes are still open, by symbol.

    Not for symbols that a worker follows: it heals them itself, and two memories of one minute would overwrite each other.

    Args:
        provider: The venue, with the symbols to heal.
        history: Its REST interface.
        reads: What is stored.
        store: Where what comes is written; closed at the end.
        longest_seconds: When to leave the rest to the next sweep.
    """
    pipeline = Pipeline(provider.symbols, decimals=provider.decimals, provable=provider.provable)
    clock = await _venue_clock(history)
    writing = asyncio.create_task(store.run())
    whole = reads.ids_of if provider.provable and not reads.keeps_trades else None
    healer = Healer(provider, history, pipeline, store.put, clock=clock, ids_of=whole)
    try:
        for symbol in provider.symbols:
            await _take_up(symbol, pipeline, reads, store)
        until = monotonic() + longest_seconds
        while True:
            wait = await healer.once()
            for written in store.take_written():
                for symbol, window in written.short:
                    healer.fetch_whole(symbol, window)
            if wait is None or monotonic() + wait > until:
                break
            await asyncio.sleep(wait)
    finally:
        store.close()
        await writing
    return {symbol: len(pipeline.lanes[symbol].open) for symbol in provider.symbols}


async def _take_up(symbol: str, pipeline: Pipeline, reads: Reads, store: StoreSink) -> None:
    point = await reads.resume(symbol)
    if point is not None:
        batch: Batch = pipeline.resume(symbol, point)
        await store.put(batch)


async def _venue_clock(history: HistoryClient) -> VenueClock:
    clock = VenueClock()
    try:
        clock.answered(await history.server_time(), monotonic())
    except (VenueError, WireError) as error:
        logger.warning("no venue time reason=%s", error)  # then nothing counts as older than the venue's history
    return clock
