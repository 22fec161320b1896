"""Bots under fire, small: a few moments at which two processes die, and checks that notice what is wrong."""

from collections import Counter
from pathlib import Path

import pytest

from simulation.chaos.moments import KINDS, moments
from simulation.chaos.run import run

SEED = 30  # redis and a runner, then worker and postgres
SPOILED = {
    "update trades set price = price + 1 where number = 1": "trade 1 is",
    "update trades set epoch = 1000000 where number = 1": "which nobody leased",
    "update postings set amount = amount + 1 where entry = 2 and account = 'cash'": "entry 2 adds up to",
    "update signals set confidence = 0.123": "undisturbed SignalRow",
    "update market_data set close = close + 0.01 where timeframe = '1m'": "on the tape it is",
    "update orders set filled = filled + 1 where number = 1": "order 1 says that",
}


@pytest.mark.postgres
@pytest.mark.redis
def test_whatever_dies_the_accounts_are_those_of_an_undisturbed_run(tmp_path: Path):
    outcome = run(tmp_path / "home", SEED, 2, bots_many=4, spoil=list(SPOILED))

    assert outcome.wrong == [], f"try it again: make chaos MOMENTS=2 SEED={SEED}; logs are in {tmp_path}"
    assert outcome.counts["restarts"] >= 4
    assert outcome.counts["compared trades"] > 0
    assert [words for words in SPOILED.values() if not any(words in noticed for noticed in outcome.noticed)] == []


def test_every_pair_dies_together_and_apart_and_each_one_twice():
    counts = Counter(moment.name for seed in range(10) for moment in moments(seed, 20))

    assert len(counts) == 16
    assert min(counts.values()) >= 200 // 16
    assert {moment.first for moment in moments(0, 20)} == set(KINDS)
