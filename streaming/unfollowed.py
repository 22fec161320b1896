"""Heals the open holes of symbols that no worker follows, and gives way as soon as one wants to."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress

import msgspec

from db.bus import MARKET_DATA_CHANNEL, Bus
from db.claims import Claims, Purpose
from db.operations import DatabaseOperations
from exchanges.base import DataProvider
from exchanges.rest import HistoryClient
from market.candle import Candle
from market.clock import monotonic
from market.errors import StoreUnreachable
from streaming.batch import Batch
from streaming.persistence import Persistence, Written
from streaming.reads import Reads
from streaming.store import StoreSink
from streaming.sweep import sweep

logger = logging.getLogger(__name__)

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
    bus: Bus | None = None,
    longest_seconds: float = 300.0,
) -> list[Swept]:
    """Heal what can be healed of those symbols of a venue that no worker follows; what is stored stays, whenever it ends.

    A symbol is claimed as a worker claims it, for ten seconds at a time.

    Args:
        db: The store.
        provider: The venue.
        symbols: Of this venue, with open holes.
        keep_trades: Whether raw trades are stored.
        bus: Where candles that changed are published; None where nobody listens.
        longest_seconds: When to leave the rest to the next time.
    """
    until, found, teller = monotonic() + longest_seconds, [], _Teller(bus)
    for symbol in symbols:
        before = holes = await asyncio.to_thread(db.gaps.list, symbol, "open")
        followed = not await _turn(db, provider.following([symbol]), teller, keep_trades=keep_trades)
        after = await asyncio.to_thread(db.gaps.list, symbol, "open")
        while after and after != holes and not followed and monotonic() < until:
            await asyncio.sleep(_PAUSE_SECONDS)
            followed = not await _turn(db, provider.following([symbol]), teller, keep_trades=keep_trades)
            holes, after = after, await asyncio.to_thread(db.gaps.list, symbol, "open")
        found.append(Swept(symbol, len(before), len(after), followed))
    return found


async def _turn(db: DatabaseOperations, provider: DataProvider, teller: "_Teller", *, keep_trades: bool) -> bool:
    """Heal for a moment; return whether the symbol was to be had."""
    claims = Claims(db.engine, Purpose.FOLLOW)
    try:
        if await asyncio.to_thread(claims.claim, provider.symbols):
            return False
        store = Persistence(db.transaction, provider, keep_trades=keep_trades)

        def write(batch: Batch) -> Written:
            written = store.write(batch)
            teller.tell([*batch.candles, *written.candles])
            return written

        with suppress(TimeoutError):  # a venue that asks for patience gets it, without the symbol being held meanwhile
            async with asyncio.timeout(_TURN_SECONDS), HistoryClient(provider) as history:
                await sweep(provider, history, Reads(store), StoreSink(write, linger=0.0), longest_seconds=_TURN_SECONDS)
        return True
    finally:
        await asyncio.to_thread(claims.close)


class _Teller:
    """Publishes candles that changed, once they are stored; a lost Redis is no reason not to store them."""

    def __init__(self, bus: Bus | None) -> None:
        self._bus = bus

    def tell(self, candles: Iterable[Candle]) -> None:
        if self._bus is None:
            return
        try:
            for candle in candles:
                latest = self._bus.latest(candle.symbol, candle.timeframe)
                if latest is None or latest.timestamp_us <= candle.timestamp_us:
                    self._bus.publish_candle(candle)
                else:  # news, but not the latest
                    self._bus.publish(MARKET_DATA_CHANNEL.format(symbol=candle.symbol), candle)
        except StoreUnreachable as error:
            logger.warning("not published reason=%s", error)
            self._bus = None
