"""What is taken of a recording, and what a person is told of the rest."""

from pathlib import Path

import pytest

from replay import read_tape
from tests.replay.tapes import START_MS, binance_fill, json_lines, okx_trade

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


@pytest.mark.parametrize("wire", ["-", "A-B;", "{BTC-USDT", "é\ufffd-USDT", "BTC-", ":-:"])
def test_what_makes_no_symbol_is_left_out_and_named(tmp_path: Path, wire: str):
    tape = tmp_path / "tape.jsonl"
    tape.write_bytes(json_lines([(START_MS, okx_trade(1, START_MS)), (START_MS, okx_trade(2, START_MS, wire=wire))]))

    read = read_tape(tape)

    assert (read.symbols, read.report.skipped) == (("OKX:BTC-USDT",), {wire: 1})


def test_a_count_that_no_order_has_is_damage(tmp_path: Path):
    tape = tmp_path / "tape.jsonl"
    frames = [okx_trade(3_000_000_000, START_MS, count=2), okx_trade(3_000_000_002, START_MS, count=2_000_000_000)]
    tape.write_bytes(json_lines([(START_MS, frame) for frame in frames]))

    read = read_tape(tape)

    assert (read.report.frames, read.report.trades, read.report.damaged) == (1, 2, 1)


def test_the_report_says_what_is_left_out_in_sentences(tmp_path: Path):
    tape = tmp_path / "tape.jsonl"
    frames = [okx_trade(1, START_MS), okx_trade(2, START_MS, wire="BTC-USDT-SWAP"), okx_trade(3, START_MS).replace("0.12", "NaN")]
    tape.write_bytes(json_lines([(START_MS, frame) for frame in frames]))

    assert read_tape(tape).report.sentences() == [
        "left out: trade frames of BTC-USDT-SWAP (1): contracts, or pairs whose quote currency is unknown",
        "left out: lines or frames that cannot be read: 1",
    ]


@pytest.mark.parametrize(
    ("channels", "followed"),
    [
        (["trades"], "trades"),
        (["trades-all"], "trades-all"),
        (["trades", "trades-all"], "trades-all"),
    ],
)
def test_the_channel_of_a_tape_is_the_recorded_one_or_of_several_the_default(tmp_path: Path, channels: list[str], followed: str):
    tape = tmp_path / "tape.jsonl"
    tape.write_bytes(json_lines([(START_MS, okx_trade(1, START_MS, channel=channel)) for channel in channels]))

    assert read_tape(tape).channel == followed


def test_a_channel_that_was_recorded_of_most_symbols_is_the_channel_of_the_tape(tmp_path: Path):
    tape = tmp_path / "tape.jsonl"
    wires = [("BTC-USDT", "trades-all"), ("ETH-USDT", "trades"), ("SOL-USDT", "trades")]
    tape.write_bytes(json_lines([(START_MS, okx_trade(1, START_MS, wire=wire, channel=channel)) for wire, channel in wires]))

    assert read_tape(tape).channel == "trades"
    assert read_tape(tape).shifted(1_000).channel == "trades-all"  # its frames are made anew
