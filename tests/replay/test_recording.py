"""Reading the lines of a recording, whole and damaged."""

import gzip
from pathlib import Path

import pytest

from market.errors import TapeError
from replay.recording import Damage, read_frames
from tests.replay.tapes import START_MS, binance_fill, json_lines, timed_lines

FRAMES = [(START_MS + number, binance_fill(number, START_MS + number)) for number in range(20)]
TEXTS = [frame.encode() for _, frame in FRAMES]


def read(path: Path) -> tuple[list[bytes], Damage]:
    damage = Damage()
    return [received.frame for received in read_frames(path, damage)], damage


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("lines", [json_lines(FRAMES), timed_lines(FRAMES)], ids=["json", "timed"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_every_form_gives_the_frames_byte_for_byte(tmp_path, lines, pack):
    frames, damage = read(write(tmp_path / "tape", pack(lines)))

    assert frames == TEXTS
    assert damage == Damage()


def test_the_digits_of_a_local_time_tell_its_unit(tmp_path):
    nanoseconds = timed_lines(FRAMES).replace(b"0000 {", b"0000000 {")
    times = [
        [received.ts_ns for received in read_frames(write(tmp_path / "tape", lines), Damage())]
        for lines in (timed_lines(FRAMES), nanoseconds)
    ]

    assert times[0] == times[1] == [time * 1_000_000 for time, _ in FRAMES]


def test_lines_of_the_recorders_own_doing_are_not_frames(tmp_path):
    others = b'{"ts_ns":null,"dir":"other","conn":"x","data":"end"}\n{"ts_ns":1,"dir":"connect","conn":"x","url":"wss://x/ws"}\n'
    frames, damage = read(write(tmp_path / "tape", others + json_lines(FRAMES) + others))

    assert (frames, damage.lines) == (TEXTS, 0)


def test_damaged_lines_are_counted_and_passed_over(tmp_path):
    lines = json_lines(FRAMES).splitlines(keepends=True)
    lines[3], lines[7] = b'{"ts_ns":17,"dir":\n', b"\xff\xfe\x00\n"
    frames, damage = read(write(tmp_path / "tape", b"".join(lines)))

    assert damage.lines == 2
    assert frames == [text for number, text in enumerate(TEXTS) if number not in {3, 7}]


def test_a_block_that_is_cut_off_costs_only_its_end(tmp_path):
    whole, cut = gzip.compress(json_lines(FRAMES[:10])), gzip.compress(json_lines(FRAMES[10:]))
    frames, damage = read(write(tmp_path / "tape.gz", whole + cut[:-20]))

    assert frames[:10] == TEXTS[:10]
    assert len(frames) < 20
    assert damage.warnings == [f"tape.gz is cut off in the block at byte {len(whole)}; what follows in that block is lost"]


def test_a_torn_block_in_the_middle_does_not_cost_the_blocks_after_it(tmp_path):
    blocks = [gzip.compress(json_lines(FRAMES[start : start + 5])) for start in (0, 5, 10, 15)]
    frames, damage = read(write(tmp_path / "tape.gz", blocks[0] + blocks[1][:-30] + blocks[2] + blocks[3]))

    assert frames[:5] == TEXTS[:5]
    assert frames[-10:] == TEXTS[10:]
    assert len(damage.warnings) == 1


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "it holds no line"),
        (b"timestamp,price,size\n1,2,3\n", "its first line is b'timestamp,price,size'"),
        (b'{"a":1}\n' * 5000, "its first line is b'{\"a\":1}'"),
        (gzip.compress(b"\x00\x01\x02"), "its first line is b'\\x00\\x01\\x02'"),
    ],
    ids=["empty", "csv", "other json", "binary"],
)
def test_what_is_no_tape_is_refused_with_what_was_found(tmp_path, content, found):
    with pytest.raises(TapeError) as error:
        read(write(tmp_path / "tape", content))

    assert str(error.value).startswith(f"{tmp_path / 'tape'} is not a tape: {found}; a tape has one frame a line")


def test_a_tape_that_does_not_exist_is_refused_with_its_path(tmp_path):
    with pytest.raises(TapeError, match=r"missing\.gz cannot be read: No such file or directory; check the path"):
        read(tmp_path / "missing.gz")


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(TapeError, match="cannot be read: Is a directory"):
        read(tmp_path)
