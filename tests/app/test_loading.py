"""What is loaded beside the server of the page."""

import importlib
import sys
from types import ModuleType, SimpleNamespace

import pytest

from app import loading


@pytest.fixture(autouse=True)
def _server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "runtime", SimpleNamespace(exists=lambda: True))


def test_what_pages_are_made_of_is_loaded() -> None:
    loading.load()

    assert {"app.charts.candles", "app.data.live", "app.views.sidebar"} <= set(sys.modules)


def test_a_module_that_cannot_be_loaded_keeps_none_from_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, loaded = importlib.import_module, []

    def load(name: str) -> ModuleType:
        if name == "app.charts.candles":
            raise ImportError("no such thing")
        loaded.append(name)
        return real(name)

    monkeypatch.setattr(loading.importlib, "import_module", load)

    loading.load()

    assert "app.views.sidebar" in loaded
    assert "app.charts.candles" in caplog.text
