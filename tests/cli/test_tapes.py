"""`replay` and `record`, as processes: what is recorded is what was played."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from db import child
from market.timeframe import MINUTE_US
from replay import read_tape
from tests.system.generated import START_US, generated_trades, write_tape


def tcpdash(home: Path, *words: str, **variables: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "TCPDASH_HOME": str(home), "TCPDASH_CONFIG": "", **variables}
    return subprocess.Popen(
        [sys.executable, "-m", "cli", *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_recording_of_a_played_tape_is_that_tape(tmp_path: Path):
    trades = generated_trades(3)
    tape, port = write_tape(tmp_path / "tape.jsonl.gz", trades), child.free_port()
    exchange = tcpdash(tmp_path, "replay", str(tape), "--port", str(port), "--speed", "60")
    try:
        assert exchange.stdout.readline().startswith("recorded market of BINANCE:BTC-USDT at ws://127.0.0.1:")
        recorded = tmp_path / "recorded.jsonl.gz"
        address = f"ws://127.0.0.1:{port}"
        words = ["record", "--exchange", "binance", "--symbols", "BTC-USDT", "--out", str(recorded), "--for", "6"]
        recorder = tcpdash(tmp_path, *words, TCPDASH_VENUES__BINANCE__STREAM_URL=address)
        _, said = recorder.communicate(timeout=60)
    finally:
        exchange.send_signal(signal.SIGINT)
        exchange.communicate(timeout=20)

    assert recorder.returncode == 0, said
    assert "is a local exchange and plays recorded data" in said
    again = read_tape(recorded).fills("BINANCE:BTC-USDT")
    found = again.slice(0, again.at(START_US + 3 * MINUTE_US))
    assert [(one.trade_id, one.price, one.size, one.side) for one in found] == [
        (one.trade_id, one.price, one.size, one.side) for one in trades
    ]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--exchange", "binance", "--symbols", "BTC-USDT"], 1, "BINANCE cannot be reached at ws://127.0.0.1:9/stream"),
        (["--exchange", "synthetic"], 2, "the generated market needs no recording"),
        (["--exchange", "binance", "--symbols", "BTC-USDT-SWAP"], 2, "BINANCE:BTC-USDT-SWAP is a contract"),
    ],
)
def test_a_recording_that_cannot_begin_says_why_and_leaves_no_file(tmp_path: Path, words: list[str], code: int, sentence: str):
    out = tmp_path / "out.jsonl.gz"

    recorder = tcpdash(tmp_path, "record", *words, "--out", str(out), TCPDASH_VENUES__BINANCE__STREAM_URL="ws://127.0.0.1:9")
    _, said = recorder.communicate(timeout=60)

    assert recorder.returncode == code
    assert sentence in said
    assert "Traceback" not in said
    assert not out.exists()
