"""What the local exchange plays: a recorded or generated market, as one small interface."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import lru_cache

import msgspec

from exchanges.base import Instrument
from market.timeframe import MINUTE_US
from market.trade import Trade
from replay.bars import HOUR_US, Bar, Interval, bar_of_bars, bars_of_trades, flat_bar

_HOURS_KEPT = 200_000  # of all symbols; seven years of three
_LOOK_BACK = 8  # trades, to find one that counts

Frame = tuple[int, int, bytes]
"""When a recorded frame is played (UTC epoch microseconds), its place on the tape, and its bytes."""


class Series(ABC):
    """The trades of one symbol in the order of their numbers, addressed by position.

    A fill's number is its trade id; an aggregate's number is the venue's aggregate id.
    """

    @abstractmethod
    def at(self, moment_us: int) -> int:
        """Return the position of the first trade at or after a moment."""

    @abstractmethod
    def find(self, number: int) -> int:
        """Return the position of the first trade with this number or a higher one."""

    @abstractmethod
    def slice(self, start: int, stop: int) -> list[Trade]:
        """Return the trades at positions `start` up to, but not including, `stop`; positions outside are left out."""

    @abstractmethod
    def numbers(self, start: int, stop: int) -> Sequence[int]:
        """Return the numbers of the trades that `slice` returns."""

    def newest(self, stop: int, limit: int) -> list[Trade]:
        """Return the last `limit` trades before a position, oldest first."""
        return self.slice(max(0, stop - limit), stop)


class Source(ABC):
    """A market that can be asked about any moment.

    Attributes:
        venue: First part of its symbols.
        label: What the `X-Tape` header says of it.
        instruments: Its symbols with tick and lot sizes, in the order of the tape.
        first_us: Where it begins, None when it has always been there.
        last_us: Where it ends, exclusive; None when it never does.
        kept_us: How far back bars wider than an hour reach; None when they are there from the first trade on.
    """

    kept_us: int | None = None

    def __init__(
        self, venue: str, label: str, instruments: Sequence[Instrument], first_us: int | None = None, last_us: int | None = None
    ) -> None:
        self.venue, self.label, self.first_us, self.last_us = venue, label, first_us, last_us
        self.instruments = {instrument.symbol: instrument for instrument in instruments}
        self._hour = lru_cache(_HOURS_KEPT)(self._fold_hour)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols, `EXCHANGE:BASE-QUOTE`."""
        return tuple(self.instruments)

    @abstractmethod
    def fills(self, symbol: str) -> Series:
        """Return the single fills of a symbol."""

    @abstractmethod
    def aggregates(self, symbol: str) -> Series:
        """Return the fills of a symbol merged where they share taker order: the same millisecond, side and price."""

    @abstractmethod
    def frames(self, symbol: str, channel: str, start_us: int, end_us: int) -> list[Frame] | None:
        """Return the recorded frames of a channel that are played in [start, end); None when none were recorded."""

    def minutes(self, symbol: str, start_us: int, end_us: int) -> list[Bar]:
        """Return the one-minute bars of whole minutes in [start, end) that had trades, oldest first."""
        fills = self.fills(symbol)
        return bars_of_trades(fills.slice(fills.at(start_us), fills.at(end_us)), MINUTE_US)

    def first_open(self, symbol: str, interval: Interval, now_us: int) -> int | None:
        """Return where the oldest bar begins that is told at a moment, None when nobody had traded by then."""
        first = self.fills(symbol).slice(0, 1)
        if not first or first[0].timestamp_us >= now_us:
            return None
        open_us = interval.open_of(first[0].timestamp_us)
        if self.kept_us is None or interval.width_us <= HOUR_US:
            return open_us
        kept_us = max(self.kept_us, 2 * interval.longest_us)  # the forming bar and the one before are always there
        return max(open_us, interval.first_open(max(0, now_us - kept_us)))

    def bars(self, symbol: str, interval: Interval, start_us: int, end_us: int, now_us: int) -> list[Bar]:
        """Return the bars that begin in [start, end) as known at a moment, oldest first and without holes.

        The bar that holds the moment is the last one; it is forming. Spans before `first_open` have no bar.
        """
        first_us = self.first_open(symbol, interval, now_us)
        if first_us is None:
            return []
        open_us = interval.first_open(max(start_us, first_us))
        if open_us >= end_us or open_us > now_us:
            return []
        parts = self._parts(symbol, interval, open_us, min(interval.first_open(max(end_us, open_us)), now_us))
        close, found, position = self._close_before(symbol, open_us), [], 0
        while open_us < end_us and open_us <= now_us:
            next_us, inside = interval.next_open(open_us), position
            while position < len(parts) and parts[position].open_us < next_us:
                position += 1
            bar = bar_of_bars(open_us, parts[inside:position]) if position > inside else flat_bar(open_us, close)
            found.append(bar)
            close, open_us = bar.close, next_us
        return found

    def _parts(self, symbol: str, interval: Interval, start_us: int, stop_us: int) -> list[Bar]:
        # The narrowest pieces that are needed: hours for wide bars, then minutes, then trades for the forming minute.
        parts: list[Bar] = []
        if interval.width_us >= MINUTE_US:
            whole = stop_us // MINUTE_US * MINUTE_US
            if interval.width_us >= HOUR_US and whole > start_us:
                hours = [self._hour(symbol, hour) for hour in range(start_us // HOUR_US, whole // HOUR_US)]
                parts += [hour for hour in hours if hour is not None]
                start_us = max(start_us, whole // HOUR_US * HOUR_US)
            if whole > start_us:
                parts += self.minutes(symbol, start_us, whole)
                start_us = whole
        fills = self.fills(symbol)
        tail = fills.slice(fills.at(start_us), fills.at(stop_us))
        return parts + bars_of_trades(tail, min(interval.width_us, MINUTE_US))

    def _fold_hour(self, symbol: str, hour: int) -> Bar | None:
        minutes = self.minutes(symbol, hour * HOUR_US, (hour + 1) * HOUR_US)
        return bar_of_bars(hour * HOUR_US, minutes) if minutes else None

    def _close_before(self, symbol: str, moment_us: int) -> float:
        fills = self.fills(symbol)
        before = fills.newest(fills.at(moment_us), _LOOK_BACK) or fills.slice(0, 1)
        return next((fill for fill in reversed(before) if fill.count), before[-1]).price


class Market(msgspec.Struct, frozen=True):
    """A source at one moment: what the exchange knows when it answers."""

    source: Source
    now_us: int

    @property
    def now_ms(self) -> int:
        """The exchange's clock, UTC epoch milliseconds."""
        return self.now_us // 1000

    def played(self, series: Series) -> int:
        """Return the position after the last trade that has happened."""
        return series.at(self.now_us)

    def newest_bars(self, symbol: str, interval: Interval, end_us: int, limit: int) -> list[Bar]:
        """Return the last `limit` bars that begin before `end_us`, oldest first."""
        end_us = min(end_us, self.now_us + 1)
        start_us = interval.open_of(end_us) - limit * interval.longest_us
        return self.source.bars(symbol, interval, start_us, end_us, self.now_us)[-limit:]

    def oldest_bars(self, symbol: str, interval: Interval, start_us: int, end_us: int, limit: int) -> list[Bar]:
        """Return the first `limit` bars that begin in [start, end), oldest first."""
        first_us = self.source.first_open(symbol, interval, self.now_us)
        if first_us is None:
            return []
        start_us = interval.first_open(max(min(start_us, self.now_us + 1), first_us))
        end_us = min(end_us, start_us + limit * interval.longest_us)
        return self.source.bars(symbol, interval, start_us, end_us, self.now_us)[:limit]


class Slice(Market, frozen=True):
    """A market and the span of time that was just played, [start, now). Frames are made once for all clients."""

    start_us: int
    made: dict[tuple[str, ...], list[Frame]]

    def once(self, key: tuple[str, ...], make: Callable[[], list[Frame]]) -> list[Frame]:
        """Return the frames of a key, making them for the first client that asks."""
        if key not in self.made:
            self.made[key] = make()
        return self.made[key]

    def trades(self, series: Series) -> tuple[list[Trade], Sequence[int]]:
        """Return the trades of a series in this span, and their numbers."""
        start, stop = series.at(self.start_us), series.at(self.now_us)
        return series.slice(start, stop), series.numbers(start, stop)
