"""What the worker says about its feed: one state a symbol, for Redis, the database and the page."""

import os
import socket
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from db.repositories.feeds import Feed
from market.clock import now_us
from streaming.batch import Batch
from streaming.lane import Lane
from streaming.subscriptions import Subscriptions
from streaming.vigil import Vigil


class FeedBoard:
    """Counts and states of one venue's connection.

    A state is `down` (no line, or the venue refused the symbol or does not acknowledge it), `stale` (the venue has trades that do
    not come), `healing` (holes are being filled), `quiet` (no trade for longer than usual, and the venue has none) or `live`.

    Args:
        venue: Its name.
        symbols: What is followed.
        subscriptions: What the venue says of each symbol; they are told of trades.

    Attributes:
        quarantined: Frames that were refused because no documentation has them.
    """

    def __init__(self, venue: str, symbols: Iterable[str], subscriptions: Subscriptions) -> None:
        self._venue, self._subscriptions = venue, subscriptions
        at_us = now_us()
        self._down, self._tape = "connecting", ""
        self._said = {symbol: Feed(symbol, "down", "connecting", at_us) for symbol in symbols}
        self._events: list[dict[str, Any]] = []
        self.quarantined = self.duplicates = self.holes = 0
        self._of_worker: dict[str, Any] = {"worker": f"{socket.gethostname()}-{os.getpid()}", "started_us": at_us}

    def connected(self, tape: str) -> None:
        """Note that the socket is open and subscribed."""
        self._down, self._tape = "", tape

    def disconnected(self, reason: str) -> None:
        """Note that the socket is gone."""
        self._down = reason or "disconnected"

    def took(self, batch: Batch) -> None:
        """Note what came of some trades; one of a refused symbol says that it is not refused any more."""
        self._subscriptions.heard(batch.trades)
        self.duplicates += len(batch.duplicates)
        self.holes += len(batch.holes)

    def changes(self, lanes: Mapping[str, Lane], vigils: Mapping[str, Vigil], now: float) -> list[Feed]:
        """Return the states that are not what they were; each is an event too."""
        changed = []
        at_us = now_us()
        for symbol, before in self._said.items():
            lane = lanes[symbol]
            state, reason = self._state_of(lane, vigils[symbol], now)
            if state == before.state:
                if reason != before.reason:  # the newest words, but no event: nothing changed
                    self._said[symbol] = msgspec.structs.replace(before, reason=reason)
                continue
            last = lane.newest
            feed = Feed(symbol, state, reason, at_us, last.trade_id if last else None, last.timestamp_us if last else None)
            changed.append(feed)
        self._say(changed)
        return changed

    def stopped(self) -> list[Feed]:
        """Return the last states, each that changes is an event too: nobody follows the symbols any more."""
        at_us = now_us()
        last = [
            msgspec.structs.replace(said, state="down", reason="the worker stopped", since_us=at_us) for said in self._said.values()
        ]
        self._say(last)
        return last

    def _say(self, feeds: list[Feed]) -> None:
        for feed in feeds:
            event = {"event": "feed", "symbol": feed.symbol, "state": feed.state, "was": self._said[feed.symbol].state}
            if feed.state != event["was"]:
                self._events.append({**event, "reason": feed.reason, "at_us": feed.since_us})
            self._said[feed.symbol] = feed

    def take_events(self) -> list[dict[str, Any]]:
        """Return the events since the last call."""
        events, self._events = self._events, []
        return events

    def waits(self, size: int, limit: int) -> None:
        """Note how much waits for the database, in trades, and at how much the socket waits, too."""
        self._of_worker |= {"queue": size, "queue_limit": limit}

    def states(self, lanes: Mapping[str, Lane], at_us: int) -> dict[str, dict[str, Any]]:
        """Return all that is known of each symbol; times are UTC epoch microseconds."""
        return {symbol: self._all_of(said, lanes[symbol], at_us) for symbol, said in self._said.items()}

    def _state_of(self, lane: Lane, vigil: Vigil, now: float) -> tuple[str, str]:
        if self._down:
            return "down", self._down
        if lane.symbol in self._subscriptions.unserved:
            return "down", self._subscriptions.unserved[lane.symbol]
        state, reason = vigil.state(now)
        if state != "stale" and lane.open:
            return "healing", f"{len(lane.open)} holes are being filled" if len(lane.open) > 1 else "a hole is being filled"
        return state, reason

    def _all_of(self, said: Feed, lane: Lane, at_us: int) -> dict[str, Any]:
        newest = lane.newest
        return {
            "symbol": said.symbol,
            "venue": self._venue,
            "state": said.state,
            "reason": said.reason,
            "since_us": said.since_us,
            "at_us": at_us,
            "tape": self._tape,
            "price": newest.price if newest else None,
            "side": str(newest.side) if newest else None,
            "trade_us": newest.timestamp_us if newest else None,
            "received_us": newest.received_us if newest else None,
            "last_id": newest.trade_id if newest else None,
            "open_holes": len(lane.open),
            "provable": lane.provable,
            "quarantined": self.quarantined,
            "duplicates": self.duplicates,
            **self._of_worker,
        }
