"""`tcpdash sweep`: many parameter sets, the best of them, and how to go on."""

import json
import shlex

import pytest

from tests.cli.command import Command
from tests.research.stored import SYMBOL, fill

pytestmark = pytest.mark.postgres
CROSS = ("sweep", "--strategy", "sma_cross", "--symbol", SYMBOL, "--timeframe", "15m", "--workers", "1")


@pytest.fixture(autouse=True)
def stored(database) -> None:
    fill(database)


def test_the_best_sets_are_a_table_and_the_hint_is_a_command_that_works(tcpdash: Command):
    out = tcpdash.out(*CROSS, "--param", "fast=2:6:2", "--param", "slow=5:20:5", "--top", "3", "--rule", "taker_fee=0")
    lines = out.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("rank"))

    assert " ".join(lines[first].split()).startswith("rank fast slow Sharpe return Sortino drawdown trades")
    assert [line.split()[0] for line in lines[first + 1 : first + 4]] == ["1", "2", "3"]
    assert lines[first + 4] == ""
    assert "Without a result: 1 set left out because they break a relation between parameters." in " ".join(out.split())
    assert "The deflated Sharpe ratio of the best is 0." in out
    hint = next(line for line in lines if line.startswith("try the best: tcpdash "))
    best = json.loads(tcpdash.out(*shlex.split(hint.removeprefix("try the best: tcpdash ")), "--json"))
    assert best["rules"]["taker_fee"] == 0.0
    assert f"{best['metrics']['sharpe_ratio']:.2f}" in lines[first + 1].split()
    assert (str(best["parameters"]["fast"]), str(best["parameters"]["slow"])) == tuple(lines[first + 1].split()[1:3])


def test_json_is_the_same_to_the_last_byte_the_second_time(tcpdash: Command):
    words = (*CROSS, "--sampler", "random", "--sets", "7", "--seed", "3", "--json")
    first = tcpdash.out(*words)
    told = json.loads(first)

    assert tcpdash.out(*words) == first
    assert (told["sets"], told["sampler"], told["seed"], len(told["results"])) == (7, "random", 3, 7)


def test_a_sweep_is_listed_with_what_was_tried(tcpdash: Command):
    told = json.loads(tcpdash.out(*CROSS, "--param", "fast=3", "--param", "slow=9,20", "--json"))
    listed = json.loads(tcpdash.out("backtests", "--kind", "sweep", "--json"))

    assert [(each["id"], each["state"], each["total"]) for each in listed] == [(told["id"], "done", 2)]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--param", "fats=3:5"], "has no parameter 'fats'; it has fast, slow, short; did you mean 'fast'?"),
        (["--param", "fast=5:1"], "range 5:1 of fast of sma_cross has no value"),
        (["--param", "fast"], "--param 'fast' is not NAME=VALUE"),
        (["--param", "fast=50", "--param", "slow=20"], "no parameter set of the 1 holds fast < slow"),
        (["--sampler", "optima"], "--sampler 'optima' is not one of grid, random, optuna; did you mean 'optuna'?"),
        (["--metric", "sharpe"], "metric 'sharpe' cannot rank a sweep"),
        (["--sets", "5"], "is tried whole; leave --sets out"),
        (["--report", "no/where.html"], "there is no folder"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(tcpdash: Command, words, problem):
    done = tcpdash(*CROSS, *words)

    assert (done.code, done.out) == (2, "")
    assert problem in done.err


def test_a_cluster_that_is_not_there_is_told(tcpdash: Command):
    done = tcpdash(*CROSS, "--dask", "tcp://127.0.0.1:1")

    assert (done.code, done.out) == (1, "")
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in done.err


def test_ctrl_c_says_how_to_go_on(tcpdash: Command, monkeypatch):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.search.Bar.show", interrupt)
    done = tcpdash(*CROSS, "--param", "fast=3", "--param", "slow=9,20")

    assert (done.code, done.out) == (130, "")
    assert done.err.startswith("stopped; ")
    assert "and the same command goes on from there, with --end 2024-08-08T00:00:00Z if it had none" in done.err


def test_sets_that_fail_are_told_and_do_not_end_it(tcpdash: Command, tmp_path, monkeypatch):
    (tmp_path / "picky.py").write_text(
        '"""Picky."""\nfrom trading import BaseStrategy\n\n\nclass Picky(BaseStrategy):\n    """Fails."""\n\n'
        "    lookback = 1\n\n    def __init__(self, parameters):\n        super().__init__(parameters)\n"
        '        self.bars = self.whole("bars", 1, low=1, sweep=range(1, 4))\n\n'
        "    def targets(self, data):\n        if self.bars == 2:\n            raise ValueError('two is out of luck')\n"
        "        return data['close'].to_numpy() * 0 + 1\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("TCPDASH_STRATEGIES", str(tmp_path))
    out = tcpdash.out("sweep", "--strategy", "picky", "--symbol", SYMBOL, "--timeframe", "15m", "--workers", "1")

    assert "3 parameter sets" in out
    assert "Without a result: 1 set that failed." in out
    assert "failed: bars=2: ValueError: two is out of luck" in out
