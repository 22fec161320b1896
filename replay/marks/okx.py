"""Marks OKX frames."""

from sys import intern

import msgspec

from exchanges.okx import OKX
from replay.marks.mark import Mark


class _Arg(msgspec.Struct):
    channel: str
    wire: str = msgspec.field(name="instId", default="")


class _Push(msgspec.Struct):
    arg: _Arg
    data: list[msgspec.Raw]


_push = msgspec.json.Decoder(_Push).decode


def mark_of(frame: bytes) -> Mark | None:
    """Return what an OKX frame is; the pair is None for what is not spot."""
    if b'"instId"' not in frame:
        return None
    try:
        push = _push(frame)
    except msgspec.ValidationError:
        return None
    if push.arg.channel not in OKX.channels:
        return None
    wire = push.arg.wire
    return Mark(OKX.name, intern(push.arg.channel), intern(wire), wire if wire.count("-") == 1 else None)
