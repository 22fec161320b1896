"""The vocabulary: what a trade, a candle and a timeframe are; pure."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from market.builder import CandleBuilder
from market.candle import Candle, OHLCVCandle, Origin
from market.rollup import roll_up
from market.symbol import Symbol
from market.timeframe import Timeframe, parse_timeframe
from market.trade import MarketDataPoint, Side, Trade
from market.window import Window

if TYPE_CHECKING:
    from market.aggregation import aggregate_to_timeframe

_LAZY = {"aggregate_to_timeframe": "market.aggregation"}

__all__ = [
    "Candle",
    "CandleBuilder",
    "MarketDataPoint",
    "OHLCVCandle",
    "Origin",
    "Side",
    "Symbol",
    "Timeframe",
    "Trade",
    "Window",
    "aggregate_to_timeframe",
    "parse_timeframe",
    "roll_up",
]


def __getattr__(name: str) -> Any:
    """Import what needs pandas only when it is asked for."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'market' has no attribute {name!r}")
