"""What a recorded frame is: of which venue, channel and symbol. One file a venue; the first that knows the frame answers."""

from collections.abc import Callable

from replay.marks import binance, bybit, coinbase, kraken, okx
from replay.marks.kraken import parts_of
from replay.marks.mark import Mark

MARKERS: tuple[Callable[[bytes], Mark | None], ...] = tuple(venue.mark_of for venue in (okx, binance, bybit, coinbase, kraken))

__all__ = ["Mark", "mark_of", "parts_of"]


def mark_of(frame: bytes) -> Mark | None:
    """Return what a frame is, None when it carries no trades of a venue we know.

    Raises:
        msgspec.DecodeError: If it is no JSON at all; UnicodeDecodeError likewise, and RecursionError for brackets without end.
    """
    for marker in MARKERS:
        mark = marker(frame)
        if mark is not None:
            return mark
    return None
