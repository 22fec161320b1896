"""The live worker: from the socket to the store, and nothing lost without a note of it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streaming.collector import DataCollector

__all__ = ["DataCollector"]


def __getattr__(name: str) -> Any:
    """Import the collector only when it is asked for: it brings the database along."""
    if name == "DataCollector":
        from streaming.collector import DataCollector  # noqa: PLC0415 - see above

        return DataCollector
    raise AttributeError(f"module 'streaming' has no attribute {name!r}")
