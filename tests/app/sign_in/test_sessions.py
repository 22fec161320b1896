"""Sessions: begun, found, ended, and never found again."""

import base64
import json
from pathlib import Path

import pytest

from app.sign_in import sessions as module
from app.sign_in.desk import check_published, open_desk
from app.sign_in.sessions import Ended, Sessions, secret_in
from market.errors import InputError
from tests.app.sign_in.served import PASSWORD, settings_of

NOW = 1_700_000_000_000_000
HOUR = 3_600_000_000


def made(home: Path, **app: object) -> Sessions:
    return open_desk(settings_of(home, **app)).sessions


def ada(home: Path) -> str:
    desk = open_desk(settings_of(home))
    return desk.sessions.begin(desk.people.by_password("ada", PASSWORD), NOW)


def test_a_session_goes_on_until_its_time_also_after_a_restart(tmp_path: Path):
    cookie = ada(tmp_path)

    assert made(tmp_path).find(cookie, NOW + 12 * HOUR - 1).user.name == "ada"
    assert made(tmp_path).find(cookie, NOW + 12 * HOUR) is None


def test_an_ended_session_is_over_also_for_a_copy_and_after_a_restart(tmp_path: Path):
    cookie, before = ada(tmp_path), made(tmp_path)
    before.end(before.find(cookie, NOW), NOW)

    assert before.find(cookie, NOW) is None
    # A desk opens in its own time, in which what is of NOW is long over: so its file is read as of NOW.
    kept = Ended(tmp_path / "again", NOW // 1_000_000)
    kept.add("k", NOW // 1_000_000 + 5, NOW // 1_000_000)
    assert "k" in Ended(tmp_path / "again", NOW // 1_000_000 + 4)
    assert "k" not in Ended(tmp_path / "again", NOW // 1_000_000 + 5)


def test_others_sessions_go_on(tmp_path: Path):
    one, other, both = ada(tmp_path), ada(tmp_path), made(tmp_path)
    both.end(both.find(one, NOW), NOW)

    assert both.find(other, NOW) is not None


def flipped(cookie: str) -> list[str]:
    return [cookie[:at] + ("A" if cookie[at] != "A" else "B") + cookie[at + 1 :] for at in range(len(cookie) - 1)]


def test_no_changed_letter_is_let_through(tmp_path: Path):
    cookie, sessions = ada(tmp_path), made(tmp_path)

    assert [changed for changed in flipped(cookie) if sessions.find(changed, NOW) is not None] == []


@pytest.mark.parametrize("text", ["", ".", "a.b", "a" * 100_000, "\x00", "W10.x", "W10", "é.é", None])
def test_nonsense_is_no_session(tmp_path: Path, text: str | None):
    assert made(tmp_path).find(text, NOW) is None


def test_what_another_key_signed_is_no_session(tmp_path: Path):
    cookie = ada(tmp_path / "other")
    payload, signature = cookie.rsplit(".", 1)
    content = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))

    assert content[1] == "ada"
    assert made(tmp_path).find(cookie, NOW) is None
    assert made(tmp_path).find(payload, NOW) is None
    assert made(tmp_path).find(f"{payload}.{signature}.{signature}", NOW) is None


def test_the_cookie_holds_no_part_of_the_hash(tmp_path: Path):
    payload = ada(tmp_path).rsplit(".", 1)[0]
    content = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode()
    salt, digest = settings_of(tmp_path).app.users["ada"].password_hash.get_secret_value().split(":")[-2:]

    assert salt not in content
    assert digest not in content


def test_secret_and_ended_sessions_are_read_by_nobody_else(tmp_path: Path):
    ada(tmp_path)

    files = list((tmp_path / "sign-in").iterdir())

    assert sorted(file.name for file in files) == ["ended", "secret"]
    assert [file.stat().st_mode & 0o077 for file in files] == [0, 0]
    assert secret_in(tmp_path / "sign-in" / "secret") == secret_in(tmp_path / "sign-in" / "secret")


def test_a_secret_of_the_settings_is_used_instead_of_a_file(tmp_path: Path):
    open_desk(settings_of(tmp_path, cookie_secret="x" * 40))

    assert not (tmp_path / "sign-in" / "secret").exists()


def test_nothing_is_written_where_nobody_signs_in(tmp_path: Path):
    open_desk(settings_of(tmp_path, users={}))

    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_ends_sessions_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    cookie, sessions = ada(tmp_path), made(tmp_path)

    def full(*told: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_private", full)
    sessions.end(sessions.find(cookie, NOW), NOW)

    assert sessions.find(cookie, NOW) is None
    assert "ended sessions are not kept" in caplog.text


@pytest.mark.parametrize(
    ("app", "said"),
    [
        ({"address": "0.0.0.0"}, "app.address is 0.0.0.0"),
        ({"address": "::"}, "app.address is ::"),
        ({"address": "192.0.2.1"}, "app.address is 192.0.2.1"),
        ({"public_url": "https://dash.example.org"}, "app.public_url is https://dash.example.org"),
    ],
)
def test_published_pages_need_people_who_sign_in(tmp_path: Path, app: dict[str, str], said: str):
    with pytest.raises(InputError, match=said) as error:
        check_published(settings_of(tmp_path, users={}, **app).app)

    assert "tcpdash app password" in str(error.value)
    check_published(settings_of(tmp_path, **app).app)


@pytest.mark.parametrize("app", [{}, {"address": "localhost"}, {"address": "::1"}, {"public_url": "http://127.0.0.1:8501"}])
def test_on_this_computer_nobody_has_to(tmp_path: Path, app: dict[str, str]):
    check_published(settings_of(tmp_path, users={}, **app).app)
