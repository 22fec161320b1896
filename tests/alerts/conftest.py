"""A webhook on this machine, and a time that tests set."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from market import clock
from market.clock import parse_time

NOW_US = parse_time("2026-03-01T12:00:00Z")
SECRET = "t0k3n-nobody-may-see"


class Webhook:
    """What takes the messages of `json://` on 127.0.0.1.

    Attributes:
        taken: Title and text of each message that was answered with 200.
        statuses: What the next requests are answered with; 200 when there are none left.
        gate: As long as it is not set, no request is answered.
    """

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.statuses: list[int] = []
        self.asked = 0
        self.gate = threading.Event()
        self.gate.set()
        self.arrived = threading.Event()
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                webhook.asked += 1
                webhook.arrived.set()
                webhook.gate.wait(20)
                status = webhook.statuses.pop(0) if webhook.statuses else 200
                if status == 200:
                    webhook.taken.append((body["title"], body["message"]))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"json://127.0.0.1:{self._server.server_port}/{SECRET}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def a_webhook() -> Iterator[Webhook]:
    webhook = Webhook()
    yield webhook
    webhook.close()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with a_webhook() as one:
        yield one


@pytest.fixture
def other() -> Iterator[Webhook]:
    with a_webhook() as one:
        yield one


class Time:
    """A clock that only tests move."""

    def __init__(self) -> None:
        self.us = NOW_US

    def now_us(self) -> int:
        return self.us

    def monotonic(self) -> float:
        return self.us / 1_000_000

    def pass_(self, seconds: float) -> None:
        self.us += round(seconds * 1_000_000)


@pytest.fixture
def time() -> Iterator[Time]:
    source = Time()
    with clock.using(source):
        yield source
