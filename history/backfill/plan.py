"""Which pages to ask for: missing windows in pieces that one answer holds. Pure."""

from collections.abc import Sequence

import msgspec

from market.timeframe import Timeframe
from market.window import Window


class Page(msgspec.Struct, frozen=True):
    """What one question asks for.

    Attributes:
        window: From its first missing candle to its last one; candles between them may be stored.
        missing: How many candles of it are missing.
    """

    window: Window
    missing: int


def pages_of(missing: Sequence[Window], width_us: int, size: int) -> list[Page]:
    """Return the pages that hold all of some windows, newest first.

    As many windows as one answer holds share a page: many small holes cost no more than their span does.

    Args:
        missing: Windows that share no moment, each of whole candles.
        width_us: Width of a candle.
        size: Most candles in an answer.
    """
    rest, pages = sorted(missing), []
    while rest:
        end_us = start_us = rest[-1].end_us
        floor_us, count = end_us - size * width_us, 0
        while rest and rest[-1].end_us > floor_us:
            window = rest.pop()
            start_us = max(window.start_us, floor_us)
            count += (window.end_us - start_us) // width_us
            if start_us > window.start_us:
                rest.append(Window(window.start_us, start_us))
        pages.append(Page(Window(start_us, end_us), count))
    return pages


def whole_spans(timeframe: Timeframe, start_us: int, end_us: int) -> Window:
    """Return the window of the candles that lie whole between two moments; it may be empty."""
    first_us = timeframe.close_of(start_us - 1)
    return Window(first_us, max(first_us, timeframe.open_of(end_us)))


def candles_in(windows: Sequence[Window], timeframe: Timeframe) -> int:
    """Return how many candles some windows have room for."""
    return sum(window.width_us for window in windows) // timeframe.width_us
