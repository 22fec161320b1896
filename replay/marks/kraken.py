"""Marks Kraken frames: of the spot websocket, version 2; those of version 1 and of futures are known and left out."""

from sys import intern
from typing import Any, Literal

import msgspec

from exchanges.base import BAD_JSON
from exchanges.kraken import Kraken
from replay.marks.mark import Mark

_CHANNEL = Kraken.channels[0]
_NO_IDS = "trades of Kraken's websocket v1 have no ids, so that nothing proves them complete; record wss://ws.kraken.com/v2"


class _Row(msgspec.Struct):
    symbol: str


class _Push(msgspec.Struct, tag_field="channel", tag=_CHANNEL):
    # {"channel":"trade","type":"update","data":[{"symbol":"BTC/USD",…}]}
    type: str
    data: list[_Row]


class _Futures(msgspec.Struct):
    # {"feed":"trade","product_id":"PI_XBTUSD",…}
    feed: Literal["trade", "trade_snapshot"]
    product_id: str


class _Parts(msgspec.Struct, tag_field="channel", tag=_CHANNEL):
    type: str
    data: list[msgspec.Raw]


# [321,[["57126.70000","0.02063928","1616333924.737428","b","m",""]],"trade","XBT/USD"]
_First = tuple[int, list[Any], Literal["trade"], str]

_push = msgspec.json.Decoder(_Push).decode
_futures = msgspec.json.Decoder(_Futures).decode
_first = msgspec.json.Decoder(_First).decode
_parts = msgspec.json.Decoder(_Parts).decode
_row = msgspec.json.Decoder(_Row).decode


def mark_of(frame: bytes) -> Mark | None:
    """Return what a Kraken frame is; the pair is None for contracts and for the first protocol."""
    if frame[:1] == b"[":
        return _mark_of_first(frame)
    if b'"trade' not in frame:
        return None
    try:
        push = _push(frame)
    except msgspec.ValidationError:
        return _mark_of_futures(frame)
    if not push.data:
        return None
    wire = push.data[0].symbol
    pair = wire.replace("/", "-") if wire.count("/") == 1 else None
    return Mark(Kraken.name, _CHANNEL, intern(wire), pair, past=push.type == "snapshot")


def _mark_of_first(frame: bytes) -> Mark | None:
    try:
        *_, wire = _first(frame)
    except msgspec.ValidationError:
        return None
    return Mark(Kraken.name, _CHANNEL, intern(wire), None, why=_NO_IDS)


def _mark_of_futures(frame: bytes) -> Mark | None:
    try:
        return Mark(Kraken.name, _CHANNEL, intern(_futures(frame).product_id), None)
    except msgspec.ValidationError:
        return None


def parts_of(frame: bytes) -> list[bytes]:
    """Return a frame with trades of several symbols as one for each, its rows byte for byte; any other frame as it is."""
    if b'"trade"' not in frame or frame.count(b'"symbol"') < 2:
        return [frame]
    try:
        push, rows = _parts(frame), dict[str, list[bytes]]()
        for raw in push.data:
            rows.setdefault(_row(raw).symbol, []).append(bytes(raw))
    except BAD_JSON:
        return [frame]
    head = b'{"channel":"trade","type":%s,"data":[' % msgspec.json.encode(push.type)
    return [frame] if len(rows) < 2 else [head + b",".join(of_one) + b"]}" for of_one in rows.values()]
