"""Holes: trade frames that are never sent, and trades that REST does not have at first."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from exchanges import VENUES
from market.errors import WireError
from market.trade import Trade
from replay.answer import Answer, Question
from replay.faults.seam import Piece
from replay.faults.trouble import Trouble
from replay.line import Line
from replay.source import Market, Series, Slice, Source
from replay.views import View

T = TypeVar("T")


class Hole(Trouble):
    """Loses some trade frames of a symbol in a row, on one connection."""

    def data(self, line: Line, pieces: Sequence[Piece], span: Slice | None) -> Sequence[Piece]:
        """Return the frames that are not lost."""
        return [piece for piece in pieces if not self._loses(line, piece, span)]

    def lose(self, piece: Piece, span: Slice | None) -> None:
        """Take note of a lost frame."""

    def _loses(self, line: Line, piece: Piece, span: Slice | None) -> bool:
        if piece.mark is None or not self.concerns(piece):
            return False
        left: dict[tuple[str, str], int] = line.troubles.setdefault(self, {})
        key = piece.mark.channel, piece.mark.wire
        if left.get(key):
            left[key] -= 1
        elif self.wants_frame(line, piece):
            left[key] = int(self.fault.number("frames")) - 1
            self.struck()
        else:
            return False
        self.lose(piece, span)
        return True


class Hidden(msgspec.Struct, eq=False):
    """The trades of a lost frame, as positions in both series of their symbol.

    Attributes:
        left: In how many answers they are still lacking.
    """

    symbol: str
    fills: list[int]
    aggregates: list[int]
    left: int


class LateHole(Hole):
    """A hole that REST has too, for the first answers."""

    _hidden: tuple[Hidden, ...] = ()
    _market: Market | None = None

    def data(self, line: Line, pieces: Sequence[Piece], span: Slice | None) -> Sequence[Piece]:
        """Return the frames that are not lost."""
        self._market = span or self._market
        return super().data(line, pieces, span)

    def lose(self, piece: Piece, span: Slice | None) -> None:
        """Hide the trades of a lost frame from REST, once, however many lines lose it."""
        trades = _trades_in(piece)
        mark, market = piece.mark, self._market
        if mark is None or market is None or not trades:
            return
        symbol, since_us = f"{market.source.venue}:{mark.pair}", min(trade.timestamp_us for trade in trades)
        since_us = since_us if span is None else min(since_us, span.start_us)
        ids = [mark.fills or (trade.first_id, trade.trade_id) for trade in trades]
        fills = _positions(market.source.fills(symbol), ids, since_us, market.now_us)
        aggregates = _positions(market.source.aggregates(symbol), ids, since_us, market.now_us)
        before = [each for each in self._hidden if each.symbol == symbol]
        fills = _others(fills, (each.fills for each in before))
        aggregates = _others(aggregates, (each.aggregates for each in before))
        if fills or aggregates:
            self._hidden += (Hidden(symbol, fills, aggregates, int(self.fault.number("times"))),)

    def asked(self, question: Question, market: Market) -> Market:  # noqa: ARG002
        """Return the market without what is hidden."""
        hidden = [each for each in self._hidden if each.left > 0]
        return Market(Veil(market.source, hidden), market.now_us) if hidden else market

    def answer(self, question: Question, market: Market, answer: Answer) -> Answer:  # noqa: ARG002
        """Count which trades an answer lacked."""
        source: Source | None = market.source
        while isinstance(source, View):
            if isinstance(source, Veil):
                for hidden in source.lacked.intersection(self._hidden):
                    hidden.left -= 1
            source = source.inner
        return answer


class Veil(View):
    """A market without some trades, in its two series; its candles have them.

    Attributes:
        lacked: What was left out of what was asked for.
    """

    def __init__(self, inner: Source, hidden: Sequence[Hidden]) -> None:
        super().__init__(inner)
        self._hidden, self.lacked = hidden, set[Hidden]()

    def fills(self, symbol: str) -> Series:
        """Return the single fills of a symbol that are to be seen."""
        places = {place: each for each in self._hidden if each.symbol == symbol for place in each.fills}
        return _VeiledSeries(self.inner.fills(symbol), places, self.lacked) if places else self.inner.fills(symbol)

    def aggregates(self, symbol: str) -> Series:
        """Return the aggregates of a symbol that are to be seen."""
        places = {place: each for each in self._hidden if each.symbol == symbol for place in each.aggregates}
        return _VeiledSeries(self.inner.aggregates(symbol), places, self.lacked) if places else self.inner.aggregates(symbol)


class _VeiledSeries(Series):
    """A series without the trades at some positions; the rest move up."""

    def __init__(self, inner: Series, hidden: dict[int, Hidden], lacked: set[Hidden]) -> None:
        self._inner, self._hidden, self._lacked = inner, hidden, lacked
        self._places = sorted(hidden)
        self._before = [place - number for number, place in enumerate(self._places)]

    def at(self, moment_us: int) -> int:
        return self._seen(self._inner.at(moment_us))

    def find(self, number: int) -> int:
        return self._seen(self._inner.find(number))

    def slice(self, start: int, stop: int) -> list[Trade]:
        start, stop = max(0, start), max(0, start, stop)
        # What is hidden at either end of the slice would have been in the answer, too.
        first, last = (self._real(start - 1) + 1 if start else 0), self._real(stop)
        self._lacked |= {self._hidden[place] for place in self._places if first <= place < last}
        return self._open(start, stop, self._inner.slice)

    def numbers(self, start: int, stop: int) -> Sequence[int]:
        start = max(0, start)
        return self._open(start, max(start, stop), self._inner.numbers)

    def _open(self, start: int, stop: int, inner: Callable[[int, int], Sequence[T]]) -> list[T]:
        if start == stop:
            return []
        first = self._real(start)
        return [each for place, each in enumerate(inner(first, self._real(stop - 1) + 1), first) if place not in self._hidden]

    def _real(self, position: int) -> int:
        """Return where a trade that is to be seen stands in the whole series."""
        return position + bisect_right(self._before, position)

    def _seen(self, position: int) -> int:
        """Return how many trades before a position of the whole series are to be seen."""
        return position - bisect_left(self._places, position)


def _trades_in(piece: Piece) -> list[Trade]:
    """Return the trades of a frame; none of one that its venue's codec does not read, or that is of several symbols."""
    mark = piece.mark
    if mark is None or mark.pair is None or mark.venue not in VENUES:
        return []
    try:
        found = VENUES[mark.venue]([f"{mark.venue}:{mark.pair}"]).parse(piece.frame, 0)
    except WireError:
        return []
    return found if isinstance(found, list) else []


def _others(places: list[int], known: Iterable[list[int]]) -> list[int]:
    before = {place for each in known for place in each}
    return [place for place in places if place not in before]


def _positions(series: Series, ids: Sequence[tuple[int, int]], since_us: int, until_us: int) -> list[int]:
    """Return where in a part of a series the trades are that stand for any of some ids."""
    start = series.at(since_us)
    return [
        place
        for place, trade in enumerate(series.slice(start, series.at(until_us)), start)
        if any(first <= trade.trade_id and trade.first_id <= last for first, last in ids)
    ]
