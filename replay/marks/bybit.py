"""Marks Bybit frames."""

from functools import lru_cache
from sys import intern
from typing import Annotated

import msgspec

from exchanges.bybit import Bybit, BybitLinear
from replay.marks.mark import Mark

_CHANNEL = Bybit.channels[0]
# Of its spot pairs in August 2026. Longest first: BTCRLUSD is BTC-RLUSD; no TUSD is among them, so that USDTUSD is USDT-USD.
_QUOTES = (
    "RLUSD", "USDT", "USDC", "USDE", "USD1", "XUSD", "USD", "EUR", "GBP", "BRL", "TRY", "PLN", "AED", "BTC", "ETH", "SOL",
)  # fmt: skip


class _Row(msgspec.Struct):
    s: str
    i: str


class _Push(msgspec.Struct):
    topic: str
    data: Annotated[list[_Row], msgspec.Meta(min_length=1)]


_push = msgspec.json.Decoder(_Push).decode


def mark_of(frame: bytes) -> Mark | None:
    """Return what a Bybit v5 frame is.

    Spot and perpetuals have the same topics and spellings; a number as trade id tells spot, a UUID the others.
    """
    if b'"publicTrade.' not in frame:
        return None
    try:
        push = _push(frame)
    except msgspec.ValidationError:
        return None
    channel, _, wire = push.topic.partition(".")
    if channel != _CHANNEL:
        return None
    is_spot = push.data[0].i.isdecimal()
    venue, pair = (Bybit, _spot_pair(wire)) if is_spot else (BybitLinear, _linear_pair(wire))
    return Mark(venue.name, _CHANNEL, intern(wire), pair)


@lru_cache
def _spot_pair(wire: str) -> str | None:
    if not wire.isalnum():
        return None
    return next((f"{wire.removesuffix(quote)}-{quote}" for quote in _QUOTES if wire.endswith(quote) and wire != quote), None)


@lru_cache
def _linear_pair(wire: str) -> str | None:
    """Return the pair of a perpetual; None for a dated future and for what is paid in coin."""
    for ending, quote in (("USDT", "USDT"), ("PERP", "USDC")):
        if wire.isalnum() and wire.endswith(ending) and wire != ending:
            return f"{wire.removesuffix(ending)}-{quote}"
    return None
