"""The app on servers of its own, and a worker beside it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

import cli
from app.views.navigation import PAGES
from db import DatabaseOperations
from tests.app.pages import Opener, Worker

ENTRY = Path(cli.__file__).with_name("entry.py")


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
def opened(home: Path) -> Opener:
    """Return what opens a page, by its name and with the selection that its URL has."""

    def open_page(at: str = "market", /, **query: str) -> AppTest:
        page = AppTest.from_file(str(ENTRY), default_timeout=60)
        page._page_hash = calc_hash("" if at == next(iter(PAGES)) else at)  # `switch_page` knows a page only after another one ran
        for name, value in query.items():
            page.query_params[name] = value
        return page.run()

    return open_page
