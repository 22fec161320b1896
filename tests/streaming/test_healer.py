"""How holes end, against the exchange's own REST protocol on virtual time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from random import Random
from typing import Any

import httpx
import msgspec
import pytest

from exchanges import find_venue
from exchanges.base import Endpoints
from exchanges.rest import HistoryClient
from market.clock import monotonic
from market.errors import VenueError
from market.trade import Side, Trade
from market.window import Window
from replay.core import ExchangeCore
from replay.faults import Fault, FaultScript
from replay.small import START_US, SmallMarket
from simulation import loop as virtual
from simulation.network import Network, SimTransport
from simulation.witness import Witness
from streaming.batch import Batch, Rebuild
from streaming.healer import Healer
from streaming.ledger import Progress
from streaming.pipeline import Pipeline
from streaming.venue_clock import VenueClock


class Stage:
    """A market that was played to its end, a pipeline that missed some of it, and a healer."""

    def __init__(
        self, *faults: Fault, venue: str = "OKX", lost: slice = slice(10, 20), history_seconds: float | None = -1.0
    ) -> None:
        self.market = SmallMarket(venue, ["BTC-USDT"], seconds=100.0, rate=1.0)
        [self.symbol] = self.market.symbols
        self.faults, self.lie = faults, None
        kind = find_venue(venue)
        if history_seconds != -1.0:
            kind = type(kind.__name__, (kind,), {"history_seconds": history_seconds})
        self.provider = kind([self.symbol], endpoints=Endpoints("ws://127.0.0.1:1", "http://127.0.0.1:1"))
        self.pipeline = Pipeline([self.symbol], provable=self.provider.provable)
        self.trades = list(self.market.trades(self.symbol))
        self.progress: list[Progress] = []
        self.asked: list[tuple[float, httpx.URL]] = []
        self.received = [trade for trade in self.trades if trade not in self.trades[lost]]

    async def emit(self, batch: Batch) -> None:
        self.progress += batch.progress

    async def heal(self, until: Callable[[], bool], *, seconds: float = 8000.0) -> None:
        self.core = ExchangeCore(self.market, faults=FaultScript(self.faults))
        self.core._clock.release(hold_seconds=0.0)
        self.core._begun = 0.0  # as if somebody had subscribed: faults count their seconds from there
        if self.lie is not None:
            self.core.answer = partial(self.lie, self.core.answer)
        network = Network(self.core, Random(1), latency=0.05, step=1.0, witness=Witness(self.provider))
        playing = asyncio.create_task(network.play())
        await asyncio.sleep(120.0)
        self.pipeline.take(self.received)
        asked = self.asked

        class Noting(SimTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                asked.append((monotonic(), request.url))
                return await super().handle_async_request(request)

        async with HistoryClient(self.provider, transport=Noting(network, self.core)) as history:
            clock = VenueClock()
            clock.answered(self.core.now_us, monotonic())
            healer = Healer(
                self.provider, history, self.pipeline, self.emit, clock=clock, rng=Random(1)
            )  # fmt: skip
            healing = asyncio.create_task(healer.run())
            end = monotonic() + seconds
            while not until() and monotonic() < end:
                await asyncio.sleep(0.5)
            healing.cancel()
        playing.cancel()

    def run(self, until: Callable[["Stage"], bool] = lambda stage: not any(stage.pipeline.open_holes())) -> None:
        work: Awaitable[Any] = self.heal(lambda: until(self))
        virtual.run(work, virtual.VirtualLoop(), START_US)

    @property
    def last(self) -> Progress:
        return self.progress[-1]


def test_a_hole_that_rest_has_is_filled():
    stage = Stage()

    stage.run()

    assert (stage.last.state, stage.last.recovered, stage.last.missing) == ("filled", 10, ())
    assert len(stage.asked) == 1


def test_the_newest_hole_comes_first():
    stage = Stage()
    stage.received = [trade for number, trade in enumerate(stage.trades) if number not in {5, 40, 80}]

    stage.run()

    ends = [step.hole.first_id - stage.trades[0].trade_id for step in stage.progress if step.state == "filled"]
    assert ends == [80, 40, 5]


def test_ids_that_never_existed_are_told_by_two_answers_the_second_wider_and_later():
    stage = Stage(lost=slice(0, 0))
    gone = {trade.trade_id: trade for trade in stage.trades}
    for number in range(stage.trades[30].trade_id, stage.trades[30].trade_id + 3):
        del gone[number]
    series = stage.market._fills[stage.symbol]
    stage.market._fills[stage.symbol] = type(series)(list(gone.values()), list(gone))
    stage.received = list(gone.values())

    stage.run()

    assert (stage.last.state, stage.last.recovered) == ("never_existed", 0)
    [(first, _), (second, _)] = stage.asked
    assert second - first >= 5.0
    answers = stage.last.evidence["never_existed"][0]["answers"]
    assert len(answers) == 2
    assert answers[1]["rows"] > answers[0]["rows"]


def test_a_hole_that_rest_lacks_at_first_is_filled_at_the_second_try():
    stage = Stage()
    answers = 0

    def lying(inner, question):
        nonlocal answers
        reply = inner(question)
        answers += 1
        if answers == 1 and reply.answer is not None:
            body = msgspec.json.decode(reply.answer.body)
            body["data"] = [row for row in body["data"] if row["tradeId"] != str(stage.trades[12].trade_id)]
            return type(reply)(type(reply.answer)(msgspec.json.encode(body)), reply.delay_seconds)
        return reply

    stage.lie = lying
    stage.run()

    assert (stage.last.state, stage.last.recovered) == ("filled", 10)
    assert [step.state for step in stage.progress] == ["open", "filled"]
    assert stage.progress[0].missing == ((stage.trades[12].trade_id, stage.trades[12].trade_id),)


def test_what_is_older_than_the_venues_history_is_unrecoverable_and_is_not_asked_for():
    stage = Stage(history_seconds=20.0)

    stage.run()

    assert stage.last.state == "unrecoverable"
    assert "older than what OKX returns" in stage.last.evidence["reason"]
    assert stage.asked == []


def test_a_symbol_that_the_venue_refuses_for_good_is_unrecoverable_in_the_end():
    stage = Stage(Fault(kind="delist", at=0.0))

    stage.run()

    assert stage.last.state == "unrecoverable"
    assert stage.last.evidence["reason"] == "the venue refuses for good"
    waits = [b - a for (a, _), (b, _) in zip(stage.asked, stage.asked[1:], strict=False)]
    assert waits == sorted(waits)
    assert len(stage.asked) == 8


def test_a_venue_that_is_away_is_asked_again_less_and_less_often():
    stage = Stage(Fault(kind="rest-down", at=0.0, lasts=80_000.0))

    stage.run(until=lambda stage: len(stage.asked) >= 8)

    assert stage.progress == []
    assert any(stage.pipeline.open_holes())
    waits = [b - a for (a, _), (b, _) in zip(stage.asked, stage.asked[1:], strict=False)]
    assert waits[-1] > 10 * waits[0]
    assert max(waits) <= 61.0


def test_a_long_hole_is_filled_piece_by_piece_and_each_piece_is_kept():
    stage = Stage(lost=slice(0, 0))
    stage.market = SmallMarket("OKX", ["BTC-USDT"], seconds=100.0, rate=15.0)
    stage.trades = list(stage.market.trades(stage.symbol))
    stage.received = [stage.trades[0], *stage.trades[1300:]]

    stage.run()

    assert [(step.state, step.recovered) for step in stage.progress] == [("open", 499), ("open", 998), ("filled", 1299)]


def test_a_hole_of_a_venue_without_ids_ends_by_one_page_of_its_newest_trades():
    stage = Stage(venue="BYBITLINEAR", lost=slice(60, 70))
    pages: list[Trade] = stage.trades

    async def heal() -> None:
        stage.pipeline.take(pages[:60])
        stage.pipeline.interrupt()
        stage.received = pages[70:]
        await stage.heal(lambda: not any(stage.pipeline.open_holes()))

    virtual.run(heal(), virtual.VirtualLoop(), START_US)

    assert (stage.last.state, stage.last.recovered, stage.last.evidence["overlaps"]) == ("filled", 10, True)
    assert len(stage.asked) == 1


def test_a_wide_range_in_which_nothing_exists_ends_with_few_questions():
    stage = Stage(lost=slice(0, 0))
    shifted = [
        trade if number < 30 else msgspec.structs.replace(trade, trade_id=trade.trade_id + 5_000)
        for number, trade in enumerate(stage.trades)
    ]
    series = stage.market._fills[stage.symbol]
    stage.market._fills[stage.symbol] = type(series)(shifted, [trade.trade_id for trade in shifted])
    stage.received = shifted

    stage.run()

    assert (stage.last.state, stage.last.recovered) == ("never_existed", 0)
    assert stage.last.hole.last_id - stage.last.hole.first_id + 1 == 5_000
    assert len(stage.asked) < 40


def test_a_wide_range_in_which_nothing_exists_ends_however_many_pages_lie_before_it():
    stage = Stage(venue="KRAKEN", lost=slice(0, 0))
    stage.provider.page = 8  # of 38 trades in the second before it
    shifted = [
        trade if number < 60 else msgspec.structs.replace(trade, trade_id=trade.trade_id + 200)
        for number, trade in enumerate(stage.trades)
    ]
    series = stage.market._fills[stage.symbol]
    stage.market._fills[stage.symbol] = type(series)(shifted, [trade.trade_id for trade in shifted])
    stage.received = shifted

    stage.run()

    assert (stage.last.state, stage.last.recovered) == ("never_existed", 0)
    assert len(stage.asked) < 200


def test_a_new_hole_need_not_wait_for_a_long_one():
    stage = Stage(lost=slice(0, 0))
    stage.market = SmallMarket("OKX", ["BTC-USDT"], seconds=100.0, rate=60.0)
    stage.trades = list(stage.market.trades(stage.symbol))
    stage.received = [stage.trades[0], *stage.trades[4000:]]
    fresh: list[float] = []

    async def lose_more() -> None:
        await asyncio.sleep(122.0)  # the long hole is being filled
        last = stage.trades[-1]
        new = [msgspec.structs.replace(last, trade_id=last.trade_id + number) for number in (1, 3)]
        stage.pipeline.take(new)
        assert len(stage.pipeline.lanes[stage.symbol].open) == 2
        fresh.append(stage.pipeline.lanes[stage.symbol].open[-1].hole.first_id)

    async def both() -> None:
        losing = asyncio.create_task(lose_more())
        await stage.heal(lambda: any(step.state == "filled" for step in stage.progress))
        await losing

    virtual.run(both(), virtual.VirtualLoop(), START_US)

    asked = [int(url.params["after"]) for _, url in stage.asked]
    first_new = next(number for number, after in enumerate(asked) if after > stage.trades[-1].trade_id)
    assert any(after <= stage.trades[4000].trade_id for after in asked[first_new:])


def test_what_the_feed_fills_of_a_long_hole_while_another_is_treated_need_not_be_asked_for(monkeypatch):
    monkeypatch.setattr("streaming.healer._PIECE_PAGES", 1)
    stage = Stage(lost=slice(0, 0))
    stage.provider.page = 12
    series, gone = stage.market._fills[stage.symbol], stage.trades[8]  # never existed, in the first piece
    there = [trade for trade in stage.trades if trade is not gone]
    stage.market._fills[stage.symbol] = type(series)(there, [trade.trade_id for trade in there])
    stage.received = [*stage.trades[:5], *stage.trades[60:]]

    async def emit(batch: Batch) -> None:
        stage.progress += batch.progress
        if len(stage.asked) == 1:  # while the first piece comes, a newer hole shows up
            last = stage.trades[-1]
            new = [msgspec.structs.replace(last, trade_id=last.trade_id + number) for number in (1, 3)]
            stage.progress += stage.pipeline.take(new).progress

    async def late() -> None:
        while len(stage.asked) < 2:  # and while that is asked for, the feed brings what lies behind the piece
            await asyncio.sleep(0.01)
        stage.progress += stage.pipeline.take(stage.trades[15:60]).progress

    async def both() -> None:
        coming = asyncio.create_task(late())
        await stage.heal(
            lambda: any(step.hole.first_id == stage.trades[5].trade_id and step.state == "filled" for step in stage.progress)
        )
        await coming

    stage.emit = emit
    virtual.run(both(), virtual.VirtualLoop(), START_US)

    [done] = [step for step in stage.progress if step.hole.first_id == stage.trades[5].trade_id and step.state == "filled"]
    assert (done.recovered, done.missing) == (54, ((gone.trade_id, gone.trade_id),))


def test_a_recovered_trade_at_an_absurd_time_is_refused_and_the_hole_stays_open():
    stage = Stage()

    def lying(inner, question):
        reply = inner(question)
        if reply.answer is not None and "history-trades" in question.path:
            body = msgspec.json.decode(reply.answer.body)
            for row in body["data"]:
                row["ts"] = str(int(row["ts"]) + 50 * 365 * 86_400_000)
            return type(reply)(type(reply.answer)(msgspec.json.encode(body)), reply.delay_seconds)
        return reply

    stage.lie = lying
    stage.run(until=lambda stage: len(stage.asked) >= 3)

    assert stage.progress == []
    assert [opened.missing for opened in stage.pipeline.open_holes()] == [((stage.trades[10].trade_id, stage.trades[19].trade_id),)]


# -- minutes whose trades are not kept -------------------------------------------------------------------------------


class Refusing:
    """REST that refuses the first questions, for now or for good, and then has all trades."""

    def __init__(self, trades: Sequence[Trade], refusals: int, *, transient: bool) -> None:
        self._trades, self._refusals, self._transient = trades, refusals, transient
        self.asked: list[float] = []

    async def trades(self, symbol: str, first_id: int, last_id: int, since_us: int | None = None) -> list[Trade]:
        self.asked.append(monotonic())
        if len(self.asked) <= self._refusals:
            raise VenueError("OKX", "busy", transient=self._transient)
        return [trade for trade in self._trades if first_id <= trade.trade_id <= last_id]


def fetched_whole(history: Refusing, window: Window, *, seconds: float = 8000.0) -> list[Rebuild]:
    """Return what a healer makes anew of a window."""
    made: list[Rebuild] = []

    async def emit(batch: Batch) -> None:
        made.extend(batch.rebuilds)

    async def ids_of(symbol: str, asked: Window) -> tuple[int, int]:
        assert asked == window
        return 103, 107

    async def heal() -> None:
        provider = find_venue("OKX")(["OKX:BTC-USDT"])
        healer = Healer(
            provider, history, Pipeline(provider.symbols), emit, clock=VenueClock(), ids_of=ids_of, rng=Random(1)
        )  # fmt: skip
        healing = asyncio.create_task(healer.run())
        await asyncio.sleep(1.0)
        healer.fetch_whole("OKX:BTC-USDT", window)
        await asyncio.sleep(seconds)
        healing.cancel()

    virtual.run(heal(), virtual.VirtualLoop(), START_US)
    return made


def test_a_minute_is_made_whole_once_after_refusals():
    history = Refusing(TRADES, 3, transient=True)

    made = fetched_whole(history, MINUTE)

    assert (len(made), len(history.asked)) == (1, 4)


TRADES = [Trade("OKX:BTC-USDT", 100 + number, 10.0, 1.0, Side.BUY, START_US + number, START_US) for number in range(10)]
MINUTE = Window(START_US, START_US + 60_000_000)


@pytest.mark.parametrize("transient", [True, False])
def test_a_minute_without_kept_trades_is_fetched_after_refusals(transient: bool):
    history = Refusing(TRADES, 3, transient=transient)

    made = fetched_whole(history, MINUTE)

    assert {(each.symbol, each.window, tuple(each.trades)) for each in made} == {("OKX:BTC-USDT", MINUTE, tuple(TRADES[3:8]))}
    waits = [b - a for a, b in zip(history.asked[:4], history.asked[1:4], strict=False)]
    assert waits == sorted(waits)


@pytest.mark.parametrize("transient", [True, False])
def test_a_minute_without_kept_trades_stays_as_it_is_after_eight_refusals(transient: bool):
    history = Refusing(TRADES, 1000, transient=transient)

    made = fetched_whole(history, MINUTE, seconds=40_000.0)

    assert made == []
    assert len(history.asked) == 8
    if transient:
        assert history.asked[-1] - history.asked[0] <= 120.0


def test_the_newest_hole_comes_first_whatever_symbol_it_is_of():
    names = ["OKX:NEW-USDT", "OKX:OLD-USDT"]
    asked: list[str] = []

    class Empty:
        async def trades(self, symbol: str, first_id: int, last_id: int, since_us: int | None = None) -> list[Trade]:
            asked.append(symbol)
            return []

    async def heal() -> None:
        async def emit(batch: Batch) -> None:
            """Drop it."""

        pipeline = Pipeline(names)
        for name, at_us in zip(names, (9_000, 0), strict=True):
            pipeline.take([Trade(name, number, 1.0, 1.0, Side.BUY, START_US + at_us + number, START_US) for number in (1, 5)])
        await Healer(find_venue("OKX")(names), Empty(), pipeline, emit, clock=VenueClock(), rng=Random(1)).once()

    virtual.run(heal(), virtual.VirtualLoop(), START_US)

    assert asked == names
