"""The door, knocked at over real connections: what is let in, what is not, and how somebody would try to get around it."""

import asyncio
import logging
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from app.sign_in import forms
from app.sign_in.attempts import OF_ONE_NAME
from app.sign_in.desk import Desk
from market.clock import now_us
from tests.app.sign_in.served import PASSWORD, Client, behind_the_door, hashed, settings_of


@pytest.fixture
def door(tmp_path: Path) -> Iterator[tuple[Client, Desk]]:
    with behind_the_door(settings_of(tmp_path)) as served:
        yield served


@pytest.fixture
def client(door: tuple[Client, Desk]) -> Client:
    return door[0]


@pytest.fixture
def desk(door: tuple[Client, Desk]) -> Desk:
    return door[1]


def raw(client: Client, request: str | bytes, *, wait_seconds: float = 5.0) -> bytes:
    """Send bytes as they are, and return what comes back until the end or for so long."""
    to = urlsplit(client.url)
    with socket.create_connection((to.hostname, to.port), timeout=wait_seconds) as wire:
        wire.sendall(request.encode("latin-1") if isinstance(request, str) else request)
        found = b""
        try:
            while part := wire.recv(65_536):
                found += part
        except TimeoutError:
            pass
        return found


def asked(client: Client, target: str, method: str = "GET", *headers: str) -> int:
    """Return the status for a target that no client would send like this."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {urlsplit(client.url).netloc}", "Connection: close", *headers, "", ""]
    return int(raw(client, "\r\n".join(lines)).split(b" ", 2)[1])


def opened(
    client: Client, *, cookie: str | None = None, origin: str | None = "", path: str = "/_stcore/stream"
) -> ClientConnection:
    headers = {"Cookie": client.cookie() if cookie is None else cookie}
    return connect(
        client.url.replace("http", "ws", 1) + path,
        additional_headers=headers,
        origin=client.url if origin == "" else origin,
        proxy=None,
        compression=None,
    )


def assert_led_away(client: Client, cookie: str | None = None) -> None:
    """Assert that a websocket with a cookie of a session that is over says where to sign in, and nothing else."""
    with opened(client, cookie=cookie) as wire:
        assert ForwardMsg.FromString(wire.recv(timeout=5)).auth_redirect.url == "/sign-in"
        with pytest.raises(ConnectionClosed):
            wire.recv(timeout=5)


def rerun() -> bytes:
    return BackMsg(rerun_script={"query_string": "x=1"}).SerializeToString()


# -- who is not signed in --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/market", "/media/a.csv", "/_stcore/host-config", "/static/js/x.js", "/none", "/sign-in/", "/SIGN-IN"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "BREW"])
def test_nobody_gets_anything_but_the_way_to_the_sign_in_page(client: Client, path: str, method: str):
    answer = client.request(method, path, headers={"Origin": client.url})

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=")
    assert answer.content == b""


@pytest.mark.parametrize(
    "target",
    ["//sign-in", "//sign-in/../", "/sign-in/../market", "/sign-in/..", "/./sign-in", "/sign-in%2f..%2fmarket", "/%2fsign-in",
     "/sign-in%00", "/sign-in;x", "/sign-in\\..\\market",
     "/_stcore/health/../host-config", "/_stcore/health/", "/_stcore//health", "/_stcore/healthz",
     "/market/_stcore/health", "/%5fstcore/stream", "/sign-in/provider", "*"],
)  # fmt: skip
def test_no_way_of_writing_a_path_is_a_way_in(client: Client, target: str):
    assert asked(client, target) in {303, 400}


def test_the_path_is_the_one_before_the_question_mark(client: Client):
    assert client.get("/market?x=/sign-in").status_code == 303
    assert asked(client, "http://evil.example/market") in {303, 400}


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-Prefix: /sign-in", "X-Original-URL: /sign-in", "X-Rewrite-URL: /_stcore/health", "X-HTTP-Method-Override: HEAD",
     "Authorization: Basic YWRhOmFkYQ==", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-User: ada"],
)  # fmt: skip
def test_no_header_is_a_way_in(client: Client, header: str):
    assert asked(client, "/market", "GET", header) == 303


def test_health_is_told_to_all_and_is_only_read(client: Client):
    assert client.get("/_stcore/health").status_code == 200
    assert client.get("/_stcore/health", headers={"Host": "some.name"}).status_code == 200
    assert client.post("/_stcore/health", headers={"Origin": client.url}).status_code == 303


@pytest.mark.parametrize("path", ["/auth/login", "/auth/logout", "/oauth2callback", "/_stcore/agent/interact", "/_stcore/metrics"])
def test_what_is_nothing_for_browsers_is_not_there_for_anybody(client: Client, path: str):
    before = client.get(path).status_code
    client.sign_in()

    assert (before, client.get(path).status_code) == (404, 404)


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "GET", "OPTIONS"])
def test_nobody_leaves_files_in_the_memory_of_the_server(client: Client, method: str):
    client.sign_in()

    answer = client.request(method, "/_stcore/upload_file/x/y", headers={"Origin": client.url}, content=b"x")

    assert answer.status_code == 404


def test_a_websocket_is_refused_before_it_is_accepted(client: Client, caplog: pytest.LogCaptureFixture):
    with pytest.raises(InvalidStatus) as error:
        opened(client)

    assert error.value.response.status_code == 403
    assert "nobody is signed in" in caplog.text


@pytest.mark.parametrize("path", ["/sign-in", "/_stcore/health", "/", "//_stcore/stream"])
def test_no_other_path_has_a_websocket(client: Client, path: str):
    with pytest.raises(InvalidStatus):
        opened(client, path=path)


# -- signing in ------------------------------------------------------------------------------------------------------


def test_the_right_password_leads_to_where_one_wanted(client: Client):
    answer = client.sign_in(next="/market?symbol=A")

    assert (answer.status_code, answer.headers["location"]) == (303, "/market?symbol=A")
    assert client.get("/market").text == "page /market"
    assert client.get("/sign-in?next=/market").headers["location"] == "/market"


def test_the_cookie_is_for_the_server_only(client: Client):
    cookie = client.sign_in().headers["set-cookie"]

    assert re.fullmatch(r"tcpdash-[0-9a-f]{8}=[\w.-]+; HttpOnly; Max-Age=2635200; Path=/; SameSite=strict", cookie)


def test_with_tls_the_cookie_never_travels_without_it(tmp_path: Path):
    with behind_the_door(settings_of(tmp_path, public_url="https://dash.example.org", address="0.0.0.0")) as (client, _):
        headers = {"Origin": "https://dash.example.org", "Host": "dash.example.org"}
        answer = client.post("/sign-in", data={"name": "ada", "password": PASSWORD}, headers=headers)

    assert answer.headers["set-cookie"].startswith("__Host-tcpdash-")
    assert answer.headers["set-cookie"].endswith("; SameSite=strict; Secure")
    assert "domain" not in answer.headers["set-cookie"].lower()
    assert answer.headers["strict-transport-security"]


def test_with_tls_no_cookie_of_streamlits_travels_without_it(tmp_path: Path):
    with behind_the_door(settings_of(tmp_path, public_url="https://dash.example.org")) as (client, desk):
        cookie = desk.sessions.begin(desk.people.by_password("ada", PASSWORD), now_us())
        answer = client.get("/cookies", headers={"Cookie": f"{desk.cookie}={cookie}"})

    assert answer.headers.get_list("set-cookie") == ["a=b; Path=/; SameSite=lax; Secure", "c=d; Path=/; SameSite=lax; Secure"]


@pytest.mark.parametrize("name", ["ada", "ADA ", "eve", ""])
def test_a_wrong_password_is_told_without_saying_whether_there_is_such_a_name(client: Client, name: str):
    answer = client.sign_in(name, "wrong")

    assert answer.status_code == 403
    assert "Name or password is wrong." in answer.text
    assert "set-cookie" not in answer.headers


def test_many_attempts_have_to_wait_also_with_the_right_password(client: Client, caplog: pytest.LogCaptureFixture):
    for _ in range(OF_ONE_NAME):
        client.sign_in("ada", "wrong")
    answer = client.sign_in()

    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 600
    assert "Too many attempts. Try again in 15 minutes." in answer.text
    assert "too many attempts name='ada' from=127.0.0.1" in caplog.text
    assert client.sign_in("vic").status_code == 303


def test_many_at_once_are_no_way_around(client: Client):
    async def all_at_once() -> list[int]:
        async with httpx.AsyncClient(base_url=client.url, trust_env=False, timeout=60) as crowd:
            form = {"name": "ada", "password": "wrong"}
            answers = await asyncio.gather(*(crowd.post("/sign-in", data=form, headers={"Origin": client.url}) for _ in range(12)))
        return sorted(answer.status_code for answer in answers)

    assert asyncio.run(all_at_once()) == [403] * OF_ONE_NAME + [429] * (12 - OF_ONE_NAME)


def test_the_log_has_no_password_and_no_line_of_somebody_else(client: Client, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    client.sign_in("ada\r\n12:00 signed in name='root'", "hunter2hunter2")
    client.sign_in()

    assert "hunter2" not in caplog.text
    assert PASSWORD not in caplog.text
    assert len([line for line in caplog.text.splitlines() if "signed in name=" in line and "sign-in refused" not in line]) == 1


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://127.0.0.1:1", "http://localhost:8501"])
def test_no_other_page_signs_anybody_in(client: Client, origin: str | None):
    headers = {} if origin is None else {"Origin": origin}

    answer = client.post("/sign-in", data={"name": "ada", "password": PASSWORD}, headers=headers)

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example", "/\\evil.example", "/x\r\nSet-Cookie: a=b", "javascript:x"]
)
def test_nobody_is_led_elsewhere(client: Client, wanted: str):
    page = client.get("/sign-in", params={"next": wanted})
    answer = client.sign_in(next=wanted)

    assert 'name="next" value="/"' in page.text
    assert answer.headers["location"] == "/"
    assert len(answer.headers.get_list("set-cookie")) == 1


def test_what_was_typed_is_text_on_the_page(client: Client):
    answer = client.sign_in('"><script>alert(1)</script>', "x")

    assert "<script>" not in answer.text
    assert "&quot;&gt;&lt;script&gt;" in answer.text


def test_a_visit_from_another_site_goes_on_by_a_page_of_ours_which_sends_the_cookie(client: Client):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}

    there = client.get('/market?a="><b>', headers=headers)
    then = client.get("/market", headers={**headers, "Sec-Fetch-Site": "same-origin"})

    assert there.status_code == 200
    assert 'content="0;url=/market?a=%22%3E%3Cb%3E"' in there.text
    assert then.status_code == 303


# -- bodies ----------------------------------------------------------------------------------------------------------


def form(client: Client, *headers: str, body: str = "") -> str:
    host = urlsplit(client.url).netloc
    kind = "Content-Type: application/x-www-form-urlencoded"
    return "\r\n".join(["POST /sign-in HTTP/1.1", f"Host: {host}", f"Origin: {client.url}", kind, *headers, "", body])


def test_a_huge_body_is_not_read(client: Client):
    headers = {"Origin": client.url, "Content-Type": "application/x-www-form-urlencoded"}
    answer = client.post("/sign-in", content=b"name=" + b"a" * 5_000_000, headers=headers)

    assert answer.status_code == 413


def test_a_slow_body_is_not_waited_for(client: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(forms, "PATIENCE_SECONDS", 0.3)
    begun = time.monotonic()

    answer = raw(client, form(client, "Content-Length: 100", body="name="), wait_seconds=2)

    assert answer.startswith(b"HTTP/1.1 408")
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b'{"name": "ada"}', 415),
        ("multipart/form-data; boundary=x", b"--x--", 415),
        ("application/x-www-form-urlencoded", b"&".join(b"a=1" for _ in range(50)), 400),
        ("application/x-www-form-urlencoded", b"name=%ff%fe&password=%ff", 400),
        ("application/x-www-form-urlencoded", b"\xff\xfe", 400),
        ("application/x-www-form-urlencoded", b"", 403),
        ("application/x-www-form-urlencoded", b"name=ada&name=eve&password=x", 403),
    ],
)
def test_what_is_no_form_of_ours_is_told_plainly(client: Client, kind: str, body: bytes, status: int):
    answer = client.post("/sign-in", content=body, headers={"Origin": client.url, "Content-Type": kind})

    assert answer.status_code == status
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
def test_the_page_is_visited_and_posted_to_and_nothing_else(client: Client, method: str):
    assert client.request(method, "/sign-in", headers={"Origin": client.url}).status_code == 405


# -- cookies ---------------------------------------------------------------------------------------------------------


def test_a_cookie_that_was_changed_is_forgotten(client: Client, desk: Desk):
    client.sign_in()
    cookie = client.cookies[desk.cookie]
    client.cookies.clear()
    client.cookies.set(desk.cookie, cookie[:-3] + ("AAA" if cookie[-3:] != "AAA" else "BBB"))

    assert client.get("/market").status_code == 303
    assert "Max-Age=0" in client.get("/sign-in").headers["set-cookie"]


def test_what_streamlit_takes_for_a_person_is_nothing_to_us(client: Client):
    for name in ("_streamlit_user", "_streamlit_user_tokens", "session", "tcpdash"):
        client.cookies.set(name, "eyJpc19sb2dnZWRfaW4iOnRydWV9.aaaa.bbbb")

    assert client.get("/market").status_code == 303


@pytest.mark.parametrize("header", ["", "=", ";;;", "a" * 30_000, "\xff\xfe", 'x="', "tcpdash-00000000=x; tcpdash-00000000=y"])
def test_nonsense_in_place_of_cookies_is_nobody(client: Client, header: str):
    assert asked(client, "/market", "GET", f"Cookie: {header}") == 303


def test_an_ended_session_is_not_revived_by_its_old_cookie(client: Client, desk: Desk):
    client.sign_in()
    kept = dict(client.cookies)
    desk.sessions.end(desk.session(client.cookies[desk.cookie]), now_us())
    client.cookies.clear()
    client.cookies.update(kept)

    assert client.get("/market").status_code == 303
    assert_led_away(client)
    assert client.get("/_stcore/host-config").status_code == 404  # let through: a window asks for it before it connects anew


@pytest.mark.parametrize(
    "users", [{"vic": {"password_hash": hashed()}}, {"ada": {"password_hash": hashed().replace(":3:", ":2:", 1)}}]
)
def test_who_was_removed_or_has_another_password_is_out_after_the_restart(tmp_path: Path, users: dict[str, object]):
    with behind_the_door(settings_of(tmp_path)) as (client, _):
        client.sign_in()
        kept = client.cookie()

    with behind_the_door(settings_of(tmp_path, users=users)) as (client, _):
        assert client.get("/market", headers={"Cookie": kept}).status_code == 303
        assert_led_away(client, kept)


# -- websockets ------------------------------------------------------------------------------------------------------


def test_who_is_signed_in_talks(client: Client):
    client.sign_in()

    with opened(client) as wire:
        wire.send(rerun())
        assert wire.recv(timeout=5) == rerun()


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://localhost:3000", "http://127.0.0.1:1"])
def test_a_page_elsewhere_does_not_talk_for_who_is_signed_in(client: Client, origin: str | None):
    client.sign_in()

    with pytest.raises(InvalidStatus):
        opened(client, origin=origin)


def test_the_session_that_ends_takes_its_websocket_along(client: Client, desk: Desk):
    client.sign_in()
    with opened(client) as wire:
        wire.send(rerun())
        wire.recv(timeout=5)

        desk.sessions.end(desk.session(client.cookies[desk.cookie]), now_us())
        wire.send(rerun())
        last = ForwardMsg.FromString(wire.recv(timeout=5))

        assert last.auth_redirect.url == "/sign-in"
        with pytest.raises(ConnectionClosed) as error:
            wire.recv(timeout=5)
        assert error.value.rcvd.code == 1008


@pytest.mark.parametrize(
    "message",
    [
        BackMsg(clear_cache=True),
        BackMsg(set_run_on_save=True),
        BackMsg(backend_operation_request={"install_skills": {}}),
        BackMsg(debug_shutdown_runtime=True),
        BackMsg(debug_disconnect_websocket=True),
    ],
)
def test_what_no_page_needs_is_not_handed_on(client: Client, message: BackMsg, caplog: pytest.LogCaptureFixture):
    client.sign_in("vic")

    with opened(client) as wire:
        wire.send(message.SerializeToString())
        wire.send(rerun())

        assert wire.recv(timeout=5) == rerun()
    assert "message refused name='vic'" in caplog.text


# -- headers and errors ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/market", "/sign-in", "/_stcore/health", "/none", "/broken", "/auth/login"])
@pytest.mark.parametrize("signed_in", [True, False])
def test_every_answer_says_how_far_to_trust_it(client: Client, path: str, signed_in: bool):
    if signed_in:
        client.sign_in()

    headers = client.get(path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "http:" not in headers["content-security-policy"]
    assert "access-control-allow-origin" not in headers


def test_an_error_of_ours_says_nothing_of_itself(client: Client, caplog: pytest.LogCaptureFixture):
    client.sign_in()

    answer = client.get("/broken")

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert "a secret of the server" in caplog.text


# -- without signing in ----------------------------------------------------------------------------------------------


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Client]:
    with behind_the_door(settings_of(tmp_path, users={})) as (client, _):
        yield client


def test_on_this_computer_pages_open_at_once(local: Client):
    assert local.get("/market").status_code == 200
    assert local.get("/sign-in?next=/market").headers["location"] == "/market"
    with opened(local) as wire:
        wire.send(rerun())
        assert wire.recv(timeout=5) == rerun()


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8501", "192.168.1.2"])
def test_a_name_that_was_made_to_lead_here_reaches_nothing(local: Client, host: str):
    answer = local.get("/market", headers={"Host": host})

    assert answer.status_code == 403
    assert "app.public_url" in answer.text


@pytest.mark.parametrize("headers", [["Host: 127.0.0.1", "Host: evil.example"], [], ["Host: "], ["Host: 127.0.0.1/x"]])
def test_a_request_names_one_host(local: Client, headers: list[str]):
    found = raw(local, "\r\n".join(["GET /market HTTP/1.1", "Connection: close", *headers, "", ""]))

    assert found.split(b" ", 2)[1] in {b"400", b"403"}


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:3000", "null"])
def test_another_page_on_this_computer_reaches_nothing(local: Client, origin: str):
    assert local.get("/_stcore/host-config", headers={"Origin": origin}).status_code == 403
    with pytest.raises(InvalidStatus):
        opened(local, origin=origin)


def test_who_comes_from_elsewhere_through_a_proxy_here_is_not_let_in(local: Client):
    assert local.get("/market", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 403
