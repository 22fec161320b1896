"""What the tests of an unmodified third-party client, ccxt, have in common at every venue."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from market.clock import parse_time
from market.trade import Trade
from replay.bars import Bar

START = parse_time("2025-06-15T04:10:30")


@asynccontextmanager
async def used(client: Any) -> AsyncIterator[Any]:
    """Yield a client for half a minute at the most, and close it."""
    try:
        async with asyncio.timeout(30):
            yield client
    finally:
        await client.close()


async def watch(client: Any, symbol: str, count: int) -> list[dict[str, Any]]:
    """Return the next trades, at least so many."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        found += await client.watch_trades(symbol)
    return found


async def closed_candles(client: Any, symbol: str, count: int, **options: Any) -> list[list[float]]:
    """Return the next candles of a minute that close, at least so many, as they were told last."""
    seen: dict[int, list[float]] = {}
    while len(seen) <= count:
        for candle in await client.watch_ohlcv(symbol, "1m", **options):
            seen[candle[0]] = [float(number) for number in candle]
    return [seen[time] for time in sorted(seen)[:-1]]


def told(trades: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return what the client says of trades."""
    return [(each["timestamp"], each["price"], each["amount"], each["side"]) for each in trades]


def meant(trades: Sequence[Trade]) -> list[tuple[Any, ...]]:
    """Return what it should say."""
    return [(each.timestamp_us // 1000, each.price, each.size, each.side.value) for each in trades]


def ids_of(trades: Sequence[dict[str, Any]]) -> list[int]:
    """Return the ids that the client says trades have."""
    return [int(each["id"]) for each in trades]


def rows(bars: Sequence[Bar]) -> list[list[float]]:
    """Return what it should say of candles."""
    return [[bar.open_us // 1000, bar.open, bar.high, bar.low, bar.close, bar.volume] for bar in bars]
