"""What the tests of signing in need: people, a desk, a small app behind the door, and the real server as a process of its own."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from app.sign_in.desk import Desk, open_desk
from app.sign_in.door import Door
from app.sign_in.passwords import hash_password
from app.sign_in.routes import Counter
from db.child import free_port
from settings import Settings

ROOT = Path(__file__).parents[3]
PASSWORD = "correct horse battery staple"


@cache
def hashed() -> str:
    return hash_password(PASSWORD)


def settings_of(home: Path, **app: Any) -> Settings:
    users = {"ada": {"password_hash": hashed()}, "vic": {"password_hash": hashed(), "role": "viewer"}}
    return Settings.model_validate({"home": home, "app": {"users": users, **app}})


class Client(httpx.Client):
    """A browser without pages: keeps cookies, follows nothing, and says which page a form comes from."""

    def __init__(self, url: str) -> None:
        super().__init__(base_url=url, trust_env=False, timeout=30)
        self.url = url

    def sign_in(self, name: str = "ada", password: str = PASSWORD, **more: str) -> httpx.Response:
        return self.post("/sign-in", data={"name": name, "password": password, **more}, headers={"Origin": self.url})

    def cookie(self) -> str:
        """Return what a websocket sends along."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())


@contextmanager
def behind_the_door(settings: Settings) -> Iterator[tuple[Client, Desk]]:
    """Serve a page, a file and a websocket in place of Streamlit's, as uvicorn does."""
    desk = open_desk(settings)

    async def page(request: Any) -> PlainTextResponse:
        return PlainTextResponse(f"page {request.url.path}", headers={"Access-Control-Allow-Origin": "*"})

    async def broken(request: Any) -> PlainTextResponse:
        raise RuntimeError("a secret of the server")

    async def cookies(request: Any) -> PlainTextResponse:
        answer = PlainTextResponse("cookies")
        answer.set_cookie("a", "b")
        answer.set_cookie("c", "d", secure=True)
        return answer

    async def stream(websocket: WebSocket) -> None:
        await websocket.accept()
        while True:
            await websocket.send_bytes(await websocket.receive_bytes())

    paths = ["/", "/market", "/_stcore/health", "/media/a.csv", "/_stcore/upload_file/x/y", "/auth/logout", "/oauth2callback"]
    inside = [Route(path, page, methods=["GET", "POST", "PUT", "DELETE"]) for path in paths]
    app = Starlette(
        routes=[
            *Counter(desk).routes(),
            *inside,
            Route("/broken", broken),
            Route("/cookies", cookies),
            WebSocketRoute("/_stcore/stream", stream),
        ],
        middleware=[Middleware(Door, desk=desk)],
    )
    with serving(app) as url, Client(url) as client:
        yield client, desk


@contextmanager
def serving(app: Any, port: int | None = None) -> Iterator[str]:
    """Serve an app in a thread of this process."""
    port = port or free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, ws="websockets-sansio", log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


class Served:
    """The real server of the pages, with a script of a test, as a process of its own.

    Args:
        folder: For its home and its log.
        script: What Streamlit runs.
        environment: Settings of it.
    """

    def __init__(self, folder: Path, script: Path, environment: Mapping[str, str], port: int | None = None) -> None:
        self.folder, self.script, self.port = folder, script, port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {name: text for name, text in os.environ.items() if not name.startswith("TCPDASH_")}
        self._environment = {**kept, "TCPDASH_CONFIG": "", "TCPDASH_HOME": str(folder / "home"), **environment}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        code = (
            "import logging, sys; from pathlib import Path; from app import server; from settings import load_settings; "
            "logging.basicConfig(level='INFO'); server.serve(load_settings(), script=Path(sys.argv[1]), port=int(sys.argv[2]))"
        )
        words = [sys.executable, "-c", code, str(self.script), str(self.port)]
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(words, env={**self._environment, "PYTHONPATH": path}, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def log(self) -> str:
        return (self.folder / "server.log").read_text()

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(timeout=30)
