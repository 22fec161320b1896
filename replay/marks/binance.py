"""Marks Binance frames."""

from sys import intern

import msgspec

from exchanges.binance import Binance
from replay.marks.mark import Mark, split_wire


class _Event(msgspec.Struct):
    e: str
    s: str
    a: int = 0
    M: bool | None = None


class _Combined(msgspec.Struct):
    data: _Event


_combined = msgspec.json.Decoder(_Combined).decode
_event = msgspec.json.Decoder(_Event).decode


def mark_of(frame: bytes) -> Mark | None:
    """Return what a Binance frame is, combined or raw."""
    try:
        event = _combined(frame).data
    except msgspec.ValidationError:
        try:
            event = _event(frame)
        except msgspec.ValidationError:
            return None
    if event.e not in Binance.channels:
        return None
    # Only spot frames have "M"; a futures symbol is spelled like a spot one.
    pair = split_wire(event.s) if event.M is not None else None
    return Mark(Binance.name, intern(event.e), intern(event.s), pair, event.a if event.e == "aggTrade" else 0)
