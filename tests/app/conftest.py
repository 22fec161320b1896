"""The app on servers of its own, and a worker beside it."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

import cli
from app.menu import PAGES
from app.views import painting
from db import DatabaseOperations
from tests.app.bots import Bots
from tests.app.pages import Opener, Worker

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.app.browser import Demo, Window

Windows = Callable[..., "Window"]

ENTRY = Path(cli.__file__).with_name("served") / "entry.py"


@pytest.fixture(autouse=True)
def _main(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the main module back behind each test: a page takes its place, and worker processes of later tests would load that."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(autouse=True)
def _components(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find no components of others: each AppTest reads all that is installed for some, which takes longer than its page."""
    monkeypatch.setattr(manifest_scanner, "scan_component_manifests", list)


@pytest.fixture(autouse=True)
def _painting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no browser where there is none; what an AppTest has for cookies looks like the slowest one."""
    monkeypatch.setattr(painting, "pause_seconds", lambda *_: 0.0)


@pytest.fixture
def worker(database: DatabaseOperations, redis_url: str) -> Iterator[Worker]:
    worker = Worker(database, redis_url)
    yield worker
    worker.close()


@pytest.fixture
def home(database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the home of an app that finds its servers in the environment."""
    for name in [name for name in os.environ if name.startswith("TCPDASH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TCPDASH_HOME", str(tmp_path))
    monkeypatch.setenv("TCPDASH_DATABASE__URL", database_url)
    monkeypatch.setenv("TCPDASH_REDIS__URL", redis_url)
    st.cache_resource.clear()
    st.cache_data.clear()
    yield tmp_path
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def bots(home: Path, database: DatabaseOperations, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bots]:
    """Return what leaves bots in the stores and in the folder that the app uses."""
    folder = home / "bots"
    folder.mkdir()
    monkeypatch.setenv("TCPDASH_BOTS__FOLDER", str(folder))
    bots = Bots(database, redis_url, folder)
    yield bots
    bots.close()


@pytest.fixture
def opened(home: Path) -> Opener:
    """Return what opens a page, by its name and with the selection that its URL has."""

    def open_page(at: str = "market", /, **query: str) -> AppTest:
        page = AppTest.from_file(str(ENTRY), default_timeout=60)
        page._page_hash = calc_hash("" if at == next(iter(PAGES)) else at)  # `switch_page` knows a page only after another one ran
        for name, value in query.items():
            page.query_params[name] = value
        return page.run()

    return open_page


@pytest.fixture(scope="module")
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Demo]":
    """Return a running demo, one for all tests of a module; its `DEMO` has more words of the command, as `("--speed", "20")`."""
    from tests.app.browser import Demo

    demo = Demo(tmp_path_factory.mktemp("demo") / "home", *getattr(request.module, "DEMO", ()))
    yield demo
    demo.kill()


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Return a browser without a screen."""
    from tests.app.browser import chromium

    with chromium() as running:
        yield running


@pytest.fixture
def windows(demo: "Demo", browser: "Browser") -> "Iterator[Windows]":
    """Return what opens windows on the demo; behind the test nothing may have gone wrong in them, nor asked another computer."""
    from tests.app.browser import window

    opened: list[Window] = []

    def open_window(scheme: str = "light", **size: int) -> "Window":
        opened.append(window(browser, demo.url, scheme=scheme, **size))
        return opened[-1]

    yield open_window
    for each in opened:
        each.page.context.close()
    for each in opened:
        each.check()


@pytest.fixture(scope="session")
def pictures(pytestconfig: pytest.Config) -> Path:
    """Return where pictures go; the end of the run prints it."""
    from tests.conftest import pictures_folder

    folder = pictures_folder(pytestconfig)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
