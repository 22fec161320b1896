"""One client's websocket connection, pure: what it says comes in, what it is to be told goes out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from replay.bars import Bar, Interval
from replay.source import Frame, Market, Slice


class Session(ABC):
    """A connection as one venue treats it.

    Attributes:
        venue: Whose protocol it speaks: the name of its module in upper case, unless the class says otherwise.
        ping_seconds: How often the venue pings, None when it leaves that to the client.
        idle_seconds: Silence in both directions after which the venue closes, None for never.
        idle_close: Code and reason of that close.
        slow_close: Code and reason of the close when the client reads too slowly.
    """

    venue: ClassVar[str] = ""
    ping_seconds: ClassVar[float | None] = None
    idle_seconds: ClassVar[float | None] = None
    idle_close: ClassVar[tuple[int, str]] = (1000, "")
    slow_close: ClassVar[tuple[int, str]] = (1008, "slow consumer")

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if not cls.venue:
            cls.venue = cls.__module__.rpartition(".")[2].upper()

    @property
    @abstractmethod
    def listening(self) -> bool:
        """Whether the client has subscribed to anything."""

    @abstractmethod
    def receive(self, message: str | bytes, market: Market) -> list[bytes]:
        """Return the answers to a message."""

    @abstractmethod
    def push(self, span: Slice) -> list[bytes]:
        """Return what the client is told of the span that was just played."""

    def beat(self, market: Market, now: float) -> list[bytes]:  # noqa: ARG002
        """Return the heartbeats that are due, also while the market stands still; `now` are seconds of a monotonic clock."""
        return []


class BarFeed:
    """A candle channel of one symbol: at most one push in `pace_us` while a bar forms, and one when it closes."""

    def __init__(self, symbol: str, interval: Interval, pace_us: int) -> None:
        self.symbol, self.interval, self._pace_us = symbol, interval, pace_us
        self._due_us = 0
        self._last: Bar | None = None

    def due(self, market: Market) -> list[tuple[Bar, bool]]:
        """Return the bars to push, oldest first, each with whether it is closed."""
        if market.now_us < self._due_us:
            return []
        since_us = self._last.open_us if self._last else self.interval.open_of(market.now_us)
        bars = market.source.bars(self.symbol, self.interval, since_us, market.now_us + 1, market.now_us)
        self._due_us = market.now_us + self._pace_us
        if not bars:
            return []
        self._due_us = min(self._due_us, self.interval.next_open(bars[-1].open_us))
        last, self._last = self._last, bars[-1]
        return [(bar, True) for bar in bars[:-1]] + [(bar, False) for bar in bars[-1:] if bar != last]


def in_order(lists: Sequence[list[Frame]]) -> list[bytes]:
    """Return the frames of several subscriptions in the order in which they are played."""
    filled = [each for each in lists if each]
    if len(filled) == 1:
        return [frame for _, _, frame in filled[0]]
    return [frame for _, _, frame in sorted((frame for each in filled for frame in each), key=lambda frame: frame[:2])]
