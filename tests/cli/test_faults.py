"""`--fault` and `--seed`: read, refused with what would be right, and handed on to the exchange."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from cli.feed import choose_feed
from cli.options import fault_words, load, read_faults
from cli.system import System
from market.errors import InputError
from tests.system.generated import generated_trades, write_tape


def tcpdash(home: Path, *words: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "TCPDASH_HOME": str(home), "TCPDASH_CONFIG": ""}
    return subprocess.Popen(
        [sys.executable, "-m", "cli", *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["replay", "synthetic", "--fault", "dorp"], "fault 'dorp' is not one of drop, close-without-frame,"),
        (["demo", "--fault", "drop:evry=3"], "did you mean 'every'?"),
        (["up", "--tape", "synthetic", "--fault", "drop", "--fault", "hole:p=3"], "fault hole:p is a number from 0 to 1, found 3"),
        (["up", "--exchange", "okx", "--fault", "drop"], "--fault needs --tape"),
    ],
)
def test_a_fault_that_is_none_is_refused_before_anything_starts(tmp_path: Path, words: list[str], sentence: str):
    said = tcpdash(tmp_path / "home", *words)
    _, error = said.communicate(timeout=60)

    assert said.returncode == 2
    assert sentence in error
    assert "Traceback" not in error
    assert not (tmp_path / "home").exists()


def test_an_exchange_from_the_command_line_misbehaves_and_says_how_often(tmp_path: Path):
    tape = write_tape(tmp_path / "tape.jsonl.gz", generated_trades(2))
    faults = ["--fault", "duplicate:p=0.5", "--fault", "rest-429", "--seed", "7"]
    exchange = tcpdash(tmp_path, "replay", str(tape), "--port", "0", "--speed", "1000", *faults)
    address = exchange.stdout.readline().split(" at ")[1].split()[0]
    ids = asyncio.run(_listen(address))
    exchange.send_signal(signal.SIGINT)
    said, _ = exchange.communicate(timeout=20)

    doubled = sum(before == after for before, after in pairwise(ids))
    assert 20 < doubled < 80
    assert said.startswith("faults: duplicate ")


async def _listen(address: str) -> list[int]:
    async with asyncio.timeout(20), connect(f"{address}/ws/btcusdt@trade") as socket:
        return [json.loads(await socket.recv())["t"] for _ in range(150)]


def test_faults_are_read_with_their_seed_and_handed_on():
    script = read_faults(["drop:every=30", "hole"], 7)

    assert [fault.kind for fault in script.faults] == ["drop", "hole"]
    assert read_faults(None, 7) is None
    assert fault_words(["drop:every=30", "hole"], 7) == ["--fault", "drop:every=30", "--fault", "hole", "--seed", "7"]
    assert fault_words([], 7) == []
    with pytest.raises(InputError):
        fault_words(["dorp"], 7)


class Clipboard:
    """A supervisor that starts nothing."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []

    def start(self, component) -> None:
        self.commands.append(list(component._command))


def test_up_starts_its_exchange_with_the_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TCPDASH_HOME", str(tmp_path))
    monkeypatch.setenv("TCPDASH_CONFIG", "")
    words = fault_words(["drop:every=30"], 7)
    feed = choose_feed(load(), "synthetic", exchange=None, symbols=None)
    system = System(load(), feed, tape="synthetic", speed=2, with_app=False, fault_words=words)
    system._supervisor = clipboard = Clipboard()
    system._start_exchange("synthetic")

    (command,) = clipboard.commands
    assert command[-4:] == ["--fault", "drop:every=30", "--seed", "7"]
    assert "replay" in command
