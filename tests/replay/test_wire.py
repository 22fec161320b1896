"""What is taken of a recording, and what a person is told of the rest."""

from pathlib import Path

import pytest

from replay import read_tape
from tests.replay.tapes import START_MS, binance_fill, json_lines

DEEP = "[" * 50_000
NESTED = {
    "object": '{"trade":' + DEEP,
    "stream": '{"stream":"btcusdt@trade","data":' + DEEP,
    "instrument": '{"instId":"BTC-USDT","trade":' + DEEP,
    "product": '{"product_id":"BTC-USD","trade":' + DEEP,
    "topic": '{"topic":"publicTrade.BTCUSDT","data":' + DEEP,
    "rows": '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD"},{"symbol":"ETH/USD"},' + DEEP,
    "list": "[321,[" + DEEP + '"trade"',
    "closed": '{"trade":' + DEEP + "]" * 50_000 + "}",
}


@pytest.mark.parametrize("frame", NESTED.values(), ids=list(NESTED))
def test_brackets_without_end_are_damage_and_the_rest_is_played(tmp_path: Path, frame: str):
    tape = tmp_path / "tape.jsonl"
    tape.write_bytes(json_lines([(START_MS, binance_fill(1, START_MS)), (START_MS, frame), (START_MS, binance_fill(2, START_MS))]))

    read = read_tape(tape)

    assert (read.report.frames, read.report.damaged) == (2, 1)


def test_a_line_with_brackets_without_end_is_damage(tmp_path: Path):
    tape = tmp_path / "tape.jsonl"
    line = '{"ts_ns":1,"dir":"recv","trade":' + DEEP + "\n"
    tape.write_bytes(line.encode() + json_lines([(START_MS, binance_fill(1, START_MS))]))

    read = read_tape(tape)

    assert (read.report.frames, read.report.damaged) == (1, 1)
