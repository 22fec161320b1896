"""Reports: documents as html files that load nothing from anywhere."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

_KINDS = {"backtest": "backtest", "sweep": "sweep", "walk-forward": "walk_forward"}


def html_of(document: Mapping[str, Any]) -> str:
    """Return the document of a backtest, a sweep or a walk-forward as a page that opens without a network."""
    name = _KINDS[document["kind"]]
    page: str = getattr(import_module(f"app.reports.{name}"), f"{name}_report")(document)
    return page
