"""Sweeps in pieces: stopped, gone on with, and told."""

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from research.local import LocalPool
from research.sweeps import Progress, run_sweep, sweep_document
from tests.research.searched import done, small_sweep
from trading.backtest.sweep import Chunk, Sampler


class Broken(Exception):
    """What stands for the moment at which a process is killed."""


class Counting:
    """A sweep that counts what is done of it."""

    def __init__(self, sweep) -> None:
        self.sweep, self.pieces = sweep, []

    def do(self, piece: Chunk, stopped: Callable[[], bool]) -> bytes:
        self.pieces.append(piece.number)
        return self.sweep.do(piece, stopped)


@pytest.mark.parametrize("sampler", list(Sampler))
@pytest.mark.parametrize("after", [1, 3])
def test_a_sweep_that_was_killed_goes_on_to_the_same_bytes(sampler, after):
    sweep = small_sweep(sampler=sampler, sets=None if sampler is Sampler.GRID else 45)
    whole, payloads = done(sweep, LocalPool(sweep, 1))
    kept: dict[int, bytes] = {}

    def keep(number: int, sets: int, payload: bytes) -> None:
        if len(kept) == after:
            raise Broken
        kept[number] = payload

    with pytest.raises(Broken):
        run_sweep(sweep, LocalPool(sweep, 1), keep=keep)
    assert len(kept) == after
    job = Counting(sweep)
    again = run_sweep(sweep, LocalPool(job, 1), kept=kept.get, keep=lambda number, _, payload: kept.update({number: payload}))

    assert kept == payloads
    assert len(job.pieces) == sweep.plan.chunks - after
    assert again.numbers.tolist() == whole.numbers.tolist()
    assert again.values.tobytes() == whole.values.tobytes()
    assert (again.sets, again.trials, again.deflated) == (whole.sets, whole.trials, whole.deflated)


def test_bytes_that_are_broken_or_of_another_sweep_are_made_anew():
    sweep = small_sweep()
    _, payloads = done(sweep, LocalPool(sweep, 1))
    _, foreign = done(replace(sweep, id="other"), LocalPool(replace(sweep, id="other"), 1))
    kept = {0: payloads[0], 1: payloads[1][:-1], 2: foreign[2], 3: payloads[2]}
    job = Counting(sweep)
    run_sweep(sweep, LocalPool(job, 1), kept=kept.get)

    assert job.pieces == [1, 2, 3, 4]
    assert foreign[0] != payloads[0]


def test_it_tells_how_far_it_is():
    sweep, told = small_sweep(), list[Progress]()
    found = run_sweep(sweep, LocalPool(sweep, 1), told=told.append)

    assert [(each.done, each.total) for each in told] == [(done, 45) for done in (10, 20, 30, 40, 45)]
    assert told[-1].best == (found.parameters(0), found.figures(0)["sharpe_ratio"])


def test_a_document_can_be_said_in_json():
    sweep = small_sweep(fast="5,20", slow="20,30")
    found = run_sweep(sweep, LocalPool(sweep, 1))
    told = sweep_document(found, {"id": "x", **sweep.plan.identity()})
    again = msgspec.json.decode(msgspec.json.encode(told))

    assert again == told
    assert (told["space"], told["parameters"]) == ({"fast": [5, 20], "slow": [20, 30]}, {"short": False})
    assert (told["sets"], told["left_out"], told["failed"]) == (3, 1, 0)
    assert [each["parameters"] for each in told["results"]] == [found.parameters(place) for place in range(3)]
    assert told["metrics"] == told["results"][0]["metrics"]


def test_bytes_of_sets_that_a_guide_no_longer_asks_for_are_made_anew():
    sweep = small_sweep(sampler=Sampler.OPTUNA, sets=20)
    elsewhere = replace(sweep, plan=replace(sweep.plan, seed=2))  # as another release of Optuna may ask for others
    (whole, payloads), (_, others) = done(sweep, LocalPool(sweep, 1)), done(elsewhere, LocalPool(elsewhere, 1))
    assert sweep.read(next(sweep.plan.layout()), others[0]) is None
    again: dict[int, bytes] = {}
    found = run_sweep(sweep, LocalPool(sweep, 1), kept=others.get, keep=lambda number, _, payload: again.update({number: payload}))

    assert again == payloads
    assert found.values.tobytes() == whole.values.tobytes()
