"""The one seam through which all that the exchange says passes, so that it can be made to misbehave."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import msgspec

from replay.answer import Answer, Question
from replay.deeds import Deed, Reply
from replay.line import Line
from replay.marks import Mark, mark_of
from replay.source import Market, Slice, Source


class Moment(msgspec.Struct, frozen=True):
    """What time it is.

    Attributes:
        now: Seconds of the monotonic clock.
        seconds: Seconds since the first subscription, None before it.
        market_us: The exchange's clock, UTC epoch microseconds.
    """

    now: float = 0.0
    seconds: float | None = None
    market_us: int = 0


class Piece:
    """A frame on its way to a client.

    Attributes:
        frame: Its bytes.
        binary: Whether it goes out as a binary frame.
    """

    def __init__(self, frame: bytes, *, binary: bool = False) -> None:
        self.frame, self.binary = frame, binary

    @cached_property
    def mark(self) -> Mark | None:
        """What the frame is; None when it carries no trades."""
        if self.binary:
            return None
        try:
            return mark_of(self.frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # garbage of another fault
            return None


class Faults:
    """What an exchange does to its own words; this one does nothing. A fault overrides what it needs.

    The exchange tells the time with `move` before it asks anything else, so `moment` is never old.

    Attributes:
        moment: What time it is.
        lines: The open connections by number.
    """

    def __init__(self) -> None:
        self.moment = Moment()
        self.lines: Mapping[int, Line] = {}

    def attach(self, lines: Mapping[int, Line]) -> None:
        """Take note of where the open connections are to be found."""
        self.lines = lines

    def move(self, moment: Moment) -> list[Deed]:
        """Take note of the time; return what is done to open connections now."""
        self.moment = moment
        return []

    # -- connections -----------------------------------------------------------------------------------------------

    def refusal(self, question: Question) -> Reply | None:  # noqa: ARG002
        """Return the reply to a websocket handshake that is refused, None to accept it."""
        return None

    def opened(self, line: Line) -> None:
        """Take note of a new connection."""

    def subscribed(self, line: Line) -> None:
        """Take note that a connection subscribed for the first time."""

    def ended(self, line: Line) -> None:
        """Take note that a connection is gone."""

    def unread_limit(self, limit: int) -> int:
        """Return how many bytes may wait for a client before it is cut off."""
        return limit

    def slow_cut(self) -> None:
        """Take note that a client was cut off because it reads too slowly."""

    # -- frames ----------------------------------------------------------------------------------------------------

    def withholds_data(self, line: Line) -> bool:  # noqa: ARG002
        """Return whether a connection is told nothing of what happens on the market; it is lost on it."""
        return False

    def withholds_heartbeats(self, line: Line) -> bool:  # noqa: ARG002
        """Return whether a connection is sent no heartbeats."""
        return False

    def data(self, line: Line, pieces: Sequence[Piece], span: Slice | None) -> Sequence[Piece]:  # noqa: ARG002
        """Return what a connection is sent instead of some frames of market data, perhaps none.

        It is asked each time the exchange plays, also when nothing happened: `span` is then None.
        """
        return pieces

    def control(self, line: Line, frames: Sequence[bytes]) -> Sequence[bytes]:  # noqa: ARG002
        """Return what a connection is sent instead of some acknowledgements, pongs or heartbeats."""
        return frames

    def delay(self, line: Line) -> float:  # noqa: ARG002
        """Return how many seconds later than usual a connection is sent what it is sent now."""
        return 0.0

    # -- REST and the market ---------------------------------------------------------------------------------------

    def reply(self, question: Question) -> Reply | None:  # noqa: ARG002
        """Return the reply to a question over REST that is not answered from the market, None to answer it."""
        return None

    def asked(self, question: Question, market: Market) -> Market:  # noqa: ARG002
        """Return the market from which a question is answered."""
        return market

    def answer(self, question: Question, market: Market, answer: Answer) -> Answer:  # noqa: ARG002
        """Return what is answered over REST instead; `market` is what `asked` returned."""
        return answer

    def view(self, source: Source) -> Source:
        """Return the market that is played instead of a source."""
        return source

    def clock_us(self, now_us: int) -> int:
        """Return what the exchange's clock shows instead of its time, in which the view's times are, too."""
        return now_us
