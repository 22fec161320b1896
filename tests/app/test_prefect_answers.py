"""Pages while what sits at the address of Prefect answers with errors, with something else, or without end."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import streamlit as st

from app.data import flows
from app.scheduler import standings as scheduled
from app.scheduler.api import PrefectApi, SchedulerError
from db import DatabaseOperations
from market.errors import PlatformError
from tests.app.pages import Opener, words
from tests.app.samples import SYMBOL, candle

RUN = "136b3914-b5c7-449d-bf2d-823ab2602337"
ANSWERS = {
    "an error": (500, b"<html>boom</html>"),
    "a page": (200, b"<html>Sign in</html>"),
    "an object": (200, b"{}"),
    "other rows": (200, b'[{"other": 1}]'),
    "nothing": (200, b"null"),
    "not found": (404, b'{"detail": "Not Found"}'),
    "elsewhere": (302, b""),
}

Serve = Callable[[str], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return what serves one of `ANSWERS` to whatever is asked, and returns the address for settings."""
    running: list[ThreadingHTTPServer] = []

    def begin(name: str) -> str:
        status, body = ANSWERS[name]

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer  # noqa: N815 - names of the library

            def log_message(self, *told: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        running.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/api"

    yield begin
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("name", [name for name in ANSWERS if name != "not found"])
@pytest.mark.parametrize(
    "ask",
    [
        lambda api: api.workers(), lambda api: api.deployments(), lambda api: api.run(RUN), lambda api: api.runs_of_keys(["k"]),
        lambda api: api.tables("reconcile", limit=1), lambda api: api.start_run(RUN, {}), lambda api: api.set_state(RUN, "X", ""),
    ],
)  # fmt: skip
def test_what_is_no_answer_of_prefect_is_one_error_in_words(serve: Serve, name: str, ask: Callable[[PrefectApi], object]) -> None:
    with PrefectApi(serve(name)) as api, pytest.raises(SchedulerError, match="Prefect"):
        ask(api)


@pytest.mark.parametrize("name", [*ANSWERS, "nobody"])
def test_the_login_of_an_address_is_told_to_nobody(
    home: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:  # fmt: skip
    there = "http://127.0.0.1:1/api" if name == "nobody" else serve(name)
    monkeypatch.setenv("TCPDASH_FLOWS__API_URL", url := there.replace("http://", "http://ada:hunter22@"))
    st.cache_resource.clear()

    told = [flows.flows_available().said, scheduled.look(url, "ready", page=None).said, PrefectApi(url).page]
    for ask in (lambda: flows.server().deployment("backfill"), lambda: flows.server().run(RUN)):
        with pytest.raises(PlatformError) as caught:
            ask()
        told.append(str(caught.value))

    assert any("127.0.0.1:" in each for each in told)
    assert not [each for each in told if "hunter22" in each]


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.parametrize("name", ["a page", "other rows", "not found"])
@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("data", {"view": "quality", "run": RUN}),
        ("backtests", {"view": "New run", "new_symbols": SYMBOL}),
        ("backtests", {"started": RUN}),
    ],
)
def test_pages_go_on_beside_such_a_server(
    opened: Opener, database: DatabaseOperations, monkeypatch: pytest.MonkeyPatch, serve: Serve, *, name: str, page: str,
    query: dict[str, str],
) -> None:  # fmt: skip
    database.market_data.upsert_candles([candle(1)])
    monkeypatch.setenv("TCPDASH_FLOWS__API_URL", serve(name))

    shown = opened(page, **query)

    assert not shown.exception
    assert "<html>" not in words(shown)
