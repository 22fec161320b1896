"""What was seen of one run from outside the worker: its lives, its lines, what they delivered, what it asked, what it said."""

from collections.abc import Iterable
from typing import Any

from exchanges.base import DataProvider
from market.candle import Candle
from market.clock import monotonic
from market.timeframe import Timeframe


class Witness:
    """Notes what passes between the workers and the exchange. Moments are virtual seconds, or UTC microseconds of the market.

    Args:
        provider: Reads the frames.

    Attributes:
        began_at: When a line subscribed for the first time: then the market begins.
        starts_us: Where the market was when each worker started, the first one not counted.
        cuts_us: Where the market was each time that a line ended.
        dials: When a line was asked for, also in vain.
        questions: Questions over REST, but those for the time; `times` counts these, while the market went on.
        delivered: The ids that arrived at a worker, by symbol.
        events: What was published on the system channel, in order.
        known: The symbols of which something was stored when the first life ended.
    """

    def __init__(self, provider: DataProvider) -> None:
        self._provider = provider
        self.began_at: float | None = None
        self.starts_us: list[int] = []
        self.cuts_us: list[int] = []
        self.dials: list[float] = []
        self.questions = self.times = 0
        self.delivered: dict[str, set[int]] = {symbol: set() for symbol in provider.symbols}
        self.events: list[dict[str, Any]] = []
        self.known: set[str] | None = None

    def dialled(self) -> None:
        """Note that a line is asked for."""
        self.dials.append(monotonic())

    def told(self) -> None:
        """Note that the exchange is told something; the first thing is a subscription."""
        if self.began_at is None:
            self.began_at = monotonic()

    def cut(self, market_us: int) -> None:
        """Note that a line ended, whoever ended it."""
        self.cuts_us.append(market_us)

    def arrived(self, frame: bytes) -> None:
        """Note a frame that a worker read."""
        for trade in self._provider.parse_all([frame], 0).trades:
            self.delivered[trade.symbol].update(range(trade.first_id, trade.trade_id + 1))

    def asked(self, path: str, *, ended: bool) -> None:
        """Note a question over REST; a market that ended has a clock that stands still, which is asked for ever."""
        if not path.lower().endswith("/time"):
            self.questions += 1
        elif not ended:
            self.times += 1

    def most_dials(self, seconds: float) -> int:
        """Return the highest number of lines asked for within some seconds."""
        return max((sum(at <= other < at + seconds for other in self.dials) for at in self.dials), default=0)


class Listener:
    """Stands where Redis is; remembers the order in which candles were published."""

    def __init__(self) -> None:
        self.candles: dict[tuple[str, Timeframe, int], list[Candle]] = {}
        self.events: list[dict[str, Any]] = []

    async def publish_candles(self, candles: Iterable[Candle]) -> None:
        """Take candles."""
        for candle in candles:
            if candle.final:
                self.candles.setdefault((candle.symbol, candle.timeframe, candle.timestamp_us), []).append(candle)

    async def publish_event(self, event: dict[str, Any]) -> None:
        """Take an event."""
        self.events.append(event)

    async def set_feeds(self, feeds: dict[str, dict[str, Any]]) -> None:
        """Take states; the events say the same."""
        del feeds

    def wrong(self) -> list[str]:
        """Return what was published in another order than it was made."""
        return [
            f"published backwards: {key}"
            for key, found in self.candles.items()
            if [each.revision for each in found] != sorted(each.revision for each in found)
        ]
