"""Bots under fire, small: a few moments at which two processes die, and checks that notice what is wrong."""

from collections import Counter
from pathlib import Path

import pytest

from simulation.chaos.moments import KINDS, moments
from simulation.chaos.run import run


@pytest.mark.postgres
@pytest.mark.redis
def test_whatever_dies_the_accounts_are_those_of_an_undisturbed_run(tmp_path: Path):
    outcome = run(tmp_path / "home", 1, 3, bots_many=5)

    assert outcome.wrong == [], f"try it again: make chaos MOMENTS=3 SEED=1; logs are in {tmp_path}"
    assert outcome.counts["caught up"] > 0
    assert sum(outcome.struck.values()) == 3


def test_every_pair_dies_together_and_apart_and_each_one_twice():
    counts = Counter(moment.name for seed in range(10) for moment in moments(seed, 20))

    assert len(counts) == 16
    assert min(counts.values()) >= 200 // 16
    assert {moment.first for moment in moments(0, 20)} == set(KINDS)
