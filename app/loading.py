"""Loads what pages are made of before anybody looks: else the first who opens a page waits for it, more than a second."""

import importlib
import logging
import pkgutil
import threading
import time
from collections.abc import Iterable, Iterator

from streamlit import runtime

from app.charts.live_candles import prepare

logger = logging.getLogger(__name__)

_LIBRARIES = ("db", "db.bus", "history.backfill", "research.asked", "app.strategy_desk", "trading.backtest.metrics")
"""What brings along the libraries of the pages, and holds nothing in the caches of a server, which has to be there for that."""
_CHARTS = "app.charts"
_FOLDERS = ("app.data", "app.actions", "app.views")
_LOOK_SECONDS = 0.05


def load_libraries() -> None:
    """Import the libraries of the pages, and make the form of their largest chart.

    This is done before the server answers: it would share the processor with the first page.
    """
    _load(_LIBRARIES)
    _load(_modules(_CHARTS))
    prepare()


def load_beside() -> None:
    """Begin to load the rest, in a thread."""
    threading.Thread(target=load, name="loading", daemon=True).start()


def load() -> None:
    """Connect, and import the modules of the pages, once the server is there: what is cached needs it."""
    while not runtime.exists():
        time.sleep(_LOOK_SECONDS)
    _connect()
    for folder in _FOLDERS:
        _load(_modules(folder))


def _load(names: Iterable[str]) -> None:
    for name in names:
        try:
            importlib.import_module(name)
        except Exception:
            logger.warning("not loaded module=%s", name, exc_info=True)


def _modules(folder: str) -> Iterator[str]:
    for module in pkgutil.walk_packages(importlib.import_module(folder).__path__, f"{folder}."):
        yield module.name


def _connect() -> None:
    from app.data.connections import database, redis  # noqa: PLC0415 - needs the server

    try:
        for store in (redis(), database()):
            store.ask(lambda _: None, None, {})
    except ValueError:
        logger.warning("not connected: the settings cannot be used")
