"""What the worker asks of a venue, on virtual time."""

import logging
from collections import Counter
from dataclasses import replace

import httpx
import pytest

from replay.faults import Fault
from simulation import life
from simulation.network import SimTransport
from simulation.scenario import scenario_of

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
