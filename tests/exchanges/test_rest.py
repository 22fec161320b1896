"""The venue's limits over REST, on virtual time: budgets, Retry-After, bans, and what nobody answers."""

from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest

from exchanges import OKX, Binance, Kraken
from exchanges.base import DataProvider
from exchanges.rest import HistoryClient
from market.clock import monotonic
from market.errors import VenueError, VenueUnreachable
from simulation import loop as virtual
from tests.generators import START_US

OKX_TIME = b'{"code":"0","msg":"","data":[{"ts":"1597026383085"}]}'


def client(provider: DataProvider, answer: Callable[[httpx.Request], httpx.Response]) -> HistoryClient:
    return HistoryClient(provider, transport=httpx.MockTransport(answer))


def on_virtual_time(work: Coroutine[Any, Any, Any]) -> Any:
    return virtual.run(work, virtual.VirtualLoop(), START_US)


def test_questions_keep_within_the_budget_of_their_endpoint():
    moments: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        moments.append(monotonic())
        return httpx.Response(200, content=b'{"code":"0","msg":"","data":[]}')

    async def ask() -> None:
        async with client(OKX(["BTC-USDT"]), answer) as history:
            for number in range(40):
                await history.trades("OKX:BTC-USDT", number, number)

    on_virtual_time(ask())

    budget = OKX.budgets["history"]
    for first in range(40):
        for last in range(first, 40):
            assert last - first + 1 <= budget.burst + (moments[last] - moments[first]) * budget.per_second + 1e-6


def test_kraken_counts_by_pair():
    moments: dict[str, list[float]] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        moments.setdefault(request.url.params["pair"], []).append(monotonic())
        return httpx.Response(200, content=b'{"error":[],"result":{"XXBTZUSD":[],"last":"1"}}')

    async def ask() -> None:
        async with client(Kraken(["BTC-USD", "ETH-USD"]), answer) as history:
            for symbol in ("KRAKEN:BTC-USD", "KRAKEN:ETH-USD") * 4:
                await history.newest_trades(symbol)

    on_virtual_time(ask())

    assert len(moments) == 2
    spans = [max(found) - min(found) for found in moments.values()]
    assert all(span >= 1.0 for span in spans)
    assert sum(spans) < 2.5 * max(spans)


@pytest.mark.parametrize("status", [429, 418])
def test_after_a_refusal_nothing_is_asked_until_the_venue_allows_it(status: int):
    moments: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        moments.append(monotonic())
        if len(moments) == 1:
            return httpx.Response(status, headers={"Retry-After": "3"}, content=b'{"code":-1003,"msg":"Too much"}')
        return httpx.Response(200, content=b'{"serverTime":1597026383085}')

    async def ask() -> int:
        async with client(Binance(), answer) as history:
            with pytest.raises(VenueError, match="-1003") as caught:
                await history.server_time()
            assert (caught.value.transient, caught.value.retry_after_seconds) == (True, 3.0)
            return await history.server_time()

    assert on_virtual_time(ask()) == 1597026383085000
    assert moments[1] - moments[0] >= 3.0


def test_a_long_ban_is_said_and_not_waited_for():
    asked = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return httpx.Response(418, headers={"Retry-After": "600"}, content=b"{}")

    async def ask() -> None:
        async with client(Binance(), answer) as history:
            for _ in range(3):
                with pytest.raises(VenueError) as caught:
                    await history.server_time()
                assert caught.value.transient
                assert caught.value.retry_after_seconds is not None
                assert caught.value.retry_after_seconds > 590

    on_virtual_time(ask())

    assert asked == 1


def test_a_limit_in_a_body_of_http_200_is_a_refusal_that_may_be_tried_again():
    bodies = [b'{"code":"50011","msg":"Too Many Requests","data":[]}', OKX_TIME]

    async def ask() -> int:
        async with client(OKX(), lambda _: httpx.Response(200, content=bodies.pop(0))) as history:
            with pytest.raises(VenueError, match="50011") as caught:
                await history.server_time()
            assert caught.value.transient
            return await history.server_time()

    assert on_virtual_time(ask()) == 1597026383085000


def test_nobody_there_is_said_with_the_address():
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    async def ask() -> None:
        async with client(OKX(), answer) as history:
            with pytest.raises(VenueUnreachable, match=r"OKX cannot be reached at https://www\.okx\.com"):
                await history.server_time()

    on_virtual_time(ask())
