"""Everything that keeps or hands on data: PostgreSQL (TimescaleDB or plain) and Redis; synchronous, but for one publisher."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from db.bus import (
        BOT_SIGNALS_CHANNEL,
        BOT_STATUS_CHANNEL,
        FEED_KEY,
        LATEST_KEY,
        MARKET_DATA_CHANNEL,
        SYSTEM_EVENTS_CHANNEL,
        AsyncBus,
        Bus,
    )
    from db.operations import DatabaseOperations, get_database_operations
    from db.repositories.market_data import MarketDataRepository
    from db.repositories.raw_trades import RawTradeRepository

__all__ = [
    "BOT_SIGNALS_CHANNEL",
    "BOT_STATUS_CHANNEL",
    "FEED_KEY",
    "LATEST_KEY",
    "MARKET_DATA_CHANNEL",
    "SYSTEM_EVENTS_CHANNEL",
    "AsyncBus",
    "Bus",
    "DatabaseOperations",
    "MarketDataRepository",
    "RawTradeRepository",
    "get_database_operations",
]

_HOMES = {
    "DatabaseOperations": "db.operations",
    "get_database_operations": "db.operations",
    "MarketDataRepository": "db.repositories.market_data",
    "RawTradeRepository": "db.repositories.raw_trades",
}


def __getattr__(name: str) -> Any:
    """Import what a name needs only when it is asked for: a process that only reads Redis needs no SQLAlchemy."""
    if name in __all__:
        return getattr(import_module(_HOMES.get(name, "db.bus")), name)
    raise AttributeError(f"module 'db' has no attribute {name!r}")
