"""Marks Binance frames: of spot, and of USD-M perpetuals."""

from sys import intern

import msgspec

from exchanges.binance import Binance
from exchanges.binance_usdm import BinanceUsdm
from replay.marks.mark import Mark, split_wire


class _Event(msgspec.Struct):
    e: str
    s: str
    a: int = 0
    f: int = 0
    l: int = 0  # noqa: E741 - the venue's name
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
    # Only spot frames have "M"; a perpetual is spelled like a spot symbol. COIN-M contracts and those that are delivered
    # have an underscore, BTCUSD_PERP and BTCUSDT_210924, which makes no pair.
    spot, merged = event.M is not None, event.e == "aggTrade"
    return Mark(
        Binance.name if spot else BinanceUsdm.name,
        intern(event.e),
        intern(event.s),
        split_wire(event.s),
        event.a if merged else 0,
        (event.f, event.l) if merged and not spot else None,
    )
