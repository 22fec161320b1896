"""The end of a log: bounded, whole lines, by level and text."""

from pathlib import Path

import pytest

from app.log_tail import Entry, chosen, entries, log_files, read_end, shortened

OURS = "2026-11-26 07:30:00,467 {} db.plain partition table=market_data"


def test_only_the_end_of_a_file_is_read_and_its_lines_are_whole(tmp_path: Path):
    file = tmp_path / "a.log"
    file.write_bytes(b"".join(b"line %04d\n" % number for number in range(1000)))

    assert read_end(file, 45) == ["line 0996", "line 0997", "line 0998", "line 0999"]
    assert len(read_end(file)) == 1000
    assert read_end(tmp_path / "gone.log") == []


def test_what_is_no_text_is_shown_as_far_as_it_can_be(tmp_path: Path):
    file = tmp_path / "a.log"
    file.write_bytes(b"\x1b[31mred\x1b[0m \xff\x00end\r\n" + b"x" * 5000)

    first, second = read_end(file)

    assert first == "red \ufffdend"
    assert len(second) == 5000, "whatever looks for secrets needs whole lines"
    assert [len(line) for line in shortened(f"{second}\nshort").split("\n")] == [2000, 5]


def test_only_files_of_the_folder_itself_are_logs(tmp_path: Path):
    for name in ("b.log", "a.log", "a.log.1", "secret.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder.log").mkdir()
    (tmp_path / "link.log").symlink_to(tmp_path / "secret.txt")

    assert log_files(tmp_path) == ["a.log", "b.log"]
    assert log_files(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("line", "level"),
    [
        (OURS.format("WARNING"), "WARNING"),
        (OURS.format("DEBUG"), "DEBUG"),
        ("2026-11-26 07:30:00.0 UTC [12] LOG:  checkpoint starting: time", "INFO"),
        ("2026-11-26 07:30:00.0 UTC [12] FATAL:  terminating connection", "ERROR"),
        ("25387:M 26 Nov 2026 07:28:58.100 # WARNING overcommit", "WARNING"),
        ("25387:M 26 Nov 2026 07:28:58.100 * Ready to accept connections tcp", "INFO"),
        ("08:01:02.1 | ERROR   | prefect.server - it broke", "ERROR"),
        ("  URL: http://127.0.0.1:8777", "INFO"),
    ],
)
def test_the_level_is_told_by_the_line(line: str, level: str):
    assert entries([line]) == [Entry(level, line)]


def test_a_traceback_belongs_to_the_line_above_and_is_an_error():
    lines = [
        OURS.format("INFO"),
        OURS.format("WARNING"),
        "Traceback (most recent call last):",
        "  at x",
        "",
        "ValueError: y",
        "next",
    ]

    assert entries(lines) == [
        Entry("INFO", lines[0]), Entry("ERROR", "\n".join(lines[1:6])), Entry("INFO", "next"),
    ]  # fmt: skip


def test_the_newest_of_a_level_and_text_come_first():
    found = [
        Entry("INFO", "a one"),
        Entry("ERROR", "A two"),
        Entry("DEBUG", "a three"),
        Entry("WARNING", "b"),
        Entry("INFO", "a four"),
    ]

    assert [each.text for each in chosen(found, level="INFO", text="a ", most=2)] == ["a four", "A two"]
    assert [each.text for each in chosen(found, level="WARNING", text="", most=9)] == ["b", "A two"]
    assert chosen(found, level="ERROR", text="nothing", most=9) == []
