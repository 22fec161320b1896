"""Faults of the market itself: numbers that were never given out, a symbol that is no more, a wrong clock."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from exchanges import VENUES
from exchanges.base import Instrument
from market.timeframe import SECOND_US
from market.trade import Trade
from replay.bars import Bar, Interval
from replay.deeds import Deed
from replay.faults.seam import Moment
from replay.faults.trouble import Trouble
from replay.source import Frame, Series, Source
from replay.views import NoTrades, Shifted, View


class _Jumps:
    """How numbers are given out with some skipped: from each of some numbers on, so many more."""

    def __init__(self) -> None:
        self.firsts: list[tuple[int, int]] = []

    def skip(self, first: int, ids: int) -> None:
        """Skip numbers before the trade that has the number `first` without any skipped; later jumps have higher ones."""
        self.firsts.append((first, ids + (self.firsts[-1][1] if self.firsts else 0)))

    def outer(self, number: int) -> int:
        """Return the number that a trade is given."""
        return number + next((skipped for first, skipped in reversed(self.firsts) if first <= number), 0)

    def inner(self, number: int) -> int:
        """Return the number without any skipped; for a skipped number that of the next trade."""
        skipped_before = [0, *(skipped for _, skipped in self.firsts)]
        for place in range(len(self.firsts) - 1, -1, -1):
            first, skipped = self.firsts[place]
            if number >= first + skipped_before[place]:
                return max(first, number - skipped)
        return number


class _Renumbered(Series):
    def __init__(self, inner: Series, numbers: _Jumps, fills: _Jumps) -> None:
        self._inner, self._numbers, self._fills = inner, numbers, fills

    def at(self, moment_us: int) -> int:
        return self._inner.at(moment_us)

    def find(self, number: int) -> int:
        return self._inner.find(self._numbers.inner(number))

    def slice(self, start: int, stop: int) -> list[Trade]:
        return [replace(trade, trade_id=self._fills.outer(trade.trade_id)) for trade in self._inner.slice(start, stop)]

    def numbers(self, start: int, stop: int) -> Sequence[int]:
        return [self._numbers.outer(number) for number in self._inner.numbers(start, stop)]


class _Skipping(View):
    """A market in which some numbers were never given out."""

    def __init__(self, inner: Source) -> None:
        super().__init__(inner)
        self._jumps: dict[str, tuple[_Jumps, _Jumps]] = {}
        self._since_us: dict[str, int] = {}

    def skip(self, symbol: str, moment_us: int, ids: int) -> bool:
        """Skip ids before the first trade from a moment on; return whether there is one."""
        series = self.inner.fills(symbol), self.inner.aggregates(symbol)
        firsts = [each.numbers(place, place + 1) for each in series for place in [each.at(moment_us)]]
        if not all(firsts):
            return False
        self._since_us.setdefault(symbol, moment_us)
        for jumps, first in zip(self._jumps.setdefault(symbol, (_Jumps(), _Jumps())), firsts, strict=True):
            jumps.skip(first[0], ids)
        return True

    def fills(self, symbol: str) -> Series:
        fills = self.inner.fills(symbol)
        return _Renumbered(fills, self._jumps[symbol][0], self._jumps[symbol][0]) if symbol in self._jumps else fills

    def aggregates(self, symbol: str) -> Series:
        aggregates = self.inner.aggregates(symbol)
        return _Renumbered(aggregates, self._jumps[symbol][1], self._jumps[symbol][0]) if symbol in self._jumps else aggregates

    def frames(self, symbol: str, channel: str, start_us: int, end_us: int) -> list[Frame] | None:
        # What was recorded has the old numbers; it is made anew from the first jump on.
        if end_us > self._since_us.get(symbol, end_us):
            return None
        return self.inner.frames(symbol, channel, start_us, end_us)

    def minutes(self, symbol: str, start_us: int, end_us: int) -> list[Bar]:
        bars = self.inner.minutes(symbol, start_us, end_us)
        if symbol not in self._jumps:
            return bars
        outer = self._jumps[symbol][0].outer
        return [replace(bar, first_id=outer(bar.first_id), last_id=outer(bar.last_id)) for bar in bars]

    def bars(self, symbol: str, interval: Interval, start_us: int, end_us: int, now_us: int) -> list[Bar]:
        if symbol not in self._jumps:
            return self.inner.bars(symbol, interval, start_us, end_us, now_us)
        return Source.bars(self, symbol, interval, start_us, end_us, now_us)


class _NeverExisted(Trouble):
    """Where ids prove nothing it does nothing."""

    _view: _Skipping | None = None
    _due_us: tuple[int, ...] = ()

    def move(self, moment: Moment) -> list[Deed]:
        super().move(moment)
        if self.schedule.begun:
            self._due_us += (moment.market_us,)
        return []

    def view(self, source: Source) -> Source:
        if self._view is None or self._view.inner is not source:
            self._view = _Skipping(source)
        for moment_us in self._due_us:
            self._skip(self._view, source, moment_us)
        self._due_us = ()
        return self._view

    def _skip(self, view: _Skipping, source: Source, moment_us: int) -> None:
        venue = VENUES.get(source.venue)
        if venue is not None and venue.unproven.issuperset(venue.channels):
            return
        for symbol in source.symbols:
            if _is_meant(self.fault.symbol, symbol):
                self.struck(view.skip(symbol, moment_us, int(self.fault.number("ids"))))


class _Listing(dict[str, Instrument]):
    """Instruments without one that is no more; who has it already still finds its steps."""

    def __init__(self, instruments: Mapping[str, Instrument], gone: str) -> None:
        super().__init__({symbol: each for symbol, each in instruments.items() if symbol != gone})
        self._gone = instruments[gone]

    def __missing__(self, symbol: str) -> Instrument:
        if symbol == self._gone.symbol:
            return self._gone
        raise KeyError(symbol)


class _Delisted(View):
    def __init__(self, inner: Source, gone: str) -> None:
        super().__init__(inner)
        self.instruments = _Listing(inner.instruments, gone)
        self._gone = gone

    def fills(self, symbol: str) -> Series:
        return NoTrades() if symbol == self._gone else self.inner.fills(symbol)

    def aggregates(self, symbol: str) -> Series:
        return NoTrades() if symbol == self._gone else self.inner.aggregates(symbol)

    def frames(self, symbol: str, channel: str, start_us: int, end_us: int) -> list[Frame] | None:
        return [] if symbol == self._gone else self.inner.frames(symbol, channel, start_us, end_us)

    def minutes(self, symbol: str, start_us: int, end_us: int) -> list[Bar]:
        return [] if symbol == self._gone else self.inner.minutes(symbol, start_us, end_us)

    def bars(self, symbol: str, interval: Interval, start_us: int, end_us: int, now_us: int) -> list[Bar]:
        return [] if symbol == self._gone else self.inner.bars(symbol, interval, start_us, end_us, now_us)


class _Delist(Trouble):
    """Without a symbol it is the last one that goes."""

    _view: Source | None = None
    _seen: Source | None = None
    _gone = False

    def move(self, moment: Moment) -> list[Deed]:
        super().move(moment)
        self._gone = self._gone or self.schedule.begun
        return []

    def view(self, source: Source) -> Source:
        if not self._gone:
            return source
        if self._seen is not source or self._view is None:
            meant = [symbol for symbol in source.symbols if _is_meant(self.fault.symbol, symbol)]
            self.struck(bool(meant) and self._seen is None)
            self._seen, self._view = source, _Delisted(source, meant[-1]) if meant else source
        return self._view


class _Clock(Trouble):
    """The whole market happens at other times than it would."""

    _view: Shifted | None = None

    def view(self, source: Source) -> Source:
        if self._view is None or self._view.inner is not source:
            self.struck(self._view is None)
            self._view = Shifted(source, self._offset_us)
        return self._view

    def clock_us(self, now_us: int) -> int:
        return now_us + self._offset_us

    @property
    def _offset_us(self) -> int:
        return round(self.fault.number("seconds") * 1000) * (SECOND_US // 1000)


def _is_meant(wanted: str | None, symbol: str) -> bool:
    return not wanted or wanted.upper() in {symbol, symbol.partition(":")[2]}


TROUBLES: Mapping[str, type[Trouble]] = {"never-existed": _NeverExisted, "delist": _Delist, "clock": _Clock}
