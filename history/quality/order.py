"""What is to be checked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from exchanges import VENUES
from history.backfill.venue import CandleVenue
from market.timeframe import BASE, SECOND_US, Timeframe


class Suite(StrEnum):
    """Which checks."""

    CANDLES = "candles"
    TRADES = "trades"
    ALL = "all"


VenueOf = Callable[[str, Sequence[str]], CandleVenue]
"""Returns a venue by its name, for some symbols; it raises InputError if it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be checked.

    Attributes:
        symbols: `EXCHANGE:BASE-QUOTE`, of any venues; empty for all that are stored.
        timeframe: Width of the candles.
        every_width: Whether candles of all widths that are stored are checked, not only of this one.
        suite: Which checks.
        start_us: From this moment on, UTC epoch microseconds; None for the first row.
        end_us: Up to this moment; None for the newest row, which then has to be fresh.
        fresh_us: How old the newest candle may be where a worker follows the symbol, beside its width.
        kept_days: For how many days trades are kept; older ones are islands that retention left. None for ever.
        unproven: Venues that are followed over a channel whose ids prove nothing, though those of their usual one do.
        samples: How many windows are compared with the venue's own candles.
        sample_rows: How many candles each of them has at most.
    """

    symbols: tuple[str, ...] = ()
    timeframe: Timeframe = BASE
    every_width: bool = False
    suite: Suite = Suite.ALL
    start_us: int | None = None
    end_us: int | None = None
    fresh_us: int = 300 * SECOND_US
    kept_days: int | None = None
    unproven: frozenset[str] = frozenset()
    samples: int = 5
    sample_rows: int = 100

    def is_proven_by_ids(self, symbol: str) -> bool:
        """Return whether the ids of a symbol's trades rise by one, so that a jump is a hole."""
        name = symbol.partition(":")[0]
        venue = VENUES.get(name)
        return venue is not None and name not in self.unproven and venue.channels[0] not in venue.unproven
