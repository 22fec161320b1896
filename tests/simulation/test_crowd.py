"""Forty symbols of one venue, most of them quiet: they share one line and one budget, and nobody is alarmed."""

import logging
from dataclasses import replace

import pytest

from simulation.life import Outcome, run
from simulation.scenario import scenario_of

MINUTES = 10
BUSY, QUIET = 5, 35


@pytest.fixture(scope="module", params=[("OKX", "trades-all"), ("BINANCE", "trade"), ("COINBASE", "matches"), ("KRAKEN", "trade"),
                                        ("BYBIT", "publicTrade")], ids=lambda param: param[0])  # fmt: skip
def outcome(request: pytest.FixtureRequest) -> Outcome:
    """Return what came of ten minutes in which five symbols trade all the time and 35 every few minutes."""
    venue, channel = request.param
    quote = "USD" if venue in {"COINBASE", "KRAKEN"} else "USDT"
    crowd = replace(
        scenario_of(0), seed=3, venue=venue, channel=channel, seconds=60.0 * MINUTES, offset_seconds=40,
        symbols=tuple(f"{venue}:C{number:02d}-{quote}" for number in range(BUSY + QUIET)),
        rates=(1.0,) * BUSY + tuple(1 / (120.0 + 6 * number) for number in range(QUIET)),
        faults=(), crashes=(), kills=(), away=(), slow_store=0.0, queue=100_000, keep_trades=True, latency=0.05, step=0.3,
        life=None, page=None, double=None,
    )  # fmt: skip
    logging.disable(logging.CRITICAL)
    try:
        return run(crowd)
    finally:
        logging.disable(logging.NOTSET)


def test_the_tape_of_a_crowd_is_whole(outcome: Outcome):
    assert outcome.wrong == []
    assert outcome.trades > 300 * BUSY
    assert outcome.holes == {}


def test_a_crowd_has_one_line(outcome: Outcome):
    assert outcome.lines == 1


def test_nobody_in_a_quiet_crowd_is_called_stale(outcome: Outcome):
    assert {event["state"] for event in outcome.events} <= {"live", "quiet", "down"}


def test_a_quiet_crowd_asks_every_two_seconds_and_not_more(outcome: Outcome):
    looks, times = 30 * outcome.seconds / 60 + BUSY + QUIET, 2 * MINUTES

    assert outcome.questions <= looks + times
