"""Signing in with a provider of OpenID Connect: the real server, a real provider, and tokens that lie."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from db.child import free_port
from tests.app.sign_in.provider import CLIENT, SECRET, Provider
from tests.app.sign_in.served import Client, Served, serving
from tests.app.sign_in.wire import Wire, shown

ADA = {"sub": "1", "email": "ada@example.org", "email_verified": True}
VIC = {"sub": "subject-of-vic", "email": "vic@example.org", "email_verified": False}


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    port = free_port()
    provider = Provider(f"http://127.0.0.1:{port}")
    with serving(provider.app(), port):
        yield provider


@pytest.fixture(scope="module")
def served(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, port = tmp_path_factory.mktemp("served"), free_port()
    (folder / "acted").write_text("")
    environment = {
        "ACTED": str(folder / "acted"),
        "TCPDASH_APP__PUBLIC_URL": f"http://127.0.0.1:{port}",
        "TCPDASH_APP__OIDC__CLIENT_ID": CLIENT,
        "TCPDASH_APP__OIDC__CLIENT_SECRET": SECRET,
        "TCPDASH_APP__OIDC__SERVER_METADATA_URL": f"{provider.url}/.well-known/openid-configuration",
        "TCPDASH_APP__OIDC__OPERATORS": "ada@example.org",
        "TCPDASH_APP__OIDC__VIEWERS": "subject-of-vic",
    }
    server = Served(folder, Path(__file__).with_name("acting_page.py"), environment, port)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    with Client(served.url) as client:
        yield client


def come_back(client: Client, provider: Provider, person: dict[str, Any], **lies: Any) -> httpx.Response:
    """Go to the provider and come back, as a browser does."""
    provider.person, provider.lies = person, lies
    answer = client.get("/sign-in/provider")
    for _ in range(3):  # Streamlit's login, the provider, the callback
        assert answer.is_redirect
        answer = client.get(answer.headers["location"])
    return answer


def test_who_the_provider_knows_and_we_do_is_let_in(client: Client, provider: Provider):
    answer = come_back(client, provider, ADA)

    assert answer.status_code == 200
    assert 'content="0;url=/"' in answer.text
    assert [name for name in client.cookies if name.startswith("tcpdash-")]
    with Wire(client) as wire:
        assert "ada@example.org: operator" in shown(wire.run())


def test_a_viewer_by_subject_looks(client: Client, provider: Provider):
    come_back(client, provider, VIC)

    with Wire(client) as wire:
        assert "subject-of-vic: viewer" in shown(wire.run())


def test_the_cookie_of_streamlit_never_reaches_the_browser(client: Client, provider: Provider):
    answer = come_back(client, provider, ADA)

    assert "_streamlit_user" not in str(answer.headers)
    assert not [name for name in client.cookies if name.startswith("_streamlit_user")]


def test_the_provider_is_asked_with_all_that_protects_the_way_back(client: Client, provider: Provider, served: Served):
    come_back(client, provider, ADA)
    asked = provider.asked[-1]

    assert asked["redirect_uri"] == f"{served.url}/oauth2callback"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) >= 20
    assert len(asked["nonce"]) >= 20


@pytest.mark.parametrize(
    ("person", "told"),
    [
        ({"sub": "9", "email": "eve@example.org", "email_verified": True}, "eve@example.org (9)"),
        ({**ADA, "email_verified": False}, "ada@example.org (not verified; 1)"),
        ({"sub": "<b>9</b>"}, "&lt;b&gt;9&lt;/b&gt;"),
        ({"sub": "ada@example.org"}, "ada@example.org"),
    ],
)
def test_who_is_not_among_our_people_is_told_so_and_not_let_in(
    client: Client, provider: Provider, served: Served, person: dict[str, Any], told: str
):
    answer = come_back(client, provider, person)

    assert answer.status_code == 403
    assert f"you are {told}, who is not among the people" in answer.text
    assert client.get("/").status_code == 303
    with pytest.raises(InvalidStatus):
        Wire(client)
    assert "sign-in refused email=" in served.log()


@pytest.mark.parametrize(
    "lies",
    [{"key": 1}, {"alg": "none"}, {"aud": "another"}, {"iss": "http://evil.example"}, {"nonce": "another"}, {"nonce": None},
     {"exp": 1_600_000_000}],
    ids=lambda lies: next(iter(lies)),
)  # fmt: skip
def test_a_token_that_lies_lets_nobody_in(client: Client, provider: Provider, lies: dict[str, Any]):
    answer = come_back(client, provider, ADA, **lies)

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?again")
    assert client.get("/").status_code == 303
    assert "did not confirm who you are" in client.get(answer.headers["location"]).text


def test_a_way_back_that_nobody_went_leads_nowhere(client: Client, provider: Provider):
    for query in ("", "?code=code-1&state=x", "?error=access_denied&error_description=<script>", "?code[]=1&state[]=2"):
        answer = client.get(f"/oauth2callback{query}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?again")


def test_a_way_back_is_of_the_browser_that_went(client: Client, provider: Provider, served: Served):
    provider.person, provider.lies = ADA, {}
    login = client.get(client.get("/sign-in/provider").headers["location"])
    back = client.get(login.headers["location"]).headers["location"]

    with Client(served.url) as victim:
        answer = victim.get(back)

        assert answer.headers["location"] == "/sign-in?again"
        assert victim.get("/").status_code == 303


def test_a_way_back_is_gone_once(client: Client, provider: Provider):
    provider.person, provider.lies = ADA, {}
    login = client.get(client.get("/sign-in/provider").headers["location"])
    back = client.get(login.headers["location"]).headers["location"]
    client.get(back)
    client.cookies.delete(next(name for name in client.cookies if name.startswith("tcpdash-")))

    assert client.get(back).headers["location"] == "/sign-in?again"


@pytest.mark.parametrize("path", ["/auth/logout", "/auth/login/", "/auth/login/x", "/oauth2callback/"])
def test_no_other_path_of_streamlits_is_open(client: Client, path: str):
    assert client.get(path).status_code == 404
    assert client.post("/oauth2callback", headers={"Origin": client.url}).status_code == 404


def test_the_page_offers_the_provider_and_no_password(client: Client):
    page = client.get("/sign-in").text

    assert 'href="/sign-in/provider"' in page
    assert 'type="password"' not in page
    there = client.get("/sign-in/provider").headers["location"]
    assert urlsplit(there).path == "/auth/login"
    assert list(parse_qs(urlsplit(there).query)) == ["provider"]


def test_a_provider_that_is_away_is_told_without_its_error(served: Served, tmp_path: Path):
    port = free_port()
    environment = {**served._environment, "TCPDASH_APP__PUBLIC_URL": f"http://127.0.0.1:{port}"}
    environment["TCPDASH_APP__OIDC__SERVER_METADATA_URL"] = f"http://127.0.0.1:{free_port()}/none"
    away = Served(tmp_path, served.script, environment, port)
    away.start()
    try:
        with Client(away.url) as client:
            answer = client.get(client.get("/sign-in/provider").headers["location"])
    finally:
        away.stop()

    assert answer.status_code >= 300
    assert "Traceback" not in answer.text
    assert "ConnectError" not in answer.text
