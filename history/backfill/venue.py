"""A venue as a backfill sees it: its clock, its list, its candles, and what is to be known of them."""

from collections.abc import Callable, Generator
from types import TracebackType
from typing import Protocol, Self, TypeVar

import httpx

from exchanges.base import DataProvider, Instrument, Request
from exchanges.rest import HistoryClient
from market.candle import Candle
from market.clock import now_us
from market.timeframe import Timeframe
from market.trade import Trade
from market.window import Window

T = TypeVar("T")

Asked = Callable[[], None]
"""Is called for each question that goes out."""


class CandleVenue(Protocol):
    """What can be asked for candles: one of the native venues, or any exchange through ccxt.

    Attributes:
        name: First part of its symbols.
        decimals: Digits after the point to which it prints volumes.
        candle_page: Most candles in one answer.
        candle_rows: How many of the newest candles it has; None for all.
        candle_delay_seconds: How long after its end a candle may still change, or be absent.
        skips_quiet: Whether it has no candle of a span in which nobody traded.
        proves_absence: Whether an answer without a candle means that it has none.
    """

    name: str
    decimals: int
    candle_page: int
    candle_rows: int | None
    candle_delay_seconds: float
    skips_quiet: bool
    proves_absence: bool

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def server_time(self) -> int:
        """Return its clock, UTC epoch microseconds."""

    async def instruments(self) -> list[Instrument]:
        """Return the symbols that it lists."""

    async def candles(self, symbol: str, timeframe: Timeframe, window: Window, asked: Asked) -> list[Candle]:
        """Return the closed candles whose spans lie in the window, oldest first.

        Raises:
            InputError: If it has no candles of that width.
            VenueError: If it refuses; `transient` says whether to try again.
        """


class NativeVenue:
    """A venue with a codec of its own, asked within its budgets.

    Args:
        provider: The venue.
        transport: What carries the questions; the network if None.
    """

    proves_absence = True

    def __init__(self, provider: DataProvider, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.provider, self._client = provider, HistoryClient(provider, transport=transport, greedy=True)
        self.name, self.decimals = provider.name, provider.decimals
        self.candle_page, self.candle_rows = provider.candle_page, provider.candle_rows
        self.candle_delay_seconds, self.skips_quiet = provider.candle_delay_seconds, provider.skips_quiet

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def server_time(self) -> int:
        """Return the venue's clock, UTC epoch microseconds."""
        return await self._client.server_time()

    async def instruments(self) -> list[Instrument]:
        """Return the symbols that the venue lists."""
        return await self._client.instruments()

    async def candles(self, symbol: str, timeframe: Timeframe, window: Window, asked: Asked) -> list[Candle]:
        """Return the closed candles whose spans lie in the window, oldest first."""
        return await self._client.ask(_counted(self.provider.candles(symbol, timeframe, window), asked))

    async def trades(self, symbol: str, first_id: int, last_id: int, since_us: int | None, asked: Asked) -> list[Trade]:
        """Return the trades with ids `first_id` to `last_id`, both inclusive, oldest first; what the venue lacks is absent."""
        return await self._client.ask(_counted(self.provider.trades(symbol, first_id, last_id, now_us(), since_us), asked))

    async def newest_trades(self, symbol: str, asked: Asked) -> list[Trade]:
        """Return the newest page of trades, oldest first."""
        return await self._client.ask(_counted(self.provider.newest_trades(symbol, now_us()), asked))


def _counted(pages: Generator[Request, bytes, T], asked: Asked) -> Generator[Request, bytes, T]:
    try:
        request = next(pages)
        while True:
            asked()
            request = pages.send((yield request))
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # a generator's return value has no type at run time
