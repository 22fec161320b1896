"""Asks a venue's REST interface, within its limits; the codecs say what to ask and what the answers mean."""

import asyncio
from collections.abc import Generator
from types import TracebackType
from typing import Self, TypeVar

import httpx
from aiolimiter import AsyncLimiter

from exchanges.base import DataProvider, Instrument, Request
from market.candle import Candle
from market.clock import monotonic, now_us
from market.errors import VenueError, VenueUnreachable
from market.timeframe import Timeframe
from market.trade import Trade
from market.window import Window

T = TypeVar("T")

_LIMITS = {418, 429}
_PAUSE, _SHORT_PAUSE, _LONGEST_PAUSE = 2.0, 0.5, 3600.0
_ANSWER_TIMES = 3.0
_PATIENCE = 5.0


class HistoryClient:
    """One venue's history over HTTP.

    Every method raises VenueUnreachable when nobody answers, VenueError for a refusal (its `transient` says whether to try
    again) and WireError for an answer that the venue's documentation does not have.

    Each question waits for its budget (a token bucket). After a refusal that asks to be left alone nothing is asked until
    then; a wait of more than five seconds is not waited for but raised as a VenueError that may be tried again.

    Args:
        provider: The venue; asked at its `endpoints.rest`.
        timeout_seconds: Longest wait for one answer.
        transport: What carries the questions; the network if None.
    """

    def __init__(
        self, provider: DataProvider, *, timeout_seconds: float = 10.0, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._provider, self._url = provider, provider.endpoints.rest
        self._longest = _ANSWER_TIMES * timeout_seconds
        self._limiters: dict[str, AsyncLimiter] = {}
        self._pause_until = float("-inf")
        host = httpx.URL(self._url).host
        self._http = httpx.AsyncClient(
            base_url=self._url,
            timeout=timeout_seconds,
            follow_redirects=True,
            trust_env=host not in {"127.0.0.1", "::1", "localhost"},
            headers={"User-Agent": "tcpdashboard"},
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._http.aclose()

    async def server_time(self) -> int:
        """Return the venue's clock, UTC epoch microseconds."""
        return self._provider.parse_server_time(await self._get(self._provider.server_time()))

    async def instruments(self) -> list[Instrument]:
        """Return the symbols that the venue lists."""
        return self._provider.parse_instruments(await self._get(self._provider.instruments()))

    async def newest_trades(self, symbol: str) -> list[Trade]:
        """Return the newest page of trades, oldest first."""
        return await self._run(self._provider.newest_trades(symbol, now_us()))

    async def trades(self, symbol: str, first_id: int, last_id: int, since_us: int | None = None) -> list[Trade]:
        """Return the trades with ids `first_id` to `last_id`, both inclusive, oldest first; what the venue lacks is absent.

        `since_us` is a moment not later than the first of them, for venues that page by time.
        """
        return await self._run(self._provider.trades(symbol, first_id, last_id, now_us(), since_us))

    async def some_trades(
        self, symbol: str, first_id: int, last_id: int, since_us: int | None = None, *, pages: int
    ) -> list[Trade] | None:
        """Return what `trades` does if it takes at most some pages, None if it takes more."""
        asking = self._provider.trades(symbol, first_id, last_id, now_us(), since_us)
        try:
            request = next(asking)
            for _ in range(pages):
                request = asking.send(await self._get(request))
        except StopIteration as end:
            return list(end.value)
        asking.close()
        return None

    async def candles(self, symbol: str, timeframe: Timeframe, window: Window) -> list[Candle]:
        """Return the closed candles whose spans lie in the window, oldest first."""
        return await self._run(self._provider.candles(symbol, timeframe, window))

    async def _run(self, pages: Generator[Request, bytes, T]) -> T:
        try:
            request = next(pages)
            while True:
                request = pages.send(await self._get(request))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # a generator's return value has no type at run time

    async def _get(self, request: Request) -> bytes:
        await self._limiter(request.budget).acquire(request.cost)
        await self._leave_alone()
        try:
            async with asyncio.timeout(self._longest):  # a venue that answers a byte at a time does not answer
                answer = await self._http.get(request.path, params=list(request.params))
        except (httpx.RequestError, httpx.InvalidURL, TimeoutError) as error:
            raise VenueUnreachable(self._provider.name, self._url, str(error) or type(error).__name__) from error
        headers = {name.lower(): value for name, value in answer.headers.items()}
        refusal = self._provider.refusal(answer.status_code, headers, answer.content)
        if refusal is None:
            return answer.content
        wait = refusal.retry_after_seconds
        if wait is None and refusal.transient:
            wait = _PAUSE if answer.status_code in _LIMITS else _SHORT_PAUSE
        if wait is not None:
            wait = min(wait, _LONGEST_PAUSE)
            self._pause_until = max(self._pause_until, monotonic() + wait)
        raise refusal

    async def _leave_alone(self) -> None:
        while (wait := self._pause_until - monotonic()) > 0:
            if wait > _PATIENCE:
                name = self._provider.name
                raise VenueError(name, f"it asked to be left alone for {wait:.0f} s more", transient=True, retry_after_seconds=wait)
            await asyncio.sleep(wait)

    def _limiter(self, name: str) -> AsyncLimiter:
        if name not in self._limiters:
            budget = self._provider.budgets[name.partition(":")[0]]
            self._limiters[name] = AsyncLimiter(budget.burst, budget.burst / budget.per_second)
        return self._limiters[name]
