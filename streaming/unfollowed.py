"""Heals the open holes of symbols that no worker follows, and gives way as soon as one wants to."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from db.claims import Claims, Purpose
from db.operations import DatabaseOperations
from exchanges.base import DataProvider
from exchanges.rest import HistoryClient
from market.clock import monotonic
from streaming.persistence import Persistence
from streaming.reads import Reads
from streaming.store import StoreSink
from streaming.sweep import sweep

# A worker that starts waits 20 seconds for its symbols, asking each second, and then ends the whole system.
_TURN_SECONDS = 10.0
_PAUSE_SECONDS = 2.0


class Swept(msgspec.Struct, frozen=True):
    """What became of the open holes of one symbol.

    Attributes:
        symbol: `EXCHANGE:BASE-QUOTE`.
        before: How many were open.
        after: How many still are.
        followed: Whether a worker follows it, which heals them itself.
    """

    symbol: str
    before: int
    after: int
    followed: bool = False


def with_open_holes(db: DatabaseOperations) -> dict[str, list[str]]:
    """Return the symbols that have open holes, by venue."""
    found: dict[str, list[str]] = {}
    for symbol in sorted({gap.symbol for gap in db.gaps.list(state="open")}):
        found.setdefault(symbol.partition(":")[0], []).append(symbol)
    return found


async def heal_unfollowed(
    db: DatabaseOperations,
    provider: DataProvider,
    symbols: Sequence[str],
    *,
    keep_trades: bool = True,
    longest_seconds: float = 300.0,
) -> list[Swept]:
    """Heal what can be healed of those symbols of a venue that no worker follows; what is stored stays, whenever it ends.

    A symbol is claimed as a worker claims it, for ten seconds at a time.

    Args:
        db: The store.
        provider: The venue.
        symbols: Of this venue, with open holes.
        keep_trades: Whether raw trades are stored.
        longest_seconds: When to leave the rest to the next time.
    """
    until, found = monotonic() + longest_seconds, []
    for symbol in symbols:
        before = holes = await asyncio.to_thread(db.gaps.list, symbol, "open")
        followed = not await _turn(db, provider.following([symbol]), keep_trades=keep_trades)
        after = await asyncio.to_thread(db.gaps.list, symbol, "open")
        while after and after != holes and not followed and monotonic() < until:
            await asyncio.sleep(_PAUSE_SECONDS)
            followed = not await _turn(db, provider.following([symbol]), keep_trades=keep_trades)
            holes, after = after, await asyncio.to_thread(db.gaps.list, symbol, "open")
        found.append(Swept(symbol, len(before), len(after), followed))
    return found


async def _turn(db: DatabaseOperations, provider: DataProvider, *, keep_trades: bool) -> bool:
    """Heal for a moment; return whether the symbol was to be had."""
    claims = Claims(db.engine, Purpose.FOLLOW)
    try:
        if await asyncio.to_thread(claims.claim, provider.symbols):
            return False
        store = Persistence(db.transaction, provider, keep_trades=keep_trades)
        with suppress(TimeoutError):  # a venue that asks for patience gets it, without the symbol being held meanwhile
            async with asyncio.timeout(_TURN_SECONDS), HistoryClient(provider) as history:
                await sweep(provider, history, Reads(store), StoreSink(store.write, linger=0.0), longest_seconds=_TURN_SECONDS)
        return True
    finally:
        await asyncio.to_thread(claims.close)
