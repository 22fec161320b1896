"""Loads what pages are made of beside the server: else the first who opens a page waits for it, more than a second."""

import importlib
import logging
import pkgutil
import threading
import time

from streamlit import runtime

logger = logging.getLogger(__name__)

_FOLDERS = ("app.charts", "app.data", "app.actions", "app.views")
_LOOK_SECONDS = 0.05


def load_beside() -> None:
    """Begin to load, in a thread."""
    threading.Thread(target=load, name="loading", daemon=True).start()


def load() -> None:
    """Import what pages are made of, and connect, once the server is there: it answers first, and what is cached needs it."""
    while not runtime.exists():
        time.sleep(_LOOK_SECONDS)
    for folder in _FOLDERS:
        for module in pkgutil.walk_packages(importlib.import_module(folder).__path__, f"{folder}."):
            try:
                importlib.import_module(module.name)
            except Exception:
                logger.warning("not loaded module=%s", module.name, exc_info=True)
    _connect()


def _connect() -> None:
    from app.data.connections import database, redis  # noqa: PLC0415 - loaded just now

    try:
        for store in (redis(), database()):
            store.ask(lambda _: None, None, {})
    except ValueError:
        logger.warning("not connected: the settings cannot be used")
