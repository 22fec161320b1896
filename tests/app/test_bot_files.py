"""Files of bots are written whole or not at all, and never outside their folder."""

from pathlib import Path

import pytest

from app.bots import files as bot_files
from market.errors import InputError
from trading.bots.text import MOST_BYTES


class Broken(Exception):
    pass


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_stands_alone_in_its_folder(tmp_path: Path):
    with bot_files.created(tmp_path, "a", "{}\n") as path:
        assert path.read_text() == "{}\n"

    assert names(tmp_path) == ["a.json"]


def test_a_new_file_goes_again_when_the_rest_fails(tmp_path: Path):
    with pytest.raises(Broken), bot_files.created(tmp_path, "a", "{}\n"):
        raise Broken

    assert names(tmp_path) == []


@pytest.mark.parametrize("bot", ["../a", "a/b", "", "A", ".a", "a" * 64, "a\n", "a.json"])
def test_an_id_that_is_none_makes_no_file(tmp_path: Path, bot: str):
    folder = tmp_path / "bots"
    folder.mkdir()

    with pytest.raises(InputError), bot_files.created(folder, bot, "{}"):
        pass
    assert names(tmp_path) == ["bots"]
    assert names(folder) == []


def test_a_file_that_is_there_keeps_what_it_says(tmp_path: Path):
    (tmp_path / "a.json").write_text("kept")

    with pytest.raises(InputError, match=r"a\.json already"), bot_files.created(tmp_path, "a", "{}"):
        pass
    assert (tmp_path / "a.json").read_text() == "kept"
    assert names(tmp_path) == ["a.json"]


def test_a_link_that_leads_out_of_the_folder_is_neither_written_nor_read(tmp_path: Path):
    folder, secret = tmp_path / "bots", tmp_path / "secret"
    folder.mkdir()
    secret.write_text("kept")
    (folder / "a.json").symlink_to(secret)

    with pytest.raises(InputError), bot_files.created(folder, "a", "{}"):
        pass
    with pytest.raises(InputError, match="is a link"):
        bot_files.read(folder / "a.json")
    assert secret.read_text() == "kept"


def test_an_edit_takes_the_place_of_what_it_began_from(tmp_path: Path):
    (tmp_path / "a.json").write_text("old")
    before = bot_files.read(tmp_path / "a.json")

    with bot_files.replaced(before, "new"):
        pass

    assert (tmp_path / "a.json").read_text() == "new"
    assert names(tmp_path) == ["a.json"]


def test_an_edit_is_undone_when_the_rest_fails(tmp_path: Path):
    (tmp_path / "a.json").write_text("old")
    before = bot_files.read(tmp_path / "a.json")

    with pytest.raises(Broken), bot_files.replaced(before, "new"):
        raise Broken

    assert (tmp_path / "a.json").read_text() == "old"


@pytest.mark.parametrize("mode", [0o664, 0o600])
def test_who_may_read_and_write_a_file_stays_as_it_is(tmp_path: Path, mode: int):
    path = tmp_path / "a.json"
    path.write_text("old")
    path.chmod(mode)

    def now() -> int:
        return path.stat().st_mode & 0o777

    with pytest.raises(Broken), bot_files.replaced(bot_files.read(path), "new"):
        assert now() == mode
        raise Broken
    assert now() == mode
    with pytest.raises(Broken), bot_files.removed(bot_files.read(path)):
        raise Broken
    assert now() == mode


@pytest.mark.parametrize("is_root", [True, False])
def test_a_file_stays_with_its_owner_or_its_group_where_that_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_root: bool
):
    (tmp_path / "a.json").write_text("old")
    given: list[tuple[int, int]] = []

    def give(_: int, owner: int, group: int) -> None:
        if owner != -1 and not is_root:
            raise PermissionError
        given.append((owner, group))

    monkeypatch.setattr(bot_files.os, "fchown", give)
    status = (tmp_path / "a.json").stat()

    with bot_files.replaced(bot_files.read(tmp_path / "a.json"), "new"):
        pass

    assert given == [(status.st_uid if is_root else -1, status.st_gid)]


@pytest.mark.parametrize("meanwhile", ["changed", "gone"])
def test_an_edit_of_what_changed_meanwhile_is_refused(tmp_path: Path, meanwhile: str):
    path = tmp_path / "a.json"
    path.write_text("old")
    before = bot_files.read(path)
    path.write_text("other") if meanwhile == "changed" else path.unlink()

    with pytest.raises(InputError, match="nothing was written"), bot_files.replaced(before, "new"):
        pass
    with pytest.raises(InputError, match="nothing was written"), bot_files.removed(before):
        pass
    assert names(tmp_path) == (["a.json"] if meanwhile == "changed" else [])


def test_a_removed_file_is_there_again_when_the_rest_fails(tmp_path: Path):
    (tmp_path / "a.json").write_text("old")
    before = bot_files.read(tmp_path / "a.json")

    with pytest.raises(Broken), bot_files.removed(before):
        assert names(tmp_path) == []
        raise Broken

    assert (tmp_path / "a.json").read_text() == "old"


def test_a_file_is_found_by_the_name_that_its_runner_has_for_it_or_by_what_it_says(tmp_path: Path):
    (tmp_path / "one.json").write_text('{"id": "a"}')
    (tmp_path / "_two.json").write_text('{"id": "b"}')
    (tmp_path / "c.json").write_text("{ broken")

    assert bot_files.find(tmp_path, "a", "/elsewhere/one.json").path == tmp_path / "one.json"
    assert bot_files.find(tmp_path, "a", "/elsewhere/gone.json").path == tmp_path / "one.json"
    assert bot_files.find(tmp_path, "b", "/elsewhere/b.json") is None
    assert bot_files.find(tmp_path, "c", "/elsewhere/c.json").text == "{ broken"
    assert bot_files.find(tmp_path / "gone", "a", "one.json") is None


@pytest.mark.parametrize("broken", ["link", "bytes", "folder", "large"])
def test_a_file_is_found_beside_broken_ones_of_others(tmp_path: Path, broken: str):
    path = tmp_path / "another.json"
    if broken == "link":
        path.symlink_to(tmp_path / "nowhere.txt")
    elif broken == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"\xff\xfe" if broken == "bytes" else b"a" * (MOST_BYTES + 1))
    (tmp_path / "zz.json").write_text('{"id": "b"}')

    assert bot_files.find(tmp_path, "b", "/elsewhere/b.json").path == tmp_path / "zz.json"
    for known_as in ("another.json", "gone.json"):
        with pytest.raises(InputError):
            bot_files.find(tmp_path, "another", known_as)


@pytest.mark.parametrize(
    ("data", "expected"), [(b"\xff\xfe", "UTF-8"), (b"a" * (MOST_BYTES + 1), "at most")], ids=["bytes", "large"]
)
def test_what_is_no_file_of_a_bot_is_refused(tmp_path: Path, data: bytes, expected: str):
    (tmp_path / "a.json").write_bytes(data)

    with pytest.raises(InputError, match=expected):
        bot_files.read(tmp_path / "a.json")


def test_a_folder_into_which_nothing_can_be_written_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert bot_files.why_not_writable(tmp_path) == ""
    assert "is not there" in bot_files.why_not_writable(tmp_path / "gone")
    monkeypatch.setattr(bot_files.os, "access", lambda *_: False)

    assert "may not write" in bot_files.why_not_writable(tmp_path)
