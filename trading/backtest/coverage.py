"""Coverage: how much of the window of a backtest is known, and where its holes are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from market.clock import isoformat
from market.errors import PlatformError
from market.timeframe import Timeframe
from market.window import Window, united
from trading.backtest.market import completeness
from trading.frames import column, timestamps_us

if TYPE_CHECKING:
    import pandas as pd

_TOLD = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What is known of one symbol over a window.

    Attributes:
        symbol: `EXCHANGE:BASE-QUOTE`.
        timeframe: Width of the candles.
        window: What was asked for; where nothing was, from its first candle that does not lack trades to the last of any.
        expected: Candles that the window has.
        present: Those that are there, and not known to lack trades.
        incomplete: Those that are there and known to lack trades; they count as not there.
        unproven: Those of which the venue's ids prove nothing, or nobody looked; they count as there.
        without_trades: Those in which nobody traded; that is no hole.
        holes: What is missing or incomplete, oldest first.
    """

    symbol: str
    timeframe: Timeframe
    window: Window
    expected: int
    present: int
    incomplete: int
    unproven: int
    without_trades: int
    holes: tuple[Window, ...]

    @property
    def missing(self) -> int:
        """Candles of which there is nothing at all."""
        return self.expected - self.present - self.incomplete

    def bars(self, hole: Window) -> int:
        """Return how many candles a hole has."""
        return hole.width_us // self.timeframe.width_us


class HolesError(PlatformError):
    """Raised when a backtest would run over holes and nobody allowed it.

    Attributes:
        coverage: Of the symbols that have holes.
    """

    def __init__(self, coverage: Sequence[Coverage]) -> None:
        super().__init__(
            "; ".join(map(_told, coverage))
            + "; or allow holes (--allow-holes): nothing is held over one, and trades that touch one are marked"
        )
        self.coverage = tuple(coverage)


def coverage_of(
    frames: Mapping[str, "pd.DataFrame"], timeframe: Timeframe, *, start_us: int | None = None, end_us: int | None = None
) -> list[Coverage]:
    """Return the coverage of each symbol.

    Args:
        frames: By symbol; see `trading.backtest.market.market_of`.
        timeframe: Width of the candles.
        start_us: Where the window begins, UTC epoch microseconds; None for the first candle of each symbol that does not lack
            trades: a feed mostly begins within one.
        end_us: Where it ends; None for the last one of any symbol, so that a symbol that ends earlier has a hole there.
    """
    if end_us is None and len(frames) > 1:
        end_us = max(int(timestamps_us(frame)[-1:].max(initial=0)) for frame in frames.values())
    return [_coverage(symbol, frame, timeframe, start_us, end_us) for symbol, frame in frames.items()]


def refuse_holes(coverage: Iterable[Coverage]) -> None:
    """Refuse a window that is not known from end to end.

    Raises:
        HolesError: If a symbol has a hole; it says where, and what to do.
    """
    with_holes = [each for each in coverage if each.holes]
    if with_holes:
        raise HolesError(with_holes)


def _coverage(symbol: str, frame: "pd.DataFrame", timeframe: Timeframe, start_us: int | None, end_us: int | None) -> Coverage:
    stamps, width, standing = timestamps_us(frame), timeframe.width_us, completeness(frame)
    begun = stamps[int(np.argmax(standing != 0))] - width if len(stamps) else 0  # a feed mostly begins within a candle
    first = begun if start_us is None and len(stamps) else timeframe.open_of((start_us or 0) + width - 1)
    last = stamps[-1] if end_us is None and len(stamps) else timeframe.open_of(end_us or 0)
    window = Window(int(first), max(int(first), int(last)))
    within = (stamps > window.start_us) & (stamps <= window.end_us)
    stamps, standing = stamps[within], standing[within]
    volume = column(frame, "volume")[within]
    known = stamps[standing != 0]
    edges = np.concatenate([[window.start_us], known, [window.end_us + width]])
    before = np.flatnonzero(np.diff(edges) != width)
    holes = [Window(int(edges[place]), int(edges[place + 1]) - width) for place in before.tolist()]
    return Coverage(
        symbol=symbol, timeframe=timeframe, window=window, expected=window.width_us // width, present=len(known),
        incomplete=int((standing == 0).sum()), unproven=int((standing < 0).sum()),
        without_trades=int((volume[standing != 0] == 0.0).sum()), holes=tuple(united(holes)),
    )  # fmt: skip


def _told(coverage: Coverage) -> str:
    lacking, width = coverage.expected - coverage.present, coverage.timeframe
    holes = [f"{isoformat(hole.start_us)} to {isoformat(hole.end_us)} ({coverage.bars(hole):,})" for hole in coverage.holes[:_TOLD]]
    more = f" and {len(coverage.holes) - _TOLD:,} more" if len(coverage.holes) > _TOLD else ""
    start, end = isoformat(coverage.holes[0].start_us), isoformat(coverage.holes[-1].end_us)
    return (
        f"{coverage.symbol} lacks {lacking:,} of {coverage.expected:,} candles of {width}: {', '.join(holes)}{more}; fetch them "
        f"with `tcpdash backfill {coverage.symbol} --from {start} --to {end}`, or choose another window"
    )
