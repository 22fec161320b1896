"""What the worker says about its feed: one state a symbol, for Redis and the page."""

from collections.abc import Iterable
from typing import Any

from market.clock import now_us
from streaming.pipeline import Batch, Pipeline


class FeedBoard:
    """Counts and states of one venue's connection.

    Attributes:
        quarantined: Frames that were refused because no documentation has them.
    """

    def __init__(self, venue: str, symbols: Iterable[str]) -> None:
        self._venue = venue
        self._symbols = tuple(symbols)
        self._state, self._reason, self._tape = "connecting", "", ""
        self._since_us = now_us()
        self.quarantined = self.duplicates = self.holes = 0

    def connected(self, tape: str) -> None:
        """Note that the socket is open and subscribed."""
        self._state, self._reason, self._tape, self._since_us = "connected", "", tape, now_us()

    def disconnected(self, reason: str) -> None:
        """Note that the socket is gone."""
        if self._state != "down":
            self._since_us = now_us()
        self._state, self._reason = "down", reason

    def took(self, batch: Batch) -> None:
        """Note what came of some trades."""
        self.duplicates += batch.duplicates
        self.holes += len(batch.holes)

    def states(self, pipeline: Pipeline, at_us: int) -> dict[str, dict[str, Any]]:
        """Return the state of each symbol; times are UTC epoch microseconds."""
        return {symbol: self._state_of(symbol, pipeline, at_us) for symbol in self._symbols}

    def _state_of(self, symbol: str, pipeline: Pipeline, at_us: int) -> dict[str, Any]:
        lane = pipeline.lanes[symbol]
        newest = lane.newest
        return {
            "symbol": symbol,
            "venue": self._venue,
            "state": "live" if self._state == "connected" and newest and not lane.interrupted else self._state,
            "reason": self._reason,
            "since_us": self._since_us,
            "at_us": at_us,
            "tape": self._tape,
            "price": newest.price if newest else None,
            "side": str(newest.side) if newest else None,
            "trade_us": newest.timestamp_us if newest else None,
            "received_us": newest.received_us if newest else None,
            "last_id": lane.ids.last_id,
            "open_holes": len(lane.ids.holes),
            "quarantined": self.quarantined,
            "duplicates": self.duplicates,
        }
