"""A line to a venue, kept for ever: renewed before it ends, opened again when it broke. What happens comes out as values."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

import msgspec
from websockets.exceptions import ConnectionClosed, WebSocketException

from exchanges.base import DataProvider, KeepAlive, Parsed
from market.clock import monotonic
from streaming.backoff import Backoff
from streaming.line import Dead, Dial, Line, dial

logger = logging.getLogger(__name__)

_ENDS = (ConnectionClosed, Dead, OSError, WebSocketException, ValueError)  # the last: a redirect to an address that is none
_BEFORE_THE_END = 600.0
_FIRST_DATA = 20.0
_OVERLAP = 1.0
_NEXT_TRY = 15.0
_LEAST_LIFE = 5.0


class Connected(msgspec.Struct, frozen=True):
    """A line is open and the subscriptions are sent.

    Attributes:
        tape: What the source says its data is: `recorded`, `shifted` or `synthetic` for a local exchange; empty for a venue.
        renewed: Whether it took the place of one that still delivered: nothing was missed.
    """

    tape: str = ""
    renewed: bool = False


class Received(msgspec.Struct, frozen=True):
    """Frames that arrived together.

    Attributes:
        parsed: What they say.
        received_us: The local time of their receipt, UTC epoch microseconds.
        skipped: Frames before them that the venue numbered and that never came.
    """

    parsed: Parsed
    received_us: int
    skipped: int = 0


class Disconnected(msgspec.Struct, frozen=True):
    """The line is gone, or never was. Trades may be missed from here to the next `Received`.

    Attributes:
        reason: What happened, in words.
        wait: Seconds to the next attempt.
        reached: Whether there was a line at all.
    """

    reason: str
    wait: float
    reached: bool


Event = Connected | Received | Disconnected


class Connection:
    """Keeps one line to one venue. It never gives up; only cancelling ends it.

    A line that has to end, by the venue's rule or notice or because its data stopped, is renewed: a second one is opened
    and subscribed, and takes over once it delivers. Until then the first one is listened to, and what the second one
    delivers waits; so no trade is missed, and none comes before its predecessor.

    Args:
        provider: The venue, with the symbols to follow.
        keep_alive: Other deadlines than the venue's, for tests.
        backoff: Other waits than usual.
        sleep: What waits between attempts.
        dial: Opens websockets; the simulation has its own.
        overlap: Seconds for which both lines are listened to once the second one delivers.

    Attributes:
        url: Where it connects.
        opened: Lines opened so far.
    """

    def __init__(
        self,
        provider: DataProvider,
        *,
        keep_alive: KeepAlive | None = None,
        backoff: Backoff | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        dial: Dial = dial,
        overlap: float = _OVERLAP,
    ) -> None:
        self._provider = provider
        self.url = provider.endpoints.stream.rstrip("/") + provider.stream_path()
        self._rules = keep_alive or provider.keep_alive
        self._backoff = backoff or Backoff()
        self._sleep, self._dial, self._overlap = sleep, dial, overlap
        self._line: Line | None = None
        self._next: asyncio.Task[_Successor | None] | None = None
        self._renew_at = float("inf")
        self._renewed_at = self._delivered_at = float("-inf")
        self._reached = self._hurry = False
        self._coming: Line | None = None
        self.opened = 0

    def renew(self, reason: str) -> None:
        """Open a second line that takes over once it delivers; nothing happens if one is under way or there is no first one.

        Nor if the last time was less than five seconds ago: who announces an end on every line must not be asked for ever more.
        """
        if monotonic() >= self._renewed_at + _LEAST_LIFE:
            self._renewed_at = monotonic()
            self._begin_renewal(reason)

    def _begin_renewal(self, reason: str) -> None:
        if self._line is not None and self._next is None:
            logger.info("renewing venue=%s reason=%s", self._provider.name, reason)
            self._next = asyncio.create_task(self._prepare(), name="renew")

    def subscribe(self, symbols: Sequence[str]) -> None:
        """Ask once more for some symbols, on the line there is."""
        if self._line is not None:
            for frame in self._provider.subscribe(symbols):
                self._line.say(frame)

    async def events(self) -> AsyncGenerator[Event]:
        """Yield what happens, for ever."""
        try:
            while True:
                self._reached, reason = self._line is not None, "the connection ended"
                try:
                    async with aclosing(self._life()) as life:
                        async for event in life:
                            yield event
                except _ENDS as error:
                    reason = _words(error)
                await self._drop_line()
                wait = 0.0 if self._next is not None else self._backoff.next()
                yield Disconnected(reason, wait, self._reached)
                if (successor := await self._inherit()) is not None:
                    for event in self._adopt(successor, renewed=False):
                        yield event
                await self._sleep(wait)
        finally:
            await self._drop()

    async def _life(self) -> AsyncGenerator[Event]:
        if self._line is None:
            self._line = await self._open()
            self._reached = True
            yield Connected(self._line.tape)
            await self._line.begin(self._provider.subscribe())
        while True:
            for event in await self._step(self._line):
                yield event

    async def _open(self) -> Line:
        socket, tape = await self._dial(self.url)
        self.opened += 1
        line = Line(self._provider, self._rules, socket, tape)
        if self._rules.life is not None:
            self._renew_in(self._rules.life - min(_BEFORE_THE_END, self._rules.life / 4), line)
        return line

    def _renew_in(self, seconds: float, line: Line) -> None:
        self._renew_at = monotonic() + seconds
        asyncio.get_running_loop().call_later(seconds, line.poke)

    async def _step(self, line: Line) -> list[Event]:
        taken = await line.take()
        events = self._received(line, taken)
        if monotonic() >= self._renew_at:
            self._renew_at = float("inf")
            self._begin_renewal("it is old enough")
        if self._next is not None and self._next.done():
            events += await self._hand_over(line, self._next.result())
        return events

    def _received(self, line: Line, taken: tuple[Parsed, int] | None) -> list[Event]:
        if taken is None:
            return []
        parsed, received_us = taken
        if parsed.trades:
            self._delivered_at = monotonic()
            self._backoff.good(self._delivered_at)
        skipped, line.skipped = line.skipped, 0
        return [Received(parsed, received_us, skipped)]

    # -- a successor ---------------------------------------------------------------------------------------------

    async def _prepare(self) -> "_Successor | None":
        # Returns a line that delivers, and what it delivered; None when it could not be had.
        old = self._line
        try:
            line = await self._open()
        except _ENDS as error:
            self._gave_up(old, error)
            return None
        try:
            await line.begin(self._provider.subscribe())
            held = await self._listen(line)
        except _ENDS as error:
            await line.end()
            self._gave_up(old, error)
            return None
        except BaseException:
            await line.end()
            raise
        if old is not None:  # the one who listens to it may wait for its next frame; it looks at us after this
            asyncio.get_running_loop().call_soon(old.poke)
        return _Successor(line, held)

    async def _listen(self, line: Line) -> list[tuple[Parsed, int]]:
        # Until it delivers, and a little longer: what it did not get any more has to come over the first line.
        held: list[tuple[Parsed, int]] = []
        life = self._rules.life
        until = monotonic() + (_FIRST_DATA if life is None else min(_FIRST_DATA, life / 8))
        delivers = False
        self._coming = line
        while (left := until - monotonic()) > 0 and not self._hurry:
            try:
                async with asyncio.timeout(left):
                    taken = await line.take()
            except TimeoutError:
                break  # of quiet symbols it is as good as the first one
            held += [taken] if taken is not None else []
            if not delivers and taken is not None and taken[0].trades:
                delivers, until = True, monotonic() + self._overlap
        return held

    def _gave_up(self, old: Line | None, error: Exception) -> None:
        logger.warning("no second line venue=%s reason=%s", self._provider.name, _words(error))
        if old is not None:
            self._renew_in(_NEXT_TRY, old)
            asyncio.get_running_loop().call_soon(old.poke)

    async def _hand_over(self, old: Line, successor: "_Successor | None") -> list[Event]:
        self._next = None
        if successor is None:
            return []
        if self._delivered_at > successor.line.opened_at and not any(parsed.trades for parsed, _ in successor.held):
            await successor.line.end()  # it is deaf, and the first one is not
            self._renew_in(_NEXT_TRY, old)
            return []
        events = self._received(old, old.drain()) + self._adopt(successor, renewed=True)
        await old.end()
        return events

    def _adopt(self, successor: "_Successor", *, renewed: bool) -> list[Event]:
        self._line = successor.line
        events: list[Event] = [Connected(successor.line.tape, renewed)]
        for taken in successor.held:
            events += self._received(successor.line, taken)
        return events

    async def _inherit(self) -> "_Successor | None":
        # When the first line breaks while its successor is on the way, that one need not deliver before it takes over.
        if self._next is None:
            return None
        self._hurry = True
        if self._coming is not None:
            self._coming.poke()
        successor, self._next, self._hurry = await self._next, None, False
        return successor

    async def _drop_line(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.end()

    async def _drop(self) -> None:
        await self._drop_line()
        following, self._next = self._next, None
        if following is not None:
            following.cancel()
            await asyncio.wait([following])
            if not following.cancelled() and following.exception() is None and (successor := following.result()) is not None:
                await successor.line.end()


class _Successor(msgspec.Struct):
    line: Line
    held: list[tuple[Parsed, int]]


def _words(error: Exception) -> str:
    return f"closed: {error}" if isinstance(error, ConnectionClosed) else str(error) or type(error).__name__
