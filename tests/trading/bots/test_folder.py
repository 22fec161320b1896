"""The folder of bots: what is told of new, changed, broken, doubled and missing files, and when."""

import os
from functools import cache
from pathlib import Path

import pytest

from tests.trading.bots.files import text
from trading.bots.config import read_config
from trading.bots.folder import Broken, Folder, Found, Gone, Reader
from trading.registry import Registry

REGISTRY = Registry()


@cache
def reader_of(registry: Registry) -> Reader:
    return lambda data, file: read_config(data, registry, file=file)


class Watched:
    """A folder that is looked at by a clock of its own."""

    def __init__(self, path: Path) -> None:
        self.path, self.now = path, 100.0
        self.folder = Folder(path)

    def put(self, name: str, data: bytes) -> None:
        (self.path / name).write_bytes(data)

    def look(self, *, after: float = 1.0, registry: Registry = REGISTRY) -> list[str]:
        """Return in words what a look after some seconds tells."""
        self.now += after
        return [words_of(change) for change in self.folder.changes(reader_of(registry), self.now)]


def words_of(change: Found | Broken | Gone) -> str:
    name = Path(change.file).name
    if isinstance(change, Found):
        return f"{name} is {change.config.id} with {change.config.balance}"
    if isinstance(change, Gone):
        return f"{name} leaves {change.id}"
    return f"{name} of {change.id}: {change.error.problems[0]}"


@pytest.fixture
def watched(tmp_path):
    return Watched(tmp_path)


BAD = text(balance=0)
NO_BALANCE = "balance: expected a number above 0 and below 1e15 that has 15 digits at most, found 0"


def test_each_file_is_told_once_in_the_order_of_names(watched):
    watched.put("b.json", text(id="b"))
    watched.put("a.json", text(id="a"))

    assert watched.look() == ["a.json is a with 10000", "b.json is b with 10000"]
    assert watched.look() == []


def test_a_folder_that_is_not_there_has_no_bots(tmp_path):
    watched = Watched(tmp_path / "bots")
    assert watched.look() == []
    watched.path.mkdir()
    watched.put("a.json", text())

    assert watched.look() == ["a.json is a-bot with 10000"]


def test_other_files_are_left_alone(watched):
    for name in ("_example.json", ".a.json", "a.json~", "a.json.swp", "a.txt", "json"):
        watched.put(name, b"?")

    assert watched.look() + watched.look() == []


def test_a_change_is_told_though_size_and_time_of_the_file_are_the_same(watched):
    watched.put("a.json", text(balance=10_001))
    os.utime(watched.path / "a.json", ns=(5, 5))
    watched.look()
    watched.put("a.json", text(balance=10_002))
    os.utime(watched.path / "a.json", ns=(5, 5))

    assert watched.look() == ["a.json is a-bot with 10002"]


def test_a_file_that_is_only_touched_or_written_otherwise_is_not_told(watched):
    watched.put("a.json", text())
    watched.look()
    watched.put("a.json", text() + b"\n\n")

    assert watched.look() == []


def test_what_is_half_written_is_not_broken(watched):
    watched.put("a.json", text())
    watched.look()
    for end in (0, 5, 40):
        watched.put("a.json", text(balance=7)[:end])
        assert watched.look(after=10) == []
    watched.put("a.json", text(balance=7))

    assert watched.look() == ["a.json is a-bot with 7"]


def test_what_stays_broken_is_told_once_it_has_been_the_same_for_half_a_second(watched):
    watched.put("a.json", BAD)

    assert watched.look() == []
    assert watched.look(after=0.25) == []
    assert watched.look(after=0.25) == [f"a.json of a-bot: {NO_BALANCE}"]
    assert watched.look() == []


def test_a_file_that_is_mended_is_told_even_where_it_says_what_it_said_before(watched):
    watched.put("a.json", text())
    watched.look()
    watched.put("a.json", b"{")
    watched.look()
    (told,) = watched.look()
    watched.put("a.json", text())

    assert told.startswith("a.json of a-bot: expected JSON, found what is none in line 1")
    assert watched.look() == ["a.json is a-bot with 10000"]


def test_a_file_broken_in_another_way_is_told_again(watched):
    watched.put("a.json", BAD)
    watched.look()
    watched.look()
    watched.put("a.json", text(balance=-1))
    watched.look()

    assert watched.look() == [f"a.json of a-bot: {NO_BALANCE.replace('found 0', 'found -1')}"]


def test_what_is_broken_in_another_way_meanwhile_is_waited_for_anew(watched):
    watched.put("a.json", BAD)
    watched.look()
    watched.put("a.json", text(balance=-1))
    watched.look(after=10)

    assert watched.look(after=0.25) == []
    assert len(watched.look(after=0.25)) == 1


@pytest.mark.parametrize("between", ["good", "gone"])
def test_what_is_broken_again_is_waited_for_anew(watched, between):
    watched.put("a.json", BAD)
    watched.look()
    if between == "good":
        watched.put("a.json", text())
    else:
        (watched.path / "a.json").unlink()
    watched.look(after=10)
    watched.put("a.json", BAD)

    assert watched.look(after=10) == []


def test_what_was_told_and_is_the_same_again_is_not_waited_for(watched):
    watched.put("a.json", BAD)
    watched.look()
    watched.look()
    for data in (b"{", BAD, b"{"):
        watched.put("a.json", data)

        assert watched.look(after=10) == []


def test_a_bot_is_gone_once_its_file_has_not_been_there_for_half_a_second(watched):
    watched.put("a.json", text())
    watched.look()
    (watched.path / "a.json").unlink()

    assert watched.look() == []
    assert watched.look(after=0.5) == ["a.json leaves a-bot"]
    assert watched.look() == []


def test_a_file_that_is_put_in_place_of_another_is_never_gone(watched):
    watched.put("a.json", text())
    watched.look()
    (watched.path / "a.json").unlink()
    watched.look()
    watched.put("a.json", text(balance=7))

    assert watched.look() + watched.look() == ["a.json is a-bot with 7"]


def test_a_bot_whose_file_is_renamed_is_not_gone(watched):
    watched.put("a.json", text())
    watched.look()
    (watched.path / "a.json").rename(watched.path / "b.json")

    assert watched.look() == ["b.json is a-bot with 10000"]
    assert watched.look() == ["a.json leaves None"]


def test_a_file_that_becomes_that_of_another_bot_leaves_the_one_it_was(watched):
    watched.put("a.json", text(id="old"))
    watched.look()
    watched.put("a.json", text(id="new"))

    assert watched.look() == ["a.json leaves old", "a.json is new with 10000"]


def test_two_files_with_one_id_are_both_named_until_one_is_gone(watched):
    watched.put("a.json", text())
    watched.put("c.json", text(id="c"))
    watched.look()
    watched.put("b.json", text(balance=7))
    watched.look()

    a, b = watched.look()
    watched.put("b.json", text(id="b"))

    assert a.startswith("a.json of a-bot: id: expected an id that no other file has, found 'a-bot' as in ")
    assert a.endswith("b.json")
    assert b.startswith("b.json of a-bot: id: expected an id that no other file has")
    assert b.endswith("a.json")
    assert watched.look() == ["a.json is a-bot with 10000", "b.json leaves None", "b.json is b with 10000"]


def test_a_broken_copy_is_no_problem_of_the_bot_that_it_names(watched):
    watched.put("a.json", text())
    watched.put("b.json", BAD)

    assert watched.look() + watched.look() == ["a.json is a-bot with 10000", f"b.json of None: {NO_BALANCE}"]


def test_what_cannot_be_read_is_told_and_keeps_no_other_from_being_used(watched):
    (watched.path / "a.json").mkdir()
    (watched.path / "b.json").symlink_to(watched.path / "nowhere")
    os.mkfifo(watched.path / "c.json")
    watched.put("d.json", text())
    watched.put("e.json", b" " * 10_000_000)

    assert watched.look() == ["d.json is a-bot with 10000"]
    assert watched.look() == [
        "a.json of None: expected a file that can be read, found no file, but a folder, a pipe or a device",
        "b.json of None: expected a file that can be read, found No such file or directory",
        "c.json of None: expected a file that can be read, found no file, but a folder, a pipe or a device",
        "e.json of None: expected a file of 262144 bytes at most, found a larger one",
    ]


def test_a_name_that_is_no_text_can_be_told(watched):
    path = os.fsencode(watched.path) + b"/\xff.json"
    with open(path, "wb") as file:
        file.write(text())

    assert watched.look() == [r"\udcff.json is a-bot with 10000"]


def test_a_folder_that_is_none_is_told_and_its_bots_are_not_gone(watched):
    watched.put("a.json", text())
    watched.look()
    watched.path.rename(watched.path.with_name("elsewhere"))
    watched.path.write_text("no folder")
    watched.look()

    assert watched.look() == [f"{watched.path.name} of None: expected a folder that can be read, found Not a directory"]
    assert watched.look() == []
    watched.path.unlink()
    watched.path.with_name("elsewhere").rename(watched.path)
    assert watched.look() + watched.look() == [f"{watched.path.name} leaves None"]


def test_a_folder_that_is_not_there_any_more_is_told_and_its_bots_are_not_gone(watched):
    watched.put("a.json", text())
    watched.look()
    watched.path.rename(watched.path.with_name("elsewhere"))
    told = watched.look() + watched.look() + watched.look()

    name = watched.path.name
    assert told == [f"{name} of None: expected a folder that can be read, found No such file or directory"]
    watched.path.with_name("elsewhere").rename(watched.path)
    assert watched.look() + watched.look() == [f"{name} leaves None"]


def test_a_strategy_that_comes_later_mends_the_file(watched, tmp_path_factory):
    folder = tmp_path_factory.mktemp("strategies")
    watched.put("a.json", text(strategy="mine"))
    watched.look()
    (broken,) = watched.look()
    (folder / "mine.py").write_text(
        "from trading import BaseStrategy\n"
        "class Mine(BaseStrategy):\n"
        "    lookback = 1\n"
        "    def targets(self, data):\n"
        "        return [0.0] * len(data)\n"
    )

    assert broken.startswith("a.json of a-bot: strategy: expected one of ")
    assert watched.look(registry=Registry(folder)) == ["a.json is a-bot with 10000"]
    (gone,) = watched.look() + watched.look()
    assert gone == broken


def test_who_looks_once_is_told_all(tmp_path):
    (tmp_path / "a.json").write_bytes(BAD)

    (change,) = Folder(tmp_path, settle_seconds=0).changes(reader_of(REGISTRY), 0.0)

    assert isinstance(change, Broken)
    assert (change.id, change.error.file) == ("a-bot", str(tmp_path / "a.json"))
