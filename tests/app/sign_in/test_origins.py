"""Which pages may talk to ours, and where one goes on to after signing in."""

import pytest

from app.sign_in.origins import Origins, safe_path
from settings.pages import App

LOOPBACK = App()
PROXIED = App.model_validate({"public_url": "https://dash.example.org", "users": {}})


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost:9000", "LOCALHOST", "[::1]:8501", "127.0.0.1"])
def test_this_computer_has_its_own_names(host: str):
    assert Origins(LOOPBACK).wrong_host(host) is None


@pytest.mark.parametrize(
    "host",
    [None, "", "evil.example", "evil.example:8501", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1:8501/",
     "a@127.0.0.1", "127.0.0.1:8501\r\nX: y",
     "127.0.0.1 ", "127.0.0.1:", "0.0.0.0:8501", "[::1", "192.168.1.2:8501", "127.0.0.1:port"],
)  # fmt: skip
def test_another_name_was_made_to_lead_here(host: str | None):
    assert Origins(LOOPBACK).wrong_host(host) is not None


def test_behind_a_proxy_there_is_one_more_name():
    assert Origins(PROXIED).wrong_host("dash.example.org") is None
    assert "hand on the header Host" in Origins(PROXIED).wrong_host("10.0.0.5:8501")


@pytest.mark.parametrize(
    ("origin", "right"),
    [
        ("http://127.0.0.1:8501", True),
        ("https://127.0.0.1:8501", True),
        ("http://127.0.0.1:3000", False),
        ("http://localhost:8501", False),
        ("http://evil.example", False),
        ("null", False),
        ("", False),
        ("file://127.0.0.1:8501", False),
        ("http://[", False),
        ("http://a]b", False),
        ("http://127.0.0.1:8501/", False),
        ("http://127.0.0.1:8501@evil.example", False),
        ("http://evil.example#@127.0.0.1:8501", False),
    ],
)
def test_only_a_page_of_our_own_origin_may_talk_to_us(origin: str, right: bool):
    wrong = Origins(LOOPBACK).wrong_origin(origin, "127.0.0.1:8501", needed=False)

    assert (wrong is None) is right


def test_who_does_something_says_where_from():
    assert Origins(LOOPBACK).wrong_origin(None, "127.0.0.1:8501", needed=False) is None
    assert Origins(LOOPBACK).wrong_origin(None, "127.0.0.1:8501", needed=True) is not None


def test_a_page_without_tls_does_not_talk_to_the_one_with_it():
    assert Origins(PROXIED).wrong_origin("https://dash.example.org", "dash.example.org", needed=True) is None
    assert Origins(PROXIED).wrong_origin("http://dash.example.org", "dash.example.org", needed=True) is not None


@pytest.mark.parametrize("path", ["/", "/market", "/market?symbol=OKX%3ABTC-USDT&tf=5m", "/bots?x=//y", "/a/b"])
def test_a_path_of_ours_is_gone_on_to(path: str):
    assert safe_path(path) == path


@pytest.mark.parametrize(
    "path",
    [None, "", "market", "//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "javascript:alert(1)",
     "/\r\nX: y", "/\t/evil.example", "/ x", "/\x00", "/sign-in", "/sign-in?next=/", "/auth/logout", "/oauth2callback?x", "/é",
     "/" + "a" * 2_000, "/a\\b", " /market", "/\n/evil.example"],
)  # fmt: skip
def test_anything_else_leads_to_the_first_page(path: str | None):
    assert safe_path(path) == "/"
