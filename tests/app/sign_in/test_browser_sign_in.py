"""Signing in as a person does, in Chromium; and what a page of somebody else can do to who is signed in."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from db.child import free_port
from tests.app.browser import CHROMIUM
from tests.app.sign_in.provider import CLIENT, SECRET, Provider
from tests.app.sign_in.served import PASSWORD, Served, hashed, serving

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the path")]

PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    port = free_port()
    provider = Provider(f"http://localhost:{port}")  # another site than 127.0.0.1, for a browser
    with serving(provider.app(), port):
        yield provider


@pytest.fixture(scope="module")
def served(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, port = tmp_path_factory.mktemp("served"), free_port()
    (folder / "acted").write_text("")
    environment = {
        "ACTED": str(folder / "acted"),
        "TCPDASH_APP__USERS__ADA__PASSWORD_HASH": hashed(),
        "TCPDASH_APP__PUBLIC_URL": f"http://127.0.0.1:{port}",
        "TCPDASH_APP__OIDC__CLIENT_ID": CLIENT,
        "TCPDASH_APP__OIDC__CLIENT_SECRET": SECRET,
        "TCPDASH_APP__OIDC__SERVER_METADATA_URL": f"{provider.url}/.well-known/openid-configuration",
        "TCPDASH_APP__OIDC__VIEWERS": "vic@example.org",
    }
    server = Served(folder, Path(__file__).with_name("acting_page.py"), environment, port)
    server.start()
    yield server
    server.stop()


def sign_in(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("ada: operator")).to_be_visible()


def test_a_person_signs_in_with_the_keyboard_and_out_again(served: Served, page: Page) -> None:
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)

    page.goto(f"{served.url}/?tf=5m")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("ada")
    page.keyboard.press("Tab")
    page.keyboard.type("a wrong password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Name or password is wrong.")
    expect(page.get_by_label("Password")).to_be_focused()
    expect(page.get_by_label("Name")).to_have_value("ada")
    assert [text for text in said if "403" not in text] == []
    said.clear()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("ada: operator")).to_be_visible()
    assert urlsplit(page.url).query == "tf=5m"
    assert said == []

    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.go_back()
    expect(page.get_by_label("Password")).to_be_visible()

    assert {urlsplit(url).hostname for url in asked if not url.startswith(("data:", "blob:"))} == {"127.0.0.1"}
    assert [cookie["name"] for cookie in page.context.cookies() if cookie["name"].startswith("tcpdash-")] == []


def test_a_window_whose_session_ended_elsewhere_is_led_to_the_sign_in_page(served: Served, page: Page) -> None:
    sign_in(page, served.url)
    other = page.context.new_page()
    other.goto(served.url)
    expect(other.get_by_text("ada: operator")).to_be_visible()

    other.get_by_role("button", name="Sign out").click()
    other.wait_for_url("**/sign-in")
    page.get_by_role("button", name="Forgotten").click()

    page.wait_for_url("**/sign-in")
    assert (served.folder / "acted").read_text() == ""


def test_a_window_that_was_asleep_when_its_session_ended_is_led_to_the_sign_in_page(served: Served, page: Page) -> None:
    sign_in(page, served.url)
    served.stop()
    (served.folder / "home" / "sign-in" / "ended").write_text(f"{key_of(page)} 99999999999\n")
    served.start()

    page.wait_for_url("**/sign-in")


def key_of(page: Page) -> str:
    """Return the key of the session in a browser's cookie."""
    cookie = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"].startswith("tcpdash-"))
    payload = cookie.rsplit(".", 1)[0]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))[3]


def test_a_person_of_a_provider_comes_back_signed_in(served: Served, provider: Provider, page: Page) -> None:
    provider.person = {"sub": "2", "email": "vic@example.org", "email_verified": True}

    page.goto(served.url)
    page.get_by_role("link", name="Sign in with your organization").click()

    expect(page.get_by_text("vic@example.org: viewer")).to_be_visible()
    expect(page.get_by_role("button", name="Greyed out")).to_be_disabled()


def elsewhere(target: str) -> Starlette:
    """Return the site of somebody who means us no good."""
    there = urlsplit(target).netloc

    async def page(request: Request) -> HTMLResponse:
        return HTMLResponse(
            f"""<!DOCTYPE html><title>elsewhere</title><a href="{target}/?tf=1h">to the dashboard</a>
            <form method="post" action="{target}/sign-in"><input name="name" value="ada"><input name="password" value="{PASSWORD}">
            <button>post</button></form><iframe src="{target}/" title="framed"></iframe>
            <script>
            window.read = async (path) => {{
              try {{ const got = await fetch("{target}" + path, {{credentials: "include"}}); return await got.text(); }}
              catch (error) {{ return "refused"; }} }};
            window.talk = () => new Promise((done) => {{
              const wire = new WebSocket("ws://{there}/_stcore/stream");
              wire.onopen = () => done("open"); wire.onerror = () => done("refused"); }});
            </script>"""
        )

    return Starlette(routes=[Route("/", page)])


def test_a_page_of_somebody_else_reads_nothing_and_does_nothing(served: Served, page: Page) -> None:
    sign_in(page, served.url)
    port = free_port()
    with serving(elsewhere(served.url), port):
        for host in ("localhost", "127.0.0.1"):  # another site, and the same one at another port, where cookies go along
            page.goto(f"http://{host}:{port}/")
            assert page.evaluate("talk()") == "refused"
            for path in ("/", "/sign-in", "/_stcore/host-config", "/_stcore/health", "/media/x"):
                assert page.evaluate(f"read('{path}')") == "refused"
            assert page.frames[1].url.startswith("chrome-error:")
            page.get_by_role("button", name="post").click()
            expect(page.get_by_text("Not let in")).to_be_visible()


def test_a_link_on_another_site_leads_in(served: Served, page: Page) -> None:
    sign_in(page, served.url)
    port = free_port()
    with serving(elsewhere(served.url), port):
        page.goto(f"http://localhost:{port}/")

        page.get_by_role("link", name="to the dashboard").click()

        expect(page.get_by_text("ada: operator")).to_be_visible()
        assert urlsplit(page.url).query == "tf=1h"
