"""Marks Coinbase frames, of Exchange and of Advanced Trade."""

from sys import intern

import msgspec

from exchanges.coinbase import Coinbase
from replay.marks.mark import Mark


class _Match(msgspec.Struct):
    type: str
    product_id: str


class _Trade(msgspec.Struct):
    product_id: str


class _Event(msgspec.Struct):
    type: str
    trades: list[_Trade]


class _MarketTrades(msgspec.Struct):
    channel: str
    events: list[_Event]


_match = msgspec.json.Decoder(_Match).decode
_market_trades = msgspec.json.Decoder(_MarketTrades).decode
_MATCHES = {"match": False, "last_match": True}
_pair = Coinbase().pair_of


def mark_of(frame: bytes) -> Mark | None:
    """Return what a Coinbase frame is; the pair is None for what is not spot, and for several products in one frame."""
    if b'"product_id"' not in frame:
        return None
    try:
        match = _match(frame)
    except msgspec.ValidationError:
        return _mark_of_advanced(frame)
    if match.type not in _MATCHES:
        return None
    return _mark("matches", match.product_id, past=_MATCHES[match.type])


def _mark_of_advanced(frame: bytes) -> Mark | None:
    try:
        push = _market_trades(frame)
    except msgspec.ValidationError:
        return None
    wires = dict.fromkeys(trade.product_id for event in push.events for trade in event.trades)
    if push.channel != "market_trades" or not wires:
        return None
    return _mark("market_trades", ",".join(wires), past=any(event.type == "snapshot" for event in push.events))


def _mark(channel: str, wire: str, *, past: bool) -> Mark:
    base, _, quote = wire.partition("-")
    spot = "-" not in quote and _pair(base, quote) == f"{Coinbase.name}:{wire}"
    return Mark(Coinbase.name, intern(channel), intern(wire), wire if spot else None, past=past)
