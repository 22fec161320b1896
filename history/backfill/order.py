"""What is wanted of a backfill, how far it is, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass

from market.errors import PlatformError
from market.timeframe import BASE, Timeframe

DAYS = 30
"""How far a backfill goes back where nobody says from when on."""


class OutOfReach(PlatformError):
    """Raised when a venue does not hand out what is wanted of its past; the text says what can be done instead."""


class Busy(PlatformError):
    """Raised when another process fills the same symbol and timeframe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be filled.

    Attributes:
        symbols: `EXCHANGE:BASE-QUOTE`, all of one venue.
        timeframe: Width of the candles.
        start_us: From this moment on, UTC epoch microseconds; None for `DAYS` before the end.
        end_us: Up to this moment; None for the newest closed candle.
        again: Ask also for what the venue said already that it does not have.
        trades: Fetch trades and make the candles of them, instead of fetching the venue's own candles.
        parallel: Questions under way at once.
    """

    symbols: tuple[str, ...]
    timeframe: Timeframe = BASE
    start_us: int | None = None
    end_us: int | None = None
    again: bool = False
    trades: bool = False
    parallel: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far the backfill of one symbol is.

    Attributes:
        symbol: `EXCHANGE:BASE-QUOTE`.
        timeframe: Width of the candles.
        wanted: Candles that were missing when it began.
        fetched: Of how many of them the venue was asked and answered, be it that it has none.
        stored: Rows that were added or changed.
        requests: Questions to the venue.
        conflicts: Candles that differ from ours.
        seconds: Since it began.
        waits: Why nothing happens just now; empty while something does.
    """

    symbol: str
    timeframe: Timeframe
    wanted: int
    fetched: int = 0
    stored: int = 0
    requests: int = 0
    conflicts: int = 0
    seconds: float = 0.0
    waits: str = ""

    @property
    def rate(self) -> float:
        """Candles a second so far."""
        return self.fetched / self.seconds if self.seconds > 0 else 0.0

    @property
    def left_seconds(self) -> float | None:
        """Seconds that it will still take at this rate; None before anything came."""
        return (self.wanted - self.fetched) / self.rate if self.rate else None


Progress = Callable[[Standing], None]
"""Is told after each step; it must return at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of the backfill of one symbol.

    Attributes:
        id: Its number in the table `backfills`; None where it did not begin.
        start_us: Where the time begins that was filled, UTC epoch microseconds.
        end_us: Where it ends.
        state: `done`, `failed` or `cancelled`.
        standing: How far it came.
        missing: Candles of that time that are not stored now.
        notes: Sentences for a person: what was left out, and why.
        error: Why it failed; None where it did not.
    """

    id: int | None
    start_us: int
    end_us: int
    state: str
    standing: Standing
    missing: int
    notes: tuple[str, ...] = ()
    error: PlatformError | None = None
