"""The minutes that bots act on: stored, proven whole, in order, each once; and what keeps the next one from coming."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from market.clock import isoformat
from market.timeframe import BASE
from trading.position import Bar

if TYPE_CHECKING:
    from db.minutes import StoredMinute
    from db.operations import DatabaseOperations
    from db.repositories.gaps import Gap

WIDTH_US = BASE.width_us
_READ = 3_000
_PAGE_US, _PAGES = 86_400_000_000, 64
_LOOK_SECONDS = 1.0
_MISSING_SECONDS, _UNPROVEN_SECONDS = 120.0, 1_800.0
_OLD_US = 3_600_000_000


Holes = Callable[[str, int, int], "list[Gap]"]
"""Returns the holes of a symbol that share a moment with two."""


class Minute(NamedTuple):
    """A minute that is settled: a whole candle, or a hole of which nothing more is to come.

    Attributes:
        timestamp_us: Close, UTC epoch microseconds.
        bar: None in a hole.
        revision: Of the candle.
    """

    timestamp_us: int
    bar: Bar | None
    revision: int = 0


class Minutes:
    """The settled minutes of some symbols, read from the store as they come.

    A minute is settled when it is stored and not known to lack trades. One that is missing, or lacks trades, holds up all behind
    it while a hole of the ledger that touches it is open, or while it may still be proven. Once the hole has ended without its
    trades, nobody knows of any hole for two minutes (half an hour where the minute is there and not proven), or it is more than
    an hour behind the newest, it is a hole of its own.

    Args:
        db: Where minutes, holes and feeds are read.
    """

    def __init__(self, db: "DatabaseOperations") -> None:
        self._db = db
        self._edges: dict[str, _Edge] = {}
        self._pages: dict[tuple[str, int, int], list[Minute]] = {}
        self._held_up: dict[tuple[str, int, int], list[Minute]] = {}
        self._waits: dict[str, str] = {}
        self._feeds: dict[str, tuple[str, str]] = {}
        self._looked = float("-inf")

    def follow(self, symbol: str) -> bool:
        """Begin to follow a symbol, from a day before its newest stored minute on; return whether that is new.

        Nothing of it is settled before the next `poll`.
        """
        if symbol in self._edges:
            return False
        self._edges[symbol] = _Edge(symbol, self._db.market_data.span(symbol, BASE)[1])
        return True

    def forget(self, kept: Iterable[str]) -> None:
        """Follow no other symbols any more."""
        self._edges = {symbol: self._edges[symbol] for symbol in kept if symbol in self._edges}

    def newest_us(self, symbol: str) -> int | None:
        """Return the close of the newest stored minute, settled or not."""
        return self._edges[symbol].newest_us

    def settled_us(self, symbol: str) -> int | None:
        """Return the close of the newest settled minute."""
        return self._edges[symbol].settled_us

    def poll(self, now: float) -> bool:
        """Read what is new; return whether minutes were settled.

        Args:
            now: Monotonic seconds.

        Raises:
            StoreUnreachable: If the database does not answer.
        """
        if not self._edges:
            return False
        found = self._db.market_data.minutes_after({symbol: edge.read_us for symbol, edge in self._edges.items()}, _READ)
        settled = [edge.take(found.get(symbol, []), now, self._holes) for symbol, edge in self._edges.items()]
        if now >= self._looked + _LOOK_SECONDS:
            self._looked = now
            self._held_up.clear()
            self._feeds = {feed.symbol: (feed.state, feed.reason) for feed in self._db.feeds.list()}
        return any(settled)

    def next(self, symbol: str, after_us: int) -> Minute | None:
        """Return the settled minute that follows on a moment; None while there is none."""
        edge = self._edges[symbol]
        if edge.begin_us is None:
            return None
        if after_us >= edge.begin_us:
            place = (after_us - edge.begin_us) // WIDTH_US
            return edge.minutes[place] if place < len(edge.minutes) else None
        page, place = self._page(symbol, after_us, edge.begin_us), after_us % _PAGE_US // WIDTH_US
        return page[place] if place < len(page) else None

    def trouble(self, symbol: str) -> str:
        """Return what keeps the next minute from coming, in words; empty where nothing is known to."""
        state, reason = self._feeds.get(symbol, ("", ""))
        known = self._edges[symbol].trouble or self._waits.get(symbol, "")
        if not known and state in {"stale", "down"}:
            return f"the feed of {symbol} is {state}" + (f": {reason}" if reason else "")
        return known

    def _page(self, symbol: str, after_us: int, until_us: int) -> list[Minute]:
        """Return the minutes of the day of a moment, as far as memory does not begin before, and no open hole comes before.

        One with an open hole is read again once a second.
        """
        begin_us = after_us // _PAGE_US * _PAGE_US
        end_us = min(begin_us + _PAGE_US, until_us)
        known = self._pages.get((symbol, begin_us, end_us)) or self._held_up.get((symbol, begin_us, end_us))
        if known is not None:
            return known
        found = self._db.market_data.minutes_after({symbol: begin_us}, (end_us - begin_us) // WIDTH_US).get(symbol, [])
        usable = {
            stamp: Minute(stamp, Bar(*prices), revision) for stamp, prices, complete, revision in found if complete is not False
        }
        page = [usable.get(stamp, Minute(stamp, None)) for stamp in range(begin_us + WIDTH_US, end_us + WIDTH_US, WIDTH_US)]
        still = [gap for gap in self._holes(symbol, begin_us, end_us) if gap.state == "open"]
        for place, minute in enumerate(page):
            if minute.bar is None and any(
                gap.end_us > minute.timestamp_us - WIDTH_US and gap.start_us < minute.timestamp_us for gap in still
            ):
                self._waits[symbol] = f"a hole of {symbol} at {isoformat(minute.timestamp_us)} is being filled"
                self._held_up[symbol, begin_us, end_us] = page[:place]
                return page[:place]
        self._waits.pop(symbol, None)
        while len(self._pages) >= _PAGES:
            del self._pages[next(iter(self._pages))]
        self._pages[symbol, begin_us, end_us] = page
        return page

    def _holes(self, symbol: str, start_us: int, end_us: int) -> "list[Gap]":
        return self._db.gaps.list(symbol, start_us=start_us, end_us=end_us)


class _Edge:
    """The newest minutes of one symbol, from a day before its newest stored one on."""

    def __init__(self, symbol: str, newest_us: int | None) -> None:
        self.symbol, self.newest_us = symbol, newest_us
        self._from_us = 0 if newest_us is None else newest_us - _PAGE_US
        self.begin_us: int | None = None
        self.minutes: list[Minute] = []
        self.trouble = ""
        self._since: tuple[int, float] = (0, 0.0)
        self._asked = float("-inf")

    @property
    def settled_us(self) -> int | None:
        """Close of the newest settled minute; None before the first."""
        return self.minutes[-1].timestamp_us if self.minutes else None

    @property
    def read_us(self) -> int:
        """Behind which minutes are read."""
        return self.minutes[-1].timestamp_us if self.minutes else self._from_us

    def take(self, rows: "list[StoredMinute]", now: float, holes: Holes) -> bool:
        """Settle what can be of the stored minutes behind the newest settled one; return whether any was."""
        if rows:
            self.newest_us = max(self.newest_us or 0, rows[-1].timestamp_us)
        usable = [row for row in rows if row.complete is not False]
        if self.begin_us is None and usable:
            self.begin_us = usable[0].timestamp_us - WIDTH_US
        before, unproven = len(self.minutes), {row.timestamp_us for row in rows if row.complete is False}
        for row in usable:
            if not self._fill_up(row.timestamp_us - WIDTH_US, unproven, now, holes):
                break
            self.minutes.append(Minute(row.timestamp_us, Bar(*row.prices), row.revision))
        else:
            last = rows[-1] if rows else None
            lacks = last is not None and last.complete is False
            self.trouble = f"{self.symbol} {isoformat(last.timestamp_us)} is not proven whole yet" if last and lacks else ""
            if last and not usable and len(rows) >= _READ:  # no more can be read at once: what lies behind would never be seen
                self.begin_us = rows[0].timestamp_us - WIDTH_US if self.begin_us is None else self.begin_us
                self._fill_up(last.timestamp_us, unproven, now, holes)
        settled = len(self.minutes) > before
        while self.begin_us is not None and len(self.minutes) > 3 * _PAGE_US // WIDTH_US:
            self.begin_us, self.minutes = self.begin_us + _PAGE_US, self.minutes[_PAGE_US // WIDTH_US :]
        return settled

    def _fill_up(self, until_us: int, unproven: set[int], now: float, holes: Holes) -> bool:
        """Settle the minutes up to a moment as a hole; return whether none is left, for it may be too early for that."""
        span = ((self.settled_us or self.begin_us or 0) + WIDTH_US, until_us)
        if span[0] > span[1]:
            return True
        lacks = not unproven.isdisjoint(range(span[0], span[1] + 1, WIDTH_US))
        if not self._is_hole(span, now, holes, unproven=lacks):
            return False
        self.minutes += [Minute(stamp, None) for stamp in range(span[0], span[1] + 1, WIDTH_US)]
        return True

    def _is_hole(self, span: tuple[int, int], now: float, holes: Holes, *, unproven: bool) -> bool:
        """Return whether nothing more is to come of minutes that are missing or lack trades."""
        if self._since[0] != span[0]:
            self._since, self._asked = (span[0], now), float("-inf")
        if now < self._asked + _LOOK_SECONDS:
            return False
        self._asked = now
        found = [gap.state for gap in holes(self.symbol, span[0] - WIDTH_US, span[1])]
        if "open" in found:
            self.trouble = f"a hole of {self.symbol} before {isoformat(span[1])} is being filled"
            return False
        patience = _UNPROVEN_SECONDS if unproven else _MISSING_SECONDS
        if "unrecoverable" in found or (self.newest_us or 0) - span[1] > _OLD_US or now - self._since[1] >= patience:
            return True
        what = "is not proven whole yet" if unproven else "is missing"
        self.trouble = f"{self.symbol} {isoformat(span[0])} {what}"
        return False
