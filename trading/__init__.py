"""Strategies, backtests and paper bots."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trading.backtest.backtest import Backtest
    from trading.backtest.metrics import calculate_performance_metrics
    from trading.backtest.simple import backtest_strategy_simple
    from trading.bots.manager import BotManager
    from trading.rules import Listing, Rules
    from trading.signal import Action, Signal
    from trading.strategy import BaseStrategy

_LAZY = {
    "Action": "trading.signal",
    "Backtest": "trading.backtest.backtest",
    "BaseStrategy": "trading.strategy",
    "BotManager": "trading.bots.manager",
    "Listing": "trading.rules",
    "Rules": "trading.rules",
    "Signal": "trading.signal",
    "backtest_strategy_simple": "trading.backtest.simple",
    "calculate_performance_metrics": "trading.backtest.metrics",
}

__all__ = [
    "Action", "Backtest", "BaseStrategy", "BotManager", "Listing", "Rules", "Signal", "backtest_strategy_simple",
    "calculate_performance_metrics",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import what needs pandas only when it is asked for."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'trading' has no attribute {name!r}")
