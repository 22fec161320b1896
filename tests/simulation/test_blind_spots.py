"""Workers that are broken in one place: each has to be noticed, by the words that name what is wrong."""

import logging
from collections.abc import Callable

import pytest

from market.recent import RecentCandles
from simulation.life import run
from simulation.scenario import scenario_of
from streaming.backoff import Backoff
from streaming.batch import Batch
from streaming.lane import Lane
from streaming.ledger import Cause
from streaming.loose_lane import LooseLane
from streaming.vigil import Vigil

Break = Callable[[pytest.MonkeyPatch], None]
SEEDS = 60


@pytest.fixture(autouse=True)
def quiet():
    """Let the worker say nothing."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def holes_leave_minutes_complete(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RecentCandles, "in_hole", lambda *_: False)


def a_disconnect_without_ids_is_no_hole(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LooseLane, "_suspect", lambda lane, *_: lane.assure())


def holes_are_healed_and_not_noted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Batch, "add", _without_holes(Batch.add))


def _without_holes(add: Callable[[Batch, Batch], None]) -> Callable[[Batch, Batch], None]:
    def added(batch: Batch, other: Batch) -> None:
        other.holes = []
        add(batch, other)

    return added


def a_disconnect_is_called_overload(patch: pytest.MonkeyPatch) -> None:
    _call(patch, Cause.DISCONNECT, Cause.OVERLOAD)


def a_crash_is_called_a_disconnect(patch: pytest.MonkeyPatch) -> None:
    _call(patch, Cause.CRASH, Cause.DISCONNECT)


def _call(patch: pytest.MonkeyPatch, right: Cause, wrong: Cause) -> None:
    interrupt = Lane.interrupt
    patch.setattr(Lane, "interrupt", lambda lane, cause: interrupt(lane, wrong if cause is right else cause))


def nobody_is_ever_stale(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Vigil, "state", lambda *_: ("live", ""))


def everybody_quiet_is_stale(patch: pytest.MonkeyPatch) -> None:
    state = Vigil.state

    def alarmed(vigil: Vigil, now: float) -> tuple[str, str]:
        word, reason = state(vigil, now)
        return "stale" if word == "quiet" else word, reason

    patch.setattr(Vigil, "state", alarmed)


def it_reconnects_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Backoff, "next", lambda _: 0.2)


def it_asks_every_second(patch: pytest.MonkeyPatch) -> None:
    confirmed = Vigil.confirmed

    def impatient(vigil: Vigil, now: float) -> None:
        confirmed(vigil, now)
        vigil.look_soon(now + 1.0)

    patch.setattr(Vigil, "confirmed", impatient)


def it_stores_no_candles(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("simulation.memory._Candles.upsert_candles", lambda *_: 0)


BROKEN: dict[Break, str] = {
    holes_leave_minutes_complete: "called complete, which it was not",
    a_disconnect_without_ids_is_no_hole: "in no hole that cannot be filled",
    holes_are_healed_and_not_noted: "came over no line and is in no hole",
    a_disconnect_is_called_overload: "a hole of a cause that there was not",
    a_crash_is_called_a_disconnect: "a hole of a cause that there was not",
    nobody_is_ever_stale: "never called stale",
    everybody_quiet_is_stale: "stale for nothing",
    it_reconnects_at_once: "lines were asked for in a minute",
    it_asks_every_second: "questions over REST",
    it_stores_no_candles: "no minute was stored",
}


@pytest.mark.parametrize(("break_it", "words"), BROKEN.items(), ids=[each.__name__ for each in BROKEN])
def test_what_is_broken_is_noticed_and_named(break_it: Break, words: str, monkeypatch: pytest.MonkeyPatch):
    break_it(monkeypatch)

    assert any(words in found for seed in range(SEEDS) for found in run(scenario_of(seed)).wrong)


def test_the_wider_scenarios_come_often_enough():
    scenarios = [scenario_of(seed) for seed in range(300)]

    assert sum(len(scenario.symbols) > 2 for scenario in scenarios) > 30
    assert sum(scenario.page is not None for scenario in scenarios) > 15
    assert sum(scenario.double is not None for scenario in scenarios) > 10
    assert any((fault.ids or 0) > 1_000 for scenario in scenarios for fault in scenario.faults)
    assert any(fault.kind == "drop" and (fault.lasts or 0.0) > 60.0 for scenario in scenarios for fault in scenario.faults)


def test_the_second_worker_is_gone_before_the_last_life():
    for scenario in map(scenario_of, range(300)):
        if scenario.double is not None:
            begin, end = scenario.double

            assert 0.0 <= begin <= -scenario.kills[0] <= end <= -sum(scenario.kills) < scenario.seconds
            assert scenario.crashes == ()
