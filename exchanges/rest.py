"""Asks a venue's REST interface, within its limits; the codecs say what to ask and what the answers mean."""

import asyncio
from collections.abc import Generator
from email.utils import format_datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import httpx

from exchanges.base import DataProvider, Instrument, Request
from exchanges.body import read_body
from exchanges.budgets import Budgets
from market.candle import Candle
from market.clock import now_us, to_datetime
from market.errors import VenueError, VenueUnreachable, WireError
from market.timeframe import Timeframe
from market.trade import Trade
from market.window import Window

T = TypeVar("T")

_LIMITS = {418, 429}
_PAUSE, _SHORT_PAUSE, _LONGEST_PAUSE = 2.0, 0.5, 3600.0
_ANSWER_TIMES = 3.0
_PATIENCE = 5.0
_MOST_REDIRECTS = 3


class HistoryClient:
    """One venue's history over HTTP.

    Every method raises VenueUnreachable when nobody answers, VenueError for a refusal (its `transient` says whether to try
    again) and WireError for an answer that the venue's documentation does not have.

    Each question waits for its budget (a token bucket), of which paged history spares a share for single questions. After a
    refusal that asks to be left alone nothing is asked until then, an hour at most; a wait of more than five seconds is not
    waited for but raised as a VenueError that may be tried again. Both hold for all processes that keep their limits in the
    same folder (`endpoints.limits`).

    Args:
        provider: The venue; asked at its `endpoints.rest`.
        timeout_seconds: Longest wait for one answer.
        transport: What carries the questions; the network if None.
        greedy: Whether paged history spares nothing while nobody asks single questions.
    """

    def __init__(
        self,
        provider: DataProvider,
        *,
        timeout_seconds: float = 10.0,
        transport: httpx.AsyncBaseTransport | None = None,
        greedy: bool = False,
    ) -> None:
        self._provider, self._url = provider, provider.endpoints.rest
        self._longest = _ANSWER_TIMES * timeout_seconds
        host = httpx.URL(self._url).host
        folder = provider.endpoints.limits
        self._budgets = Budgets(
            provider.budgets, Path(folder) / f"{provider.name.lower()}-{host}" if folder else None, greedy=greedy
        )
        self._http = httpx.AsyncClient(
            base_url=self._url,
            timeout=timeout_seconds,
            trust_env=host not in {"127.0.0.1", "::1", "localhost"},
            headers={"User-Agent": "tcpdashboard", "Accept-Encoding": "gzip"},
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
        return await self._run(self._provider.newest_trades(symbol, now_us()), paged=False)

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
                request = asking.send(await self._get(request, paged=True))
        except StopIteration as end:
            return list(end.value)
        asking.close()
        return None

    async def candles(self, symbol: str, timeframe: Timeframe, window: Window) -> list[Candle]:
        """Return the closed candles whose spans lie in the window, oldest first."""
        return await self._run(self._provider.candles(symbol, timeframe, window))

    async def ask(self, pages: Generator[Request, bytes, T]) -> T:
        """Return what comes of the questions of a codec."""
        return await self._run(pages)

    async def _run(self, pages: Generator[Request, bytes, T], *, paged: bool = True) -> T:
        try:
            request = next(pages)
            while True:
                request = pages.send(await self._get(request, paged=paged))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # a generator's return value has no type at run time

    async def _get(self, request: Request, *, paged: bool = False) -> bytes:
        await self._wait_for_turn(request, paged=paged)
        try:
            async with asyncio.timeout(self._longest):  # a venue that answers a byte at a time does not answer
                status, headers, body = await self._ask(request)
        except (httpx.RequestError, httpx.InvalidURL, TimeoutError) as error:
            raise VenueUnreachable(self._provider.name, self._url, str(error) or type(error).__name__) from error
        headers.setdefault("date", format_datetime(to_datetime(now_us()), usegmt=True))  # as RFC 9110 has it: the receipt's
        refusal = self._provider.refusal(status, headers, body)
        if refusal is None:
            return body
        self._note(refusal, status)
        raise refusal

    async def _ask(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        question = self._http.build_request("GET", request.path, params=list(request.params))
        for _ in range(1 + _MOST_REDIRECTS):
            answer = await self._http.send(question, stream=True)
            try:
                if answer.next_request is None:
                    headers = {name.lower(): value for name, value in answer.headers.items()}
                    return answer.status_code, headers, await self._body(answer)
                question = answer.next_request
            finally:
                await answer.aclose()
        raise httpx.TooManyRedirects(f"more than {_MOST_REDIRECTS} redirects from {request.path}", request=question)

    async def _body(self, answer: httpx.Response) -> bytes:
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        try:
            return await read_body(self._provider.name, answer.stream, answer.headers.get("content-encoding", ""))
        except WireError:
            if answer.status_code == httpx.codes.OK:
                raise
            return b""  # a refusal is one, whatever it says

    def _note(self, refusal: VenueError, status: int) -> None:
        wait = _PAUSE if status in _LIMITS else _SHORT_PAUSE if refusal.transient else 0.0
        if refusal.retry_after_seconds is not None:
            refusal.retry_after_seconds = min(refusal.retry_after_seconds, _LONGEST_PAUSE)
            wait = max(refusal.retry_after_seconds, _SHORT_PAUSE)
        self._budgets.leave_alone(wait)

    async def _wait_for_turn(self, request: Request, *, paged: bool) -> None:
        while True:  # who has to wait after paying pays again: those who waited must not all ask at once
            await self._leave_alone()
            await self._budgets.pay(request, paged=paged)
            if self._budgets.alone_for() <= 0:
                return

    async def _leave_alone(self) -> None:
        while (wait := self._budgets.alone_for()) > 0:
            if wait > _PATIENCE:
                name = self._provider.name
                raise VenueError(name, f"it asked to be left alone for {wait:.0f} s more", transient=True, retry_after_seconds=wait)
            await asyncio.sleep(wait)
