"""Looks at silent symbols: in which order, what an answer is worth, and how a symbol is found out that never delivered."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from exchanges import OKX, Coinbase
from exchanges.base import Control, ControlKind
from market.clock import isoformat, monotonic, now_us
from market.errors import VenueError
from market.timeframe import SECOND_US
from market.trade import Side, Trade
from simulation import loop as virtual
from streaming.batch import Batch
from streaming.lookout import Lookout
from streaming.pipeline import Pipeline
from streaming.venue_clock import VenueClock
from tests.generators import START_US
from tests.streaming.scripted import NOWHERE, Stage, coinbase_beat, coinbase_match

SYMBOLS = [f"OKX:C{number}-USDT" for number in range(10)]
ONE = SYMBOLS[0]


def trade(number: int, seconds: float, symbol: str = ONE) -> Trade:
    moment = START_US + int(seconds * SECOND_US)
    return Trade(symbol, number, 10.0, 1.0, Side.BUY, moment, moment)


class History:
    """REST whose answers are given by hand: each question waits for `answer`, or gets `page` after a moment."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.page: list[Trade] | VenueError | None = None
        self._open: dict[str, asyncio.Future[list[Trade]]] = {}

    async def newest_trades(self, symbol: str) -> list[Trade]:
        self.asked.append(symbol)
        if self.page is None:
            self._open[symbol] = asyncio.get_running_loop().create_future()
            return await self._open[symbol]
        await asyncio.sleep(0.1)
        if isinstance(self.page, VenueError):
            raise self.page
        return self.page

    async def answer(self, symbol: str, *page: Trade) -> None:
        self._open.pop(symbol).set_result(list(page))
        await asyncio.sleep(0.01)


class Scene:
    """A lookout, what it asks and what comes of it."""

    def __init__(self, symbols: list[str] = SYMBOLS) -> None:
        self.history, self.pipeline, self.clock = History(), Pipeline(symbols), VenueClock()
        self.emitted, self.renewed = Batch(), []
        provider = OKX(symbols, endpoints=NOWHERE)
        self.lookout = Lookout(
            provider, self.history, self.pipeline, self.emit, renew=self.renewed.append, clock=self.clock
        )  # fmt: skip

    async def emit(self, batch: Batch) -> None:
        self.emitted.add(batch)

    async def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.5)):
            self.lookout.tick()
            await asyncio.sleep(0.5)

    def take(self, *trades: Trade) -> None:
        self.pipeline.take(list(trades))
        self.lookout.heard(trades)

    def play(self, play: Callable[[], Awaitable[None]]) -> None:
        virtual.run(play(), virtual.VirtualLoop(), START_US)


# -- who is asked about first ----------------------------------------------------------------------------------------


def test_the_most_overdue_are_asked_about_first_and_four_at_once():
    scene = Scene()
    order = [3, 8, 1, 9, 0, 2, 7, 4, 6, 5]

    async def play() -> None:
        scene.lookout.connected(renewed=True)
        for number in reversed(order):
            scene.lookout.vigils[SYMBOLS[number]].look_soon(float(order.index(number)))
        await asyncio.sleep(20.0)
        scene.lookout.tick()
        await asyncio.sleep(0.1)
        assert scene.history.asked == [SYMBOLS[number] for number in order[:4]]
        scene.lookout.tick()
        await asyncio.sleep(0.1)
        assert len(scene.history.asked) == 4
        await scene.history.answer(SYMBOLS[order[2]])
        scene.lookout.tick()
        await asyncio.sleep(0.1)

    scene.play(play)

    assert scene.history.asked == [SYMBOLS[number] for number in order[:5]]


def test_of_many_symbols_none_is_left_out():
    scene = Scene()
    scene.history.page = []

    async def play() -> None:
        scene.lookout.connected(renewed=False)
        await scene.wait(60.0)

    scene.play(play)

    counts = [scene.history.asked.count(symbol) for symbol in SYMBOLS]
    assert min(counts) >= 2
    assert max(counts) - min(counts) <= 1


def test_without_a_line_nobody_is_asked():
    scene = Scene()
    scene.history.page = []

    async def play() -> None:
        scene.lookout.connected(renewed=False)
        scene.lookout.disconnected()
        await scene.wait(60.0)

    scene.play(play)

    assert scene.history.asked == []


# -- what an answer is worth -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["renewed", "lost", "lost and found"])
def test_an_answer_that_comes_after_the_line_changed_is_ignored(change: str):
    scene = Scene([ONE])
    scene.history.page = None

    async def play() -> None:
        scene.lookout.connected(renewed=False)
        scene.take(trade(1, 0.0), trade(2, 0.1))
        await asyncio.sleep(30.0)
        scene.lookout.tick()
        await asyncio.sleep(0.1)
        if change != "renewed":
            scene.lookout.disconnected()
        if change != "lost":
            scene.lookout.connected(renewed=change == "renewed")
        await scene.history.answer(ONE, trade(5, 20.0))
        await asyncio.sleep(10.0)

    scene.play(play)

    assert scene.history.asked == [ONE]
    assert not scene.emitted
    assert scene.renewed == []
    assert not any(scene.pipeline.open_holes())
    assert scene.lookout.vigils[ONE].owes == ""


def test_the_same_answer_on_the_same_line_is_a_hole_and_a_new_line():
    scene = Scene([ONE])

    async def play() -> None:
        scene.lookout.connected(renewed=False)
        scene.take(trade(1, 0.0), trade(2, 0.1))
        await asyncio.sleep(30.0)
        scene.lookout.tick()
        await asyncio.sleep(0.1)
        await scene.history.answer(ONE, trade(5, 20.0))
        await asyncio.sleep(10.0)

    scene.play(play)

    assert [(hole.first_id, hole.last_id, str(hole.cause)) for hole in scene.emitted.holes] == [(3, 5, "stall")]
    assert len(scene.renewed) == 1
    assert scene.lookout.vigils[ONE].state(40.0)[0] == "stale"


def test_a_line_that_took_over_and_lets_two_looks_find_ever_newer_trades_does_not_deliver():
    async def play() -> None:
        scene.lookout.connected(renewed=False)
        for second in range(20):
            scene.history.page = [trade(second + 1, second)]
            scene.take(*scene.history.page)
            await scene.wait(1.0)
        scene.history.page = [trade(26, 26.0)]
        await scene.wait(7.0)  # the line before is deaf, and ends before that is known
        scene.lookout.connected(renewed=True)
        begun = monotonic()
        await scene.wait(2.0)
        said.append(scene.lookout.vigils[ONE].state(monotonic())[0] == "stale")
        scene.history.page = [trade(26, 26.0), trade(29, 28.5)]
        while not scene.renewed and monotonic() < begun + 60:
            await scene.wait(0.5)
        said.append(scene.lookout.vigils[ONE].state(monotonic())[0] == "stale")
        waited.append(monotonic() - begun)

    scene, said, waited = Scene([ONE]), [], []
    scene.play(play)

    assert said == [False, True]
    assert waited[0] < 9.0


def test_a_line_that_changes_while_it_may_still_deliver_owes_nothing():
    scene = Scene([ONE])
    scene.history.page = [trade(5, 20.0)]

    async def play() -> None:
        scene.lookout.connected(renewed=False)
        scene.take(trade(1, 0.0), trade(2, 0.1))
        await asyncio.sleep(30.0)
        scene.lookout.tick()
        await asyncio.sleep(1.0)  # it has two seconds
        scene.lookout.connected(renewed=True)
        await asyncio.sleep(5.0)

    scene.play(play)

    assert not scene.emitted
    assert scene.renewed == []


@pytest.mark.parametrize("seconds", [50 * 365 * 86_400, 3600 + 3600, -8 * 86_400])
def test_a_page_with_an_impossible_time_is_no_answer(seconds: int):
    scene = Scene([ONE])
    scene.history.page = [trade(3, 10.0), trade(4, float(seconds))]

    async def play() -> None:
        scene.lookout.connected(renewed=False)
        scene.clock.answered(START_US, monotonic())
        scene.take(trade(1, 0.0), trade(2, 0.1))
        await scene.wait(20.0)

    scene.play(play)

    assert len(scene.history.asked) >= 2
    assert not scene.emitted
    assert scene.pipeline.lanes[ONE].newest == trade(2, 0.1)
    state, reason = scene.lookout.vigils[ONE].state(20.0)
    assert state == "stale"
    assert "does not answer" in reason


def test_once_the_venue_told_its_time_a_page_may_be_ten_seconds_ahead_of_it():
    ahead = {}
    for seconds in (9.0, 11.5):
        scene = Scene([ONE])
        scene.history.page = [trade(3, 30.0 + seconds)]

        async def play(scene: Scene = scene) -> None:
            scene.lookout.connected(renewed=False)
            scene.clock.answered(START_US, monotonic())
            scene.take(trade(1, 0.0), trade(2, 0.1))
            await asyncio.sleep(30.0)
            scene.lookout.tick()
            await asyncio.sleep(5.0)

        scene.play(play)
        ahead[seconds] = [hole.last_id for hole in scene.emitted.holes]

    assert ahead == {9.0: [3], 11.5: []}


# -- dead from the start ---------------------------------------------------------------------------------------------


def test_a_heartbeat_says_nothing_of_a_symbol_whose_tape_has_not_begun():
    scene = Scene([ONE])

    async def play() -> None:
        scene.lookout.connected(renewed=False)
        await scene.lookout.heartbeat(Control(ControlKind.HEARTBEAT, ONE, newest_id=9))
        await asyncio.sleep(10.0)

    scene.play(play)

    assert not scene.emitted
    assert scene.lookout.vigils[ONE].should_look(3.5)  # and puts off no look


def test_a_heartbeat_that_names_a_newer_trade_is_a_hole_without_a_question():
    scene = Scene([ONE])

    async def play() -> None:
        scene.lookout.connected(renewed=False)
        scene.take(trade(1, 0.0), trade(2, 0.1))
        await asyncio.sleep(30.0)
        for _ in range(3):
            await scene.lookout.heartbeat(Control(ControlKind.HEARTBEAT, ONE, newest_id=4))
            await asyncio.sleep(1.0)

    scene.play(play)

    assert scene.history.asked == []
    assert [(hole.first_id, hole.last_id, str(hole.cause)) for hole in scene.emitted.holes] == [(3, 4, "sequence")]


def test_what_a_heartbeat_names_lies_before_it_however_long_the_line_is_waited_for():
    scene = Scene([ONE])

    async def play() -> None:
        scene.lookout.connected(renewed=False)
        scene.take(trade(1, 0.0), trade(2, 0.1))
        said_us = START_US + 40 * SECOND_US
        await scene.lookout.heartbeat(Control(ControlKind.HEARTBEAT, ONE, newest_id=4, at_us=said_us))
        scene.clock.answered(said_us + 2 * SECOND_US, monotonic())  # in which more was traded, unheard of
        await asyncio.sleep(5.0)

    scene.play(play)

    [hole] = scene.emitted.holes
    assert (hole.first_id, hole.last_id, hole.end_us) == (3, 4, START_US + 40 * SECOND_US)


class DeadProduct:
    """Coinbase with one product whose matches never come over the first line, though there is a trade every two seconds."""

    wire, symbol = "BTC-USD", "COINBASE:BTC-USD"

    def __init__(self) -> None:
        self.stage = Stage(Coinbase, [self.symbol], self.answer, self.rest)
        self.trades: list[dict[str, Any]] = []
        self.seen: list[tuple[float, str]] = []

    def answer(self, message: dict[str, Any]) -> list[str]:
        products = ",".join(f'"{wire}"' for wire in message["product_ids"])
        return [f'{{"type":"subscriptions","channels":[{{"name":"matches","product_ids":[{products}]}}]}}']

    def rest(self, request: httpx.Request) -> Any:
        if request.url.path == "/time":
            return {"iso": isoformat(now_us()), "epoch": now_us() / SECOND_US}
        if request.url.path == "/products":
            return []
        before = int(request.url.params.get("after", len(self.trades) + 101))
        return [each for each in reversed(self.trades) if each["trade_id"] < before]

    async def play(self) -> None:
        while monotonic() < 60.0:
            number = len(self.trades) + 100
            self.trades.append({"trade_id": number, "side": "sell", "size": "0.5", "price": "10.0", "time": isoformat(now_us())})
            for line, socket in enumerate(self.stage.venue.lines):
                if line > 0:
                    socket.push(coinbase_match(self.wire, self.trades[-1]))
                socket.push(coinbase_beat(self.wire, number))
            await asyncio.sleep(2.0)


def test_a_product_of_which_no_match_ever_comes_is_found_out_by_asking_and_its_line_is_renewed():
    product = DeadProduct()
    stage = product.stage

    stage.run(product.play)

    first, second, *others, last = [(event["state"], event["at_us"] - START_US) for event in stage.told.events]
    assert (first[0], second[0], last[0]) == ("quiet", "stale", "down")
    assert second[1] <= 15 * SECOND_US
    assert {state for state, _ in others} <= {"healing", "live"}
    assert min(at_us for state, at_us in others if state == "live") <= 20 * SECOND_US
    assert len(stage.venue.lines) == 2
    assert sorted(stage.database.trade_ids) == list(range(102, product.trades[-1]["trade_id"] + 1))


class DeadTwice(DeadProduct):
    """The same over any line."""

    async def play(self) -> None:
        while monotonic() < 60.0:
            number = len(self.trades) + 100
            self.trades.append({"trade_id": number, "side": "sell", "size": "0.5", "price": "10.0", "time": isoformat(now_us())})
            for socket in self.stage.venue.lines:
                socket.push(coinbase_beat(self.wire, number))
            await asyncio.sleep(2.0)


def test_a_product_that_no_line_delivers_stays_stale():
    product = DeadTwice()

    product.stage.run(product.play)

    assert product.stage.told.states(product.symbol) == ["quiet", "stale", "down"]
