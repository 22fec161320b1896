"""Who looks, as the pages see it: told in the sidebar, nobody without a session, and no stranger as somebody of this computer."""

from typing import Any

import pytest
import streamlit as st

from app import access
from app.access import LOCAL, NOBODY, NotAllowed, Role, User
from app.sign_in.sessions import Session
from tests.app.pages import Opener, words
from tests.app.sign_in.served import hashed

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


@pytest.fixture
def asking(home: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the settings have somebody who signs in."""
    monkeypatch.setenv("TCPDASH_APP__USERS__VIC__PASSWORD_HASH", hashed())


def signed_in_as(monkeypatch: pytest.MonkeyPatch, role: Role) -> None:
    session = Session("key", User(name="vic", role=role), 9_999_999_999)
    monkeypatch.setattr(access, "_session", lambda: session)


@pytest.mark.parametrize("page", ["overview", "market", "system"])
def test_nobody_is_shown_nothing(asking: None, opened: Opener, page: str):
    shown = opened(page)

    assert [text.value for text in shown.text] == ["Nobody is signed in here."]
    assert words(shown) == ""
    assert not shown.exception
    assert not shown.selectbox


@pytest.mark.parametrize("role", Role)
def test_the_sidebar_says_who_is_signed_in_and_lets_them_out(
    asking: None, opened: Opener, monkeypatch: pytest.MonkeyPatch, role: Role
):
    signed_in_as(monkeypatch, role)
    out: list[bool] = []
    monkeypatch.setattr("app.views.sidebar.sign_out", lambda: out.append(True))

    shown = opened("overview")
    button = next(each for each in shown.sidebar.button if each.label == "Sign out")
    button.click().run()

    assert [text.value for text in shown.sidebar.text] == [f"Signed in as vic ({role})"]
    assert out == [True]


def test_on_this_computer_there_is_nothing_to_sign_out_of(opened: Opener):
    shown = opened("overview")

    assert [each.label for each in shown.sidebar.button] == []
    assert "the page: operator" in [each.value for each in shown.sidebar.caption]


class Context:
    """Where a session comes from, in place of `st.context`."""

    def __init__(self, address: str | None, cookies: dict[str, str] | None = None) -> None:
        self.ip_address, self.cookies = address, cookies or {}


@pytest.mark.parametrize(
    ("address", "user"),
    [(None, LOCAL), ("127.0.0.1", LOCAL), ("::1", LOCAL), ("192.168.1.7", NOBODY), ("203.0.113.9", NOBODY), ("", NOBODY)],
)
def test_only_who_comes_from_this_computer_is_somebody_of_it(
    home: object, monkeypatch: pytest.MonkeyPatch, address: str | None, user: User
):
    monkeypatch.setattr(st, "context", Context(address))

    assert access.current_user() == user


def test_a_cookie_without_the_door_is_worth_nothing(asking: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.sign_in.desk._held", {})
    monkeypatch.setattr(st, "context", Context(None, {"tcpdash-00000000": "x"}))

    assert access.current_user() is NOBODY
    assert not access.signed_in()
    access.sign_out()


@pytest.mark.parametrize("user", [NOBODY, User(name="vic", role=Role.VIEWER)])
def test_who_may_not_act_is_refused_and_written_down(
    home: object, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, user: User
):
    monkeypatch.setattr(access, "current_user", lambda: user)
    monkeypatch.setattr(st, "context", Context("203.0.113.9"))

    with pytest.raises(NotAllowed, match=f"{user.name} may look, but not act: 'start bot'"):
        access.operator("start bot")

    assert f"wish refused name='{user.name}' role=viewer action='start bot' from=203.0.113.9" in caplog.text


def test_an_operator_may_act(home: object, monkeypatch: pytest.MonkeyPatch):
    ada: Any = User(name="ada", role=Role.OPERATOR)
    monkeypatch.setattr(access, "current_user", lambda: ada)

    assert access.operator("start bot") is ada
