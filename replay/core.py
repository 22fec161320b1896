"""The exchange without its sockets: what clients say comes in, what is to be done to them comes out; time is `market.clock`'s.

It awaits nothing, sleeps never and starts no thread: a server plays it every ten milliseconds, a simulation whenever it likes.
"""

import logging
from collections.abc import Sequence

import msgspec

from market.clock import monotonic
from market.errors import InputError
from market.timeframe import MINUTE_US
from replay.answer import Answer, Question
from replay.clock import ExchangeClock
from replay.deeds import Close, Cut, Deed, Freeze, HangUp, Ping, Reply, Send
from replay.faults.seam import Faults, Moment, Piece
from replay.line import Line
from replay.routes import answer_to, refusal_of, session_of, weight_of
from replay.source import Market, Slice, Source
from replay.views import blank, shifted

logger = logging.getLogger(__name__)

MOST_UNREAD = 16 << 20
_PONG_SECONDS = 60.0


class Asked(msgspec.Struct, frozen=True):
    """A question over REST on its way to an answer.

    Attributes:
        market: What it is answered from.
        reply: The reply where the market is not asked; None where it is.
    """

    question: Question
    market: Market
    reply: Reply | None = None

    def work(self) -> Answer:
        """Return the answer. This part is pure and may be slow: a server may do it in a thread."""
        return answer_to(self.question, self.market)


class ExchangeCore:
    """An exchange that plays a market over the venues' own protocols, and misbehaves as its faults say.

    What is to be done to clients comes out of `receive`, `play` and the like in order, each to be done at once; what a fault
    delays comes out of a later `play`.

    Args:
        source: What is played.
        speed: Seconds of the market in a second.
        shift_to_now: Whether a tape is played as if it happened now.
        start_us: Where a generated market is entered, now if None.
        faults: What is done to everything that the exchange says.

    Attributes:
        source: What is played, with the times at which it is played; without what faults do to it.
        now_us: The moment up to which the market was played, UTC epoch microseconds: the exchange's clock.
        is_ended: Whether the whole tape was played.
    """

    def __init__(
        self,
        source: Source,
        *,
        speed: float = 1.0,
        shift_to_now: bool = False,
        start_us: int | None = None,
        faults: Faults | None = None,
    ) -> None:
        if not 0 < speed < 1e9:
            raise InputError(f"speed {speed} is not above zero; 1 plays in real time, 10 ten times as fast")
        self._unshifted = source if shift_to_now and source.first_us is not None else None
        self.source = source if self._unshifted is None else blank(source)
        self._clock = ExchangeClock(source.first_us, source.last_us, speed=speed, shift_to_now=shift_to_now, start_us=start_us)
        self.now_us, self.is_ended = self._clock.now_us(), False
        self._faults = faults or Faults()
        self._lines: dict[int, Line] = {}
        self._faults.attach(self._lines)
        self._accepted, self._weight = 0, (0, 0)
        self._begun: float | None = None
        self._deeds: list[Deed] = []

    # -- connections -----------------------------------------------------------------------------------------------

    def open(self, question: Question) -> int | Reply:
        """Open a connection; return the client's number, or the reply to a handshake that is refused."""
        refused = self.refusal(question)
        return self.admit(question) if refused is None else refused

    def refusal(self, question: Question) -> Reply | None:
        """Return the reply to a handshake that is refused, None for one that may be admitted."""
        self._tell_time()
        reply = self._faults.refusal(question)
        if reply is not None:
            return reply
        answer = refusal_of(question)
        return None if answer is None else Reply(answer)

    def admit(self, question: Question) -> int:
        """Take note of a client whose handshake is done; return its number."""
        session = session_of(question)
        assert session is not None, "the opening handshake refuses other paths"
        self._accepted += 1
        line = Line(self._accepted, session, question.path, monotonic())
        self._lines[line.number] = line
        self._faults.opened(line)
        self._note_subscription(line)
        return line.number

    def receive(self, number: int, message: str | bytes) -> list[Deed]:
        """Take a client's message; return what is to be done."""
        self._tell_time()
        line = self._lines.get(number)
        if line is not None and not line.frozen:
            self._say(line, self._faults.control(line, line.session.receive(message, self.market)))
            self._note_subscription(line)
        return self._taken()

    def ponged(self, number: int) -> None:
        """Take note that a client answered a ping."""
        if number in self._lines:
            self._lines[number].pinged = None

    def unread(self, number: int, size: int) -> list[Deed]:
        """Take note that so many bytes wait for a client to read them; return what is to be done."""
        line = self._lines.get(number)
        if line is not None and size > self._faults.unread_limit(MOST_UNREAD):
            logger.warning("slow client cut off number=%d unread_bytes=%d", number, size)
            self._faults.slow_cut()
            self._do(Close(number, *line.session.slow_close))
        return self._taken()

    def gone(self, number: int) -> None:
        """Take note that a client's connection is gone."""
        line = self._lines.pop(number, None)
        if line is not None:
            self._faults.ended(line)

    # -- time ------------------------------------------------------------------------------------------------------

    def play(self) -> list[Deed]:
        """Play the market up to now, and see to what time asks for; return what is to be done."""
        self._tell_time()
        self._play_span()
        market, now = self.market, monotonic()
        for line in list(self._lines.values()):
            if not (line.frozen or self._faults.withholds_heartbeats(line)):
                self._say(line, self._faults.control(line, line.session.beat(market, now)))
            self._keep(line, now)
        return self._taken()

    def pause(self) -> list[Deed]:
        """Let the market stand still; return what is to be done. Connections and REST stay, no trade is lost."""
        self._clock.pause()
        self._play_span()
        return self._taken()

    def resume(self) -> None:
        """Let the market go on from where it was paused."""
        self._clock.resume()

    @property
    def due_at(self) -> float | None:
        """When the next thing comes out that is held back for a client, seconds of the monotonic clock; None for nothing."""
        return min((line.late[0][0] for line in self._lines.values() if line.late), default=None)

    # -- REST ------------------------------------------------------------------------------------------------------

    @property
    def market(self) -> Market:
        """What the exchange knows now."""
        return Market(self._faults.view(self.source), self._faults.clock_us(self.now_us))

    def answer(self, question: Question) -> Reply:
        """Return the reply to a GET."""
        asked = self.ask(question)
        return self.conclude(asked, asked.work()) if asked.reply is None else asked.reply

    def ask(self, question: Question) -> Asked:
        """Take a question; where it has no reply yet, its work is to be done and concluded."""
        self._tell_time()
        reply, market = self._faults.reply(question), self.market
        return Asked(question, market if reply is not None else self._faults.asked(question, market), reply)

    def conclude(self, asked: Asked, answer: Answer) -> Reply:
        """Return the reply to a question whose work was done."""
        return Reply(self._faults.answer(asked.question, asked.market, self._weighed(asked.question, answer)))

    def _weighed(self, question: Question, answer: Answer) -> Answer:
        used = weight_of(question)
        if not used:
            return answer
        minute = self.now_us // MINUTE_US
        self._weight = minute, used + (self._weight[1] if self._weight[0] == minute else 0)
        weight = str(self._weight[1])
        return Answer(answer.body, answer.status, {**answer.headers, "X-MBX-USED-WEIGHT": weight, "X-MBX-USED-WEIGHT-1M": weight})

    # -- inside ----------------------------------------------------------------------------------------------------

    def _tell_time(self) -> None:
        now = monotonic()
        seconds = None if self._begun is None else now - self._begun
        for deed in self._faults.move(Moment(now, seconds, self.now_us)):
            self._do(deed)

    def _note_subscription(self, line: Line) -> None:
        if not line.session.listening or line.subscribed is not None:
            return
        line.subscribed = monotonic()
        if not self._clock.released:
            self._clock.release()
            if self._unshifted is not None:
                self.source, self.now_us = shifted(self._unshifted, self._clock.offset_us), self._clock.now_us()
        if self._begun is None:
            self._begun = line.subscribed
            self._tell_time()
        self._faults.subscribed(line)

    def _play_span(self) -> None:
        now_us, span = self._clock.now_us(), None
        if now_us > self.now_us:
            view, (start_us, end_us) = self._faults.view(self.source), map(self._faults.clock_us, (self.now_us, now_us))
            span = Slice(view, end_us, start_us, {})
            self.now_us = now_us
        for line in list(self._lines.values()):
            if line.frozen or self._faults.withholds_data(line):
                continue
            pieces = [] if span is None else [Piece(frame) for frame in line.session.push(span)]
            self._send_data(line, self._faults.data(line, pieces, span))
        self.is_ended = self.is_ended or self._clock.is_end(now_us)

    def _send_data(self, line: Line, pieces: Sequence[Piece]) -> None:
        start = 0
        for place, piece in enumerate(pieces):
            if piece.binary != pieces[start].binary:
                self._say(line, [each.frame for each in pieces[start:place]], binary=pieces[start].binary)
                start = place
        if pieces:
            self._say(line, [each.frame for each in pieces[start:]], binary=pieces[start].binary)

    def _say(self, line: Line, frames: Sequence[bytes], *, binary: bool = False) -> None:
        if frames:
            self._do(Send(line.number, frames, binary))

    def _do(self, deed: Deed) -> None:
        """Let something be done to a client, after what is to be done to it already."""
        line = self._lines.get(deed.client)
        if line is None or (line.frozen and not isinstance(deed, Close | Cut | HangUp)):
            return
        if isinstance(deed, Close | Cut | HangUp):
            self._deeds.append(deed)
            self.gone(line.number)
            return
        if isinstance(deed, Freeze):
            line.frozen = True
            line.late.clear()
        if isinstance(deed, Send):
            now, seconds = monotonic(), self._faults.delay(line)
            line.active = now
            if seconds or line.late:
                line.late.append((now + seconds, deed))
                return
        self._deeds.append(deed)

    def _keep(self, line: Line, now: float) -> None:
        """Say what is late, ping, and close who is silent: what a connection asks for while nothing happens."""
        while line.late and line.late[0][0] <= now:
            self._deeds.append(line.late.popleft()[1])
        if line.frozen:
            return
        limit = line.session.idle_seconds
        if limit is not None and now - line.active > limit:
            self._do(Close(line.number, *line.session.idle_close))
        elif line.pinged is not None and now - line.pinged > _PONG_SECONDS:
            self._do(Close(line.number, 1008, "Pong timeout"))
        elif line.ping_at is not None and now >= line.ping_at and line.session.ping_seconds is not None:
            line.ping_at = now + line.session.ping_seconds
            line.pinged = now if line.pinged is None else line.pinged
            self._do(Ping(line.number))

    def _taken(self) -> list[Deed]:
        deeds, self._deeds = self._deeds, []
        return deeds
