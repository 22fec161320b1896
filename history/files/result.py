"""What came of a file that was loaded."""

from dataclasses import dataclass, field

from history.files.plan import Plan
from market.window import Window

SHOWN = 10
"""So many bad rows and differences are named."""

MOST_GAPS = 1_000
"""So many gaps are named; all are counted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A candle of which the store says something else than the file; the store's stays.

    Attributes:
        timestamp_us: Its close.
        stored: Open, high, low, close and volume of the store.
        read: The same of the file.
    """

    timestamp_us: int
    stored: tuple[float, ...]
    read: tuple[float, ...]


@dataclass(slots=True, kw_only=True)
class Loaded:
    """What came of a file.

    Attributes:
        plan: What it was taken for.
        rows: Rows read.
        candles: Good ones among them, each time counted once.
        stored: Candles added, or put in the place of others; None in a dry run.
        different: Candles of which the store has other numbers, and keeps them.
        differences: The first of them.
        repeated: Rows that repeat another one.
        empty: Rows without a price, left out.
        forming: Rows of candles that are not over, left out.
        span: Where the first candle opens and the last one closes.
        gaps: Where candles are missing in between: from the open of the first missing one to the close of the last; of very
            many the first.
        gap_count: How many gaps there are.
        missing: How many candles are missing in them.
    """

    plan: Plan
    rows: int = 0
    candles: int = 0
    stored: int | None = None
    different: int = 0
    differences: list[Difference] = field(default_factory=list)
    repeated: int = 0
    empty: int = 0
    forming: int = 0
    span: Window | None = None
    gaps: list[Window] = field(default_factory=list)
    gap_count: int = 0
    missing: int = 0

    @property
    def unchanged(self) -> int | None:
        """Candles that the store had already; None in a dry run."""
        return None if self.stored is None else self.candles - self.stored
