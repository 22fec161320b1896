"""What the worker asks of a venue and what it believes of it, on virtual time."""

import asyncio
import logging
from collections import Counter
from dataclasses import replace

import httpx
import pytest

from exchanges import OKX
from market.clock import now_us
from replay.faults import Fault
from simulation import life
from simulation.network import SimTransport
from simulation.scenario import scenario_of
from streaming.venue_clock import VenueClock
from tests.generators import MINUTE_US, START_US
from tests.streaming.scripted import Stage, okx_ack, okx_push, okx_rest, wires_of

FLAPPING = replace(
    scenario_of(0), seed=1, venue="BINANCE", channel="trade", symbols=("BINANCE:BTC-USDT",), seconds=120.0, rate=3.0,
    offset_seconds=40, faults=(Fault(kind="close-without-frame", every=10.0),), crashes=(), kills=(), away=(), slow_store=0.0,
    queue=100_000, keep_trades=True, latency=0.05, step=0.3, life=None,
)  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch):
    """Return the questions over REST by their path, as they are counted; the first `refused` of each fail."""
    counted: Counter[str] = Counter()

    class Noting(SimTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            counted[request.url.path] += 1
            if counted[request.url.path] <= counted["refused"]:
                raise httpx.ReadError("the exchange hung up", request=request)
            return await super().handle_async_request(request)

    monkeypatch.setattr(life, "SimTransport", Noting)
    logging.disable(logging.CRITICAL)
    yield counted
    logging.disable(logging.NOTSET)


def test_a_line_that_breaks_again_and_again_does_not_spend_the_healers_budget_on_the_list_of_symbols(asked: Counter[str]):
    outcome = life.run(FLAPPING)

    assert outcome.wrong == []
    assert outcome.lines >= 6
    assert asked["/api/v3/exchangeInfo"] == 1


def test_the_list_of_symbols_is_asked_for_again_until_it_comes(asked: Counter[str]):
    asked["refused"] = 2

    outcome = life.run(FLAPPING)

    assert outcome.wrong == []
    assert asked["/api/v3/exchangeInfo"] == 3


# -- trades ahead of the venue's clock -------------------------------------------------------------------------------

SECOND_US = 1_000_000
DAY_US = 1440 * MINUTE_US


@pytest.mark.parametrize(
    ("ahead_us", "believed"),
    [
        (0, True),
        (10 * SECOND_US, True),
        (10 * SECOND_US + 1, False),
        (59 * MINUTE_US, False),
        (-7 * DAY_US, True),
        (-8 * DAY_US, False),
    ],
)
def test_once_the_venue_told_its_time_trades_may_be_ten_seconds_ahead_of_it(ahead_us: int, believed: bool):
    clock = VenueClock()
    clock.answered(START_US, 5.0)

    assert clock.may_trade_at(START_US + 30 * SECOND_US + ahead_us, START_US, 35.0) is believed


@pytest.mark.parametrize(
    ("ahead_us", "believed"), [(60 * MINUTE_US, True), (60 * MINUTE_US + 1, False), (-7 * DAY_US, True), (-7 * DAY_US - 1, False)]
)
def test_before_it_told_its_time_trades_may_be_an_hour_off_the_local_clock(ahead_us: int, believed: bool):
    assert VenueClock().may_trade_at(START_US + ahead_us, START_US, 35.0) is believed


def test_a_local_clock_that_is_behind_refuses_no_trade_of_now():
    clock = VenueClock()
    clock.answered(START_US, 5.0)

    assert clock.may_trade_at(START_US + DAY_US, START_US - DAY_US, 5.0 + 86_400.0)


class Ahead:
    """An OKX of two symbols that trade once a second; in between come trades that are some seconds ahead of its clock."""

    symbols = ("OKX:BTC-USDT", "OKX:ETH-USDT")

    def __init__(self, seconds: float, *, tape: str = "") -> None:
        self.stage = Stage(OKX, list(self.symbols), lambda message: [okx_ack(wire) for wire in wires_of(message)], okx_rest())
        self.stage.venue.tape = tape
        self.ahead_us = int(seconds * SECOND_US)
        self.quarantined = self.closed = -1
        self.stage.run(self.play)

    async def play(self) -> None:
        await asyncio.sleep(2.0)
        for number in range(15):
            for wire in ("BTC-USDT", "ETH-USDT"):
                self.stage.venue.lines[0].push(okx_push(wire, 100 + number, now_us()))
            await asyncio.sleep(1.0)
        self.stage.venue.lines[0].push(okx_push("BTC-USDT", 115, now_us() + self.ahead_us), okx_push("ETH-USDT", 115, now_us()))
        await asyncio.sleep(1.0)
        self.quarantined = self.stage.worker.board.quarantined
        self.closed = len(self.stage.database.candles)


def test_a_trade_ahead_of_the_venues_clock_is_counted_and_closes_no_candle():
    ahead = Ahead(600.0)

    assert ahead.quarantined == 1
    assert ahead.closed == 0
    assert [batch.holes for batch in ahead.stage.database.batches if batch.holes] == []
    assert sorted(ahead.stage.database.trade_ids) == sorted([*range(100, 115), *range(100, 116)])


def test_a_trade_a_little_ahead_is_taken():
    ahead = Ahead(9.0)

    assert ahead.quarantined == 0
    assert len(ahead.stage.database.trade_ids) == 32


def test_a_local_exchange_may_play_any_time():
    ahead = Ahead(600.0, tape="synthetic")

    assert ahead.quarantined == 0
    assert ahead.closed > 0
