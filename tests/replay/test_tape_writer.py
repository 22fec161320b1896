"""Writing tapes, and being killed while at it."""

import pytest

from market.errors import TapeError
from replay.recording import Damage, read_frames
from replay.tape import read_tape
from replay.tape_writer import TapeWriter
from tests.replay.tapes import START_MS, binance_fill

URL = "wss://stream.binance.com:9443/stream"
SECOND_NS = 1_000_000_000
START_NS = START_MS * 1_000_000


def fill(number: int) -> str:
    return binance_fill(number, START_MS + number * 1000)


@pytest.mark.parametrize("name", ["tape.jsonl", "tape.jsonl.gz"])
def test_what_was_written_is_read_back_byte_for_byte(tmp_path, name):
    with TapeWriter(tmp_path / name) as writer:
        writer.write("connect", URL, "", START_NS)
        writer.write("send", URL, '{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}', START_NS)
        for number in range(1, 6):
            writer.write("recv", URL, fill(number).encode(), START_NS + number * SECOND_NS)
    received = list(read_frames(tmp_path / name, Damage()))

    assert [each.frame for each in received] == [fill(number).encode() for number in range(1, 6)]
    assert {each.conn for each in received} == {"stream.binance.com.1"}
    assert read_tape(tmp_path / name).report.trades == 5


def test_a_killed_writer_loses_no_more_than_the_last_second(tmp_path):
    writer = TapeWriter(tmp_path / "tape.gz")
    for number in range(10):
        writer.write("recv", URL, fill(number), START_NS + number * SECOND_NS // 2)
    frames = [each.frame for each in read_frames(tmp_path / "tape.gz", Damage())]
    writer.close()

    assert frames == [fill(number).encode() for number in range(9)]


def test_a_block_torn_by_a_kill_is_followed_by_what_a_restart_writes(tmp_path):
    path = tmp_path / "tape.gz"
    for numbers in (range(5), range(5, 10)):
        with TapeWriter(path) as writer:
            for number in numbers:
                writer.write("recv", URL, fill(number), START_NS)
        if numbers.start == 0:
            path.write_bytes(path.read_bytes()[:-12])
    frames = [each.frame for each in read_frames(path, Damage())]

    assert frames[-5:] == [fill(number).encode() for number in range(5, 10)]


def test_a_reconnect_is_another_connection(tmp_path):
    with TapeWriter(tmp_path / "tape") as writer:
        for number in range(2):
            writer.write("connect", URL, "", START_NS)
            writer.write("recv", URL, fill(number), START_NS)

    assert [each.conn for each in read_frames(tmp_path / "tape", Damage())] == ["stream.binance.com.1", "stream.binance.com.2"]


def test_a_tape_that_cannot_be_written_is_refused_with_its_path(tmp_path):
    with pytest.raises(TapeError, match="missing/tape cannot be written: No such file"):
        TapeWriter(tmp_path / "missing" / "tape")
