"""What is loaded before the server of the pages answers, and beside it."""

import importlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import sqlalchemy as sa
import streamlit as st

from app import loading
from app.charts import live_candles
from db import DatabaseOperations


@pytest.fixture(autouse=True)
def _server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "runtime", SimpleNamespace(exists=lambda: True))


def test_libraries_are_loaded_before_and_nothing_that_needs_the_server() -> None:
    lines = (
        "import json, sys", "from app import loading, server", "loading.load_libraries()", "before = set(sys.modules)",
        "loading._load([name for folder in loading._FOLDERS for name in loading._modules(folder)])",
        "print(json.dumps([sorted(before), sorted(set(sys.modules) - before)]))",
    )  # fmt: skip
    told = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    before, behind = json.loads(told.stdout)

    assert {"altair", "pandas", "numba", "sqlalchemy", "httpx", "redis", "app.charts.candles"} <= set(before)
    left = Counter(name.split(".")[0] for name in behind if not name.startswith(("app.", "trading.", "research.")))
    assert left.total() < 40, left
    assert {"app.data", "app.views"}.isdisjoint(before), "they keep what is cached in a server"


@pytest.mark.postgres
@pytest.mark.redis
def test_what_pages_are_made_of_is_loaded(home: Path) -> None:
    loading.load()

    assert {"app.data.live", "app.views.sidebar"} <= set(sys.modules)


@pytest.mark.postgres
@pytest.mark.redis
def test_a_module_that_cannot_be_loaded_keeps_none_from_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, home: Path
) -> None:
    real, loaded = importlib.import_module, []

    def load(name: str) -> ModuleType:
        if name == "app.data.live":
            raise ImportError("no such thing")
        loaded.append(name)
        return real(name)

    monkeypatch.setattr(loading.importlib, "import_module", load)

    loading.load()

    assert "app.views.sidebar" in loaded
    assert "app.data.live" in caplog.text


def test_the_chart_of_the_market_is_prepared_before() -> None:
    loading.load_libraries()
    made = live_candles._form.cache_info().misses

    live_candles.live_spec("OKX:BTC-USDT", "BTC", many=True)

    assert live_candles._form.cache_info().misses == made > 0


@pytest.mark.postgres
@pytest.mark.redis
def test_stores_are_connected_before_anybody_looks(home: Path, database: DatabaseOperations) -> None:
    loading.load()

    with database.engine.connect() as connection:
        seen = connection.execute(sa.text("select query from pg_stat_activity where application_name = 'tcpdash app'")).all()
    assert len(seen) == 1


def test_without_settings_that_can_be_used_it_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(loading, "_FOLDERS", ())
    monkeypatch.setenv("TCPDASH_APP__PORT", "many")
    st.cache_resource.clear()

    loading.load()

    assert "not connected: the settings cannot be used" in caplog.text
