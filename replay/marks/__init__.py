"""What a recorded frame is: of which venue, channel and symbol. One file a venue; the first that knows the frame answers."""

from collections.abc import Callable

from replay.marks import binance, okx
from replay.marks.mark import Mark

MARKERS: tuple[Callable[[bytes], Mark | None], ...] = (okx.mark_of, binance.mark_of)

__all__ = ["Mark", "mark_of"]


def mark_of(frame: bytes) -> Mark | None:
    """Return what a frame is, None when it carries no trades of a venue we know.

    Raises:
        msgspec.DecodeError: If it is no JSON at all; UnicodeDecodeError likewise.
    """
    for marker in MARKERS:
        mark = marker(frame)
        if mark is not None:
            return mark
    return None
