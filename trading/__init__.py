"""Strategies, backtests and paper bots."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trading.signal import Action, Signal
    from trading.strategy import BaseStrategy

_LAZY = {"Action": "trading.signal", "BaseStrategy": "trading.strategy", "Signal": "trading.signal"}

__all__ = ["Action", "BaseStrategy", "Signal"]


def __getattr__(name: str) -> Any:
    """Import what needs pandas only when it is asked for."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'trading' has no attribute {name!r}")
