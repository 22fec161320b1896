"""Faults at work together: each passes on what the one before it made."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from market.errors import InputError
from replay.answer import Answer, Question
from replay.deeds import Deed, Reply
from replay.faults import frames, lines, markets, rest
from replay.faults.seam import Faults, Moment, Piece
from replay.faults.spec import Fault, parse_fault
from replay.faults.trouble import Dice, Trouble
from replay.line import Line
from replay.source import Market, Slice, Source

_TROUBLES: Mapping[str, type[Trouble]] = {**lines.TROUBLES, **frames.TROUBLES, **markets.TROUBLES, **rest.TROUBLES}


class FaultScript(Faults):
    """Some faults, seeded: with the same seed the same things happen to the same frames, questions and connections.

    Args:
        faults: The faults, as values or as text; they act in this order.
        seed: Another seed is another chance.

    Attributes:
        faults: The faults.
        strikes: How often each kind struck.
    """

    def __init__(self, faults: Iterable[Fault | str] = (), seed: int = 0) -> None:
        super().__init__()
        self.faults = tuple(fault if isinstance(fault, Fault) else parse_fault(fault) for fault in faults)
        self.strikes: Counter[str] = Counter()
        if sum(fault.kind == "clock" for fault in self.faults) > 1:
            raise InputError("an exchange has one clock; give one fault of the kind clock")
        # The clock is the last: the others see the exchange's own time.
        ordered = sorted(enumerate(self.faults), key=lambda each: each[1].kind == "clock")
        self._troubles = [_TROUBLES[fault.kind](fault, Dice(seed, place), self.strikes) for place, fault in ordered]

    def attach(self, lines: Mapping[int, Line]) -> None:
        """Take note of where the open connections are to be found."""
        super().attach(lines)
        for trouble in self._troubles:
            trouble.attach(lines)

    def move(self, moment: Moment) -> list[Deed]:
        """Take note of the time; return what is done to open connections now."""
        self.moment = moment
        return [deed for trouble in self._troubles for deed in trouble.move(moment)]

    def refusal(self, question: Question) -> Reply | None:
        """Return the first refusal of a websocket handshake."""
        return next((reply for trouble in self._troubles if (reply := trouble.refusal(question)) is not None), None)

    def opened(self, line: Line) -> None:
        """Take note of a new connection."""
        for trouble in self._troubles:
            trouble.opened(line)

    def subscribed(self, line: Line) -> None:
        """Take note that a connection subscribed for the first time."""
        for trouble in self._troubles:
            trouble.subscribed(line)

    def ended(self, line: Line) -> None:
        """Take note that a connection is gone."""
        for trouble in self._troubles:
            trouble.ended(line)

    def unread_limit(self, limit: int) -> int:
        """Return the least limit."""
        return min([limit, *(trouble.unread_limit(limit) for trouble in self._troubles)])

    def slow_cut(self) -> None:
        """Take note that a client was cut off because it reads too slowly."""
        for trouble in self._troubles:
            trouble.slow_cut()

    def withholds_data(self, line: Line) -> bool:
        """Return whether any fault withholds data."""
        return any(trouble.withholds_data(line) for trouble in self._troubles)

    def withholds_heartbeats(self, line: Line) -> bool:
        """Return whether any fault withholds heartbeats."""
        return any(trouble.withholds_heartbeats(line) for trouble in self._troubles)

    def data(self, line: Line, pieces: Sequence[Piece], span: Slice | None) -> Sequence[Piece]:
        """Return what becomes of frames with market data."""
        for trouble in self._troubles:
            pieces = trouble.data(line, pieces, span)
        return pieces

    def control(self, line: Line, frames: Sequence[bytes]) -> Sequence[bytes]:
        """Return what becomes of other frames."""
        for trouble in self._troubles:
            frames = trouble.control(line, frames)
        return frames

    def delay(self, line: Line) -> float:
        """Return the sum of the delays."""
        return sum(trouble.delay(line) for trouble in self._troubles)

    def reply(self, question: Question) -> Reply | None:
        """Return the first reply that a fault gives."""
        return next((reply for trouble in self._troubles if (reply := trouble.reply(question)) is not None), None)

    def asked(self, question: Question, market: Market) -> Market:
        """Return the market from which a question is answered."""
        for trouble in self._troubles:
            market = trouble.asked(question, market)
        return market

    def answer(self, question: Question, market: Market, answer: Answer) -> Answer:
        """Return what becomes of an answer."""
        for trouble in self._troubles:
            answer = trouble.answer(question, market, answer)
        return answer

    def view(self, source: Source, *, without: str = "") -> Source:
        """Return the market that is played instead; `without` is a kind of fault that is left out of account."""
        for trouble in self._troubles:
            if trouble.fault.kind != without:
                source = trouble.view(source)
        return source

    def clock_us(self, now_us: int) -> int:
        """Return what the exchange's clock shows."""
        for trouble in self._troubles:
            now_us = trouble.clock_us(now_us)
        return now_us
