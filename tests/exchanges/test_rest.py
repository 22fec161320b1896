"""The venue's limits over REST, on virtual time: budgets, Retry-After, bans, endless answers, and what nobody answers."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Coroutine
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from exchanges import OKX, Binance, Kraken
from exchanges.base import Budget, DataProvider
from exchanges.body import MOST_BYTES
from exchanges.budgets import Budgets
from exchanges.rest import HistoryClient
from market.clock import monotonic, now_us, to_datetime
from market.errors import VenueError, VenueUnreachable, WireError
from market.timeframe import SECOND_US, Timeframe
from market.window import Window
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


BINANCE_TIME = b'{"serverTime":1597026383085}'


class Stream(httpx.AsyncByteStream):
    """A body that comes in pieces, some time apart."""

    def __init__(self, piece: bytes, *, pause: float = 0.0, times: int = 1_000_000) -> None:
        self.piece, self.pause, self.times = piece, pause, times
        self.sent, self.closed = 0, False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self.times):
            await asyncio.sleep(self.pause)
            self.sent += len(self.piece)
            yield self.piece

    async def aclose(self) -> None:
        self.closed = True


class Refusing:
    """Refuses once, then answers; knows when it was asked."""

    def __init__(self, refusal: Callable[[], httpx.Response]) -> None:
        self.refusal = refusal
        self.moments: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.moments.append(monotonic())
        return self.refusal() if len(self.moments) == 1 else httpx.Response(200, content=BINANCE_TIME)

    def ask_twice(self, *, later: float = 0.0) -> tuple[VenueError, float]:
        """Return the refusal, and how long the second question had to wait."""

        async def ask() -> VenueError:
            async with client(Binance(), self) as history:
                with pytest.raises(VenueError) as caught:
                    await history.server_time()
                await asyncio.sleep(later)
                await history.server_time()
                return caught.value

        refusal = on_virtual_time(ask())
        return refusal, self.moments[1] - self.moments[0]


def test_an_answer_that_comes_a_byte_at_a_time_is_no_answer():
    body = Stream(b" ", pause=1.0)

    async def ask() -> float:
        transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=body))
        async with HistoryClient(OKX(), timeout_seconds=5.0, transport=transport) as history:
            begun = monotonic()
            with pytest.raises(VenueUnreachable, match="TimeoutError"):
                await history.server_time()
            return monotonic() - begun

    assert on_virtual_time(ask()) == pytest.approx(15.0, abs=0.01)
    assert body.closed


@pytest.mark.parametrize(
    ("encoding", "piece"), [("identity", bytes(1 << 20)), ("gzip", gzip.compress(bytes(MOST_BYTES + 1))), ("gzip, gzip", b"")]
)
def test_an_answer_without_end_is_a_wire_error_and_ends_there(encoding: str, piece: bytes):
    body = Stream(piece)

    async def ask() -> None:
        async with client(OKX(), lambda _: httpx.Response(200, headers={"Content-Encoding": encoding}, stream=body)) as history:
            with pytest.raises(WireError, match=r"more than 67,108,864 bytes|'gzip, gzip'"):
                await history.server_time()

    on_virtual_time(ask())

    assert body.closed
    assert body.sent <= MOST_BYTES + (1 << 20)


def test_nothing_but_gzip_is_asked_for_and_it_is_unpacked():
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["Accept-Encoding"] == "gzip"
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Stream(gzip.compress(OKX_TIME), times=1))

    async def ask() -> int:
        async with client(OKX(), answer) as history:
            return await history.server_time()

    assert on_virtual_time(ask()) == 1597026383085000


def test_a_refusal_with_a_body_without_end_is_still_a_refusal():
    body = Stream(bytes(1 << 20))

    refusal, waited = Refusing(lambda: httpx.Response(429, headers={"Retry-After": "4"}, stream=body)).ask_twice()

    assert (refusal.transient, refusal.retry_after_seconds) == (True, 4.0)
    assert waited >= 4.0
    assert body.sent <= MOST_BYTES + (1 << 20)


def test_a_date_to_wait_for_is_counted_from_the_date_of_the_answer():
    headers = {"Retry-After": "Sun, 06 Nov 1994 08:49:34 GMT", "Date": "Sun, 06 Nov 1994 08:49:30 GMT"}

    refusal, waited = Refusing(lambda: httpx.Response(429, headers=headers)).ask_twice()

    assert refusal.retry_after_seconds == 4.0
    assert waited == pytest.approx(4.0, abs=0.01)


@pytest.mark.parametrize(("ahead", "wait"), [(4, 4.0), (-30, 0.0)])
def test_in_an_answer_without_a_date_it_is_counted_from_the_local_clock(ahead: int, wait: float):
    def refuse() -> httpx.Response:
        until = format_datetime(to_datetime(now_us() + ahead * SECOND_US), usegmt=True)
        return httpx.Response(503, headers={"Retry-After": until})

    refusal, waited = Refusing(refuse).ask_twice()

    assert refusal.retry_after_seconds == pytest.approx(wait, abs=1.0)
    assert waited == pytest.approx(max(wait, 0.5), abs=1.0)


@pytest.mark.parametrize("said", ["86400", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_an_hour_is_the_longest_that_a_venue_is_left_alone(said: str):
    refusing = Refusing(lambda: httpx.Response(418, headers={"Retry-After": said}))

    refusal, waited = refusing.ask_twice(later=3600.0)

    assert refusal.retry_after_seconds == 3600.0
    assert waited == pytest.approx(3600.0, abs=0.01)


@pytest.mark.parametrize(
    ("status", "headers", "pause"),
    [
        (500, {}, 0.5),
        (503, {}, 0.5),
        (408, {}, 0.5),
        (503, {"Retry-After": "0"}, 0.5),
        (503, {"Retry-After": "1.5"}, 1.5),
        (429, {}, 2.0),
        (404, {}, 0.0),
    ],
)
def test_after_a_refusal_that_may_be_tried_again_there_is_a_pause(status: int, headers: dict[str, str], pause: float):
    _, waited = Refusing(lambda: httpx.Response(status, headers=headers)).ask_twice()

    assert waited == pytest.approx(pause, abs=0.001)


def test_those_who_waited_out_a_pause_do_not_ask_all_at_once():
    moments: list[float] = []
    budget = OKX.budgets["trades"]

    async def answer(request: httpx.Request) -> httpx.Response:
        moments.append(monotonic())
        await asyncio.sleep(0.15)
        if len(moments) == budget.burst + 8:
            return httpx.Response(429, headers={"Retry-After": "4"}, content=b"{}")
        return httpx.Response(200, content=b'{"code":"0","msg":"","data":[]}')

    async def ask() -> None:
        async with HistoryClient(OKX(["BTC-USDT"]), transport=httpx.MockTransport(answer)) as history:
            looks = [history.newest_trades("OKX:BTC-USDT") for _ in range(100)]
            await asyncio.gather(*looks, return_exceptions=True)

    on_virtual_time(ask())

    later = [moment for moment in moments if moment > 1.0]
    assert later[0] >= 4.0
    assert len(later) > 3 * budget.burst
    for first in range(len(later)):
        for last in range(first, len(later)):
            assert last - first + 1 <= budget.burst + (later[last] - later[first]) * budget.per_second + 1e-6


def test_a_look_is_answered_at_once_in_the_middle_of_a_long_healing():
    asked: list[tuple[float, float]] = []
    budget = Binance.budgets[""]

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((monotonic(), 1 if request.url.path.endswith("time") else 25))
        if request.url.path.endswith("time"):
            return httpx.Response(200, content=BINANCE_TIME)
        first, limit = int(request.url.params.get("fromId", "1")), int(request.url.params["limit"])
        row = b'{"id":%d,"price":"4.0","qty":"1.0","quoteQty":"4.0","time":1499865549590,"isBuyerMaker":true,"isBestMatch":true}'
        return httpx.Response(200, content=b"[" + row % (first + limit - 1) + b"]")

    async def ask() -> list[float]:
        async with client(Binance(["BTC-USDT"]), answer) as history:
            healing = asyncio.create_task(history.trades("BINANCE:BTC-USDT", 1, 500_000))
            waits = []
            for number in range(30):
                await asyncio.sleep(3.0 + number / 10)
                begun = monotonic()
                await (history.newest_trades("BINANCE:BTC-USDT") if number % 2 else history.server_time())
                waits.append(monotonic() - begun)
            assert not healing.done()
            healing.cancel()
            return waits

    waits = on_virtual_time(ask())

    assert max(waits) < 0.001
    for first, (begin, _) in enumerate(asked):
        total = 0.0
        for moment, cost in asked[first:]:
            total += cost
            assert total <= budget.burst + (moment - begin) * budget.per_second + 1e-6


def test_the_clock_is_told_at_once_in_the_middle_of_a_long_way_back_through_candles():
    minute = 60_000

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("time"):
            return httpx.Response(200, content=BINANCE_TIME)
        start = int(request.url.params["startTime"])
        row = '[%d,"1","1","1","1","1",%d,"1",1,"1","1","0"]'
        rows = [row % (start + number * minute, start + (number + 1) * minute - 1) for number in range(1000)]
        return httpx.Response(200, content=f"[{','.join(rows)}]".encode())

    async def ask() -> list[float]:
        window = Window(0, 2_000_000 * minute * 1000)
        async with client(Binance(["BTC-USDT"]), answer) as history:
            history._budgets = Budgets({"": Budget(burst=5, per_second=2)})
            loading = asyncio.create_task(history.candles("BINANCE:BTC-USDT", Timeframe.M1, window))
            waits = []
            for number in range(10):
                await asyncio.sleep(5.0 + number / 7)
                begun = monotonic()
                await history.server_time()
                waits.append(monotonic() - begun)
            assert not loading.done()
            loading.cancel()
            return waits

    assert max(on_virtual_time(ask())) < 0.001


def test_some_trades_are_given_up_after_their_pages():
    asked: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(int(request.url.params["fromId"]))
        row = b'{"id":%d,"price":"4.0","qty":"1.0","quoteQty":"4.0","time":1499865549590,"isBuyerMaker":true,"isBestMatch":true}'
        return httpx.Response(200, content=b"[" + row % (asked[-1] + int(request.url.params["limit"]) - 1) + b"]")

    async def ask(last_id: int) -> int | None:
        async with client(Binance(["BTC-USDT"]), answer) as history:
            found = await history.some_trades("BINANCE:BTC-USDT", 1, last_id, pages=3)
            return None if found is None else len(found)

    assert on_virtual_time(ask(3000)) == 3
    assert on_virtual_time(ask(3001)) is None
    assert asked == [1, 1001, 2001] * 2


def redirecting(times: int, body: httpx.AsyncByteStream) -> Callable[[httpx.Request], httpx.Response]:
    left = [times]

    def answer(request: httpx.Request) -> httpx.Response:
        left[0] -= 1
        if left[0] < 0:
            return httpx.Response(200, content=BINANCE_TIME)
        return httpx.Response(307, headers={"Location": "/api/v3/time?again"}, stream=body)

    return answer


def test_a_redirect_is_followed_and_its_body_is_not_read():
    body = Stream(bytes(1 << 20))

    async def ask() -> int:
        async with client(Binance(), redirecting(3, body)) as history:
            return await history.server_time()

    assert on_virtual_time(ask()) == 1597026383085000
    assert (body.sent, body.closed) == (0, True)


def test_redirects_without_end_lead_to_nobody():
    async def ask() -> None:
        async with client(Binance(), redirecting(4, Stream(b""))) as history:
            with pytest.raises(VenueUnreachable, match="more than 3 redirects"):
                await history.server_time()

    on_virtual_time(ask())
