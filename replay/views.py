"""Markets made of another one: empty, or at other times."""

from collections.abc import Sequence

from msgspec.structs import replace

from market.trade import Trade
from replay.bars import Bar, Interval
from replay.source import Frame, Series, Source
from replay.tape import Tape


class View(Source):
    """A market that is another one in all that it does not change itself."""

    def __init__(self, inner: Source) -> None:
        super().__init__(inner.venue, inner.label, list(inner.instruments.values()), inner.first_us, inner.last_us)
        self.inner, self.kept_us = inner, inner.kept_us

    def fills(self, symbol: str) -> Series:
        """Return the single fills of a symbol."""
        return self.inner.fills(symbol)

    def aggregates(self, symbol: str) -> Series:
        """Return the aggregates of a symbol."""
        return self.inner.aggregates(symbol)

    def frames(self, symbol: str, channel: str, start_us: int, end_us: int) -> list[Frame] | None:
        """Return the recorded frames of a channel that are played in [start, end); None when none were recorded."""
        return self.inner.frames(symbol, channel, start_us, end_us)

    def minutes(self, symbol: str, start_us: int, end_us: int) -> list[Bar]:
        """Return the one-minute bars of whole minutes in [start, end) that had trades, oldest first."""
        return self.inner.minutes(symbol, start_us, end_us)

    def bars(self, symbol: str, interval: Interval, start_us: int, end_us: int, now_us: int) -> list[Bar]:
        """Return the bars that begin in [start, end) as known at a moment, oldest first and without holes."""
        return self.inner.bars(symbol, interval, start_us, end_us, now_us)


class NoTrades(Series):
    """A symbol in which nobody trades."""

    def at(self, moment_us: int) -> int:  # noqa: ARG002
        """Return 0: there is no trade before any moment."""
        return 0

    def find(self, number: int) -> int:  # noqa: ARG002
        """Return 0: there is no trade with a lower number."""
        return 0

    def slice(self, start: int, stop: int) -> list[Trade]:  # noqa: ARG002
        """Return no trades."""
        return []

    def numbers(self, start: int, stop: int) -> Sequence[int]:  # noqa: ARG002
        """Return no numbers."""
        return ()


class _Blank(View):
    def __init__(self, inner: Source) -> None:
        super().__init__(inner)
        self.label = "shifted"

    def fills(self, symbol: str) -> Series:  # noqa: ARG002
        return NoTrades()

    def aggregates(self, symbol: str) -> Series:  # noqa: ARG002
        return NoTrades()

    def frames(self, symbol: str, channel: str, start_us: int, end_us: int) -> list[Frame] | None:  # noqa: ARG002
        return None

    def minutes(self, symbol: str, start_us: int, end_us: int) -> list[Bar]:  # noqa: ARG002
        return []

    def bars(self, symbol: str, interval: Interval, start_us: int, end_us: int, now_us: int) -> list[Bar]:  # noqa: ARG002
        return []


class _ShiftedSeries(Series):
    def __init__(self, inner: Series, offset_us: int) -> None:
        self._inner, self._offset_us = inner, offset_us

    def at(self, moment_us: int) -> int:
        return self._inner.at(moment_us - self._offset_us)

    def find(self, number: int) -> int:
        return self._inner.find(number)

    def slice(self, start: int, stop: int) -> list[Trade]:
        return [replace(trade, timestamp_us=trade.timestamp_us + self._offset_us) for trade in self._inner.slice(start, stop)]

    def numbers(self, start: int, stop: int) -> Sequence[int]:
        return self._inner.numbers(start, stop)


class Shifted(View):
    """A market at other times; its frames have to be made anew, so none are recorded.

    Args:
        inner: The market.
        offset_us: What is added to its times.
    """

    def __init__(self, inner: Source, offset_us: int) -> None:
        super().__init__(inner)
        self._offset_us = offset_us
        self.first_us, self.last_us = (None if end is None else end + offset_us for end in (inner.first_us, inner.last_us))

    def fills(self, symbol: str) -> Series:
        """Return the single fills of a symbol."""
        return _ShiftedSeries(self.inner.fills(symbol), self._offset_us)

    def aggregates(self, symbol: str) -> Series:
        """Return the aggregates of a symbol."""
        return _ShiftedSeries(self.inner.aggregates(symbol), self._offset_us)

    def frames(self, symbol: str, channel: str, start_us: int, end_us: int) -> list[Frame] | None:  # noqa: ARG002
        """Return None: what was recorded has the old times."""
        return None

    def minutes(self, symbol: str, start_us: int, end_us: int) -> list[Bar]:
        """Return the one-minute bars of whole minutes in [start, end): of other trades than in the inner market's minutes."""
        return Source.minutes(self, symbol, start_us, end_us)

    def bars(self, symbol: str, interval: Interval, start_us: int, end_us: int, now_us: int) -> list[Bar]:
        """Return the bars that begin in [start, end) as known at a moment, oldest first and without holes."""
        return Source.bars(self, symbol, interval, start_us, end_us, now_us)


def blank(source: Source) -> Source:
    """Return a market of the same symbols on which nothing happened: what is known before a shifted one starts."""
    return source.blank() if isinstance(source, Tape) else _Blank(source)


def shifted(source: Source, offset_us: int) -> Source:
    """Return a market with all its times moved."""
    if isinstance(source, Tape):
        return source.shifted(offset_us)
    moved = Shifted(source, offset_us)
    moved.label = "shifted"
    return moved
