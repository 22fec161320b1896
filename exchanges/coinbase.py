"""Coinbase's two feeds on the wire, Exchange and Advanced Trade: what to send, and what their frames mean.

Sources: Coinbase Exchange documentation, "WebSocket Channels", "WebSocket Errors", "WebSocket Rate Limits"; Coinbase Advanced
Trade documentation, "WebSocket Overview", "WebSocket Channels", AsyncAPI file.
"""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import ClassVar, Literal

import msgspec

from exchanges import base
from exchanges.coinbase_rest import TAKER, CoinbaseHistory, book_of, moment_of
from market.trade import Trade

_PRODUCTS_PER_REQUEST = 100
_PRODUCT = re.compile(r"\w+-\w+", re.ASCII)
_NUMBERED = b'"sequence_num"'  # every frame of Advanced Trade has one, and none of Exchange
_OTHER_TYPES = {
    "status", "ticker", "snapshot", "l2update", "level3", "received", "open", "done", "change", "activate", "auction", "balance",
    "rfq_match",
}  # fmt: skip
_OTHER_CHANNELS = {"candles", "status", "ticker", "ticker_batch", "l2_data", "user", "futures_balance_summary"}


class _Match(msgspec.Struct, tag_field="type", tag="match", gc=False):
    # {"type":"match","trade_id":10,"sequence":50,"maker_order_id":"…","taker_order_id":"…","time":"2026-01-07T08:19:27.028459Z",
    #  "product_id":"BTC-USD","size":"5.23","price":"400.23","side":"sell"}
    trade_id: base.TradeId
    product_id: str
    size: base.Positive
    price: base.Positive
    side: Literal["buy", "sell"]
    time: str


class _LastMatch(_Match, tag="last_match", gc=False):
    # the last trade before the subscription, once for each product
    pass


class _Heartbeat(msgspec.Struct, tag_field="type", tag="heartbeat", gc=False):
    # {"type":"heartbeat","sequence":90,"last_trade_id":20,"product_id":"BTC-USD","time":"2026-01-07T08:19:28.464459Z"}
    product_id: str
    last_trade_id: base.TradeId = 0
    time: str = ""


class _Subscriptions(msgspec.Struct, tag_field="type", tag="subscriptions"):
    # {"type":"subscriptions","channels":[{"name":"matches","product_ids":["BTC-USD"]},…]}
    channels: list[msgspec.Raw]


class _Error(msgspec.Struct, tag_field="type", tag="error"):
    # {"type":"error","message":"Failed to subscribe","reason":"FOO-BAR is not a valid product"}   Advanced Trade gives no reason
    message: str = ""
    reason: str = ""


class _Typed(msgspec.Struct):
    type: str
    product_id: str = ""


class _MarketTrade(msgspec.Struct, gc=False):
    # {"product_id":"BTC-USD","trade_id":"1068572090","price":"65083.67","size":"0.002186","time":"2026-08-09T21:05:42.514318Z",
    #  "side":"SELL"}
    product_id: str
    trade_id: base.TradeId
    price: base.Positive
    size: base.Positive
    time: str
    side: Literal["BUY", "SELL"]


class _Event(msgspec.Struct):
    type: Literal["snapshot", "update"]
    trades: list[_MarketTrade]


class _MarketTrades(msgspec.Struct, tag_field="channel", tag="market_trades"):
    # {"channel":"market_trades","timestamp":"2026-08-09T21:05:48.251397169Z","sequence_num":9,"events":[{"type":"update",…}]}
    sequence_num: base.TradeId
    events: list[_Event]


class _Channel(msgspec.Struct):
    # {"channel":"heartbeats","timestamp":"…","sequence_num":35,"events":[{"current_time":"…","heartbeat_counter":41691}]}
    channel: str
    sequence_num: base.TradeId
    events: list[msgspec.Raw]


class _Sequence(msgspec.Struct):
    sequence_num: base.TradeId


_exchange = msgspec.json.Decoder(_Match | _LastMatch | _Heartbeat | _Subscriptions | _Error, strict=False).decode
_typed = msgspec.json.Decoder(_Typed)
_advanced = msgspec.json.Decoder(_MarketTrades, strict=False).decode
_channel = msgspec.json.Decoder(_Channel).decode
_sequence = msgspec.json.Decoder(_Sequence).decode


class Coinbase(CoinbaseHistory):
    """Coinbase spot. Channel `matches` is Coinbase Exchange's feed, `market_trades` that of Coinbase Advanced Trade.

    Both send each fill, under the same numbers. Advanced Trade counts all frames of a connection, which proves that none was
    lost; Exchange tells the newest trade of each product every second.
    """

    name: ClassVar[str] = "COINBASE"
    home: ClassVar[base.Endpoints] = base.Endpoints("wss://ws-feed.exchange.coinbase.com", "https://api.exchange.coinbase.com")
    channels: ClassVar[tuple[str, ...]] = ("matches", "market_trades")
    # Both feeds are asked for a heartbeat each second.
    keep_alive: ClassVar[base.KeepAlive] = base.KeepAlive(silence=10.0)

    def __init__(self, symbols: Iterable[str] = (), *, channel: str | None = None, endpoints: base.Endpoints | None = None) -> None:
        super().__init__(symbols, channel=channel, endpoints=endpoints)
        self._by_book: dict[str, list[str]] = {}
        for wire, symbol in self._by_wire.items():
            for name in {wire, book_of(wire)}:
                self._by_book.setdefault(name, []).append(symbol)

    @classmethod
    def home_of(cls, channel: str) -> base.Endpoints:
        """Return the venue's own public addresses for a channel; history is in one place for both."""
        if channel == "market_trades":
            return base.Endpoints("wss://advanced-trade-ws.coinbase.com", cls.home.rest)
        return cls.home

    def stream_path(self) -> str:
        """Return the path of both feeds."""
        return "/"

    def subscribe(self, symbols: Sequence[str] | None = None) -> Sequence[str]:
        """Return subscribe requests of at most 100 products each, and of the heartbeats; Advanced Trade takes one channel each."""
        wires = [self.wire_symbol(symbol) for symbol in symbols or self.symbols]
        requests: list[dict[str, object]] = []
        for piece in base.pieces(wires, _PRODUCTS_PER_REQUEST):
            channel = {"channel": "market_trades"} if self.channel == "market_trades" else {"channels": ["matches", "heartbeat"]}
            requests.append({"type": "subscribe", "product_ids": piece, **channel})
        if wires and self.channel == "market_trades":
            requests.append({"type": "subscribe", "channel": "heartbeats"})
        return [msgspec.json.encode(request).decode() for request in requests]

    def parse(self, frame: bytes, received_us: int) -> list[Trade] | base.Control:
        """Return the trades of a frame of either feed, or what else it says."""
        return self._parse_advanced(frame, received_us) if _NUMBERED in frame else self._parse_exchange(frame, received_us)

    def _parse_into(self, parsed: base.Parsed, frame: bytes, received_us: int) -> None:
        super()._parse_into(parsed, frame, received_us)
        if _NUMBERED in frame:  # also of a frame that is refused: it was not lost
            with suppress(*base.BAD_JSON):
                parsed.numbers.append(_sequence(frame).sequence_num)

    def _parse_exchange(self, frame: bytes, received_us: int) -> list[Trade] | base.Control:
        try:
            found = _exchange(frame)
        except base.BAD_JSON:
            return self._parse_other_type(frame)
        try:
            if not isinstance(found, _Match):
                return self._control(found)
            symbol, moment_us = self._by_wire[found.product_id], moment_of(found.time)
        except (KeyError, ValueError) as error:
            raise self.wire_error(frame) from error
        return [Trade(symbol, found.trade_id, found.price, found.size, TAKER[found.side], moment_us, received_us)]

    def _control(self, found: _Heartbeat | _Subscriptions | _Error) -> base.Control:
        if isinstance(found, _Subscriptions):  # it lists all subscriptions of the connection
            return base.Control(base.ControlKind.SUBSCRIBED)
        if isinstance(found, _Error):
            words = ": ".join(part for part in (found.message, found.reason) if part)
            return base.Control(base.ControlKind.REFUSED, self._named_in(words), message=words)
        symbol = self._by_wire.get(found.product_id)
        if symbol is None or not found.last_trade_id:  # a zero says nothing: for long it was sent whatever had been traded
            return base.Control(base.ControlKind.HEARTBEAT, symbol)
        at_us = moment_of(found.time) if found.time else 0
        return base.Control(base.ControlKind.HEARTBEAT, symbol, newest_id=found.last_trade_id, at_us=at_us)

    def _parse_other_type(self, frame: bytes) -> base.Control:
        other = self.decode(_typed, frame)
        if other.type not in _OTHER_TYPES:  # or a match that is none: zero, NaN, a missing field
            raise self.wire_error(frame)
        return base.Control(base.ControlKind.OTHER, self._by_wire.get(other.product_id))

    def _parse_advanced(self, frame: bytes, received_us: int) -> list[Trade] | base.Control:
        try:
            events = _advanced(frame).events
        except base.BAD_JSON:
            return self._parse_other_channel(frame, received_us)
        try:
            return [
                Trade(symbol, row.trade_id, row.price, row.size, TAKER[row.side], moment_of(row.time), received_us)
                for event in events
                for row in reversed(event.trades)  # newest first on the wire
                for symbol in self._by_book[row.product_id]
            ]
        except (KeyError, ValueError) as error:
            raise self.wire_error(frame) from error

    def _parse_other_channel(self, frame: bytes, received_us: int) -> list[Trade] | base.Control:
        try:
            channel = _channel(frame).channel
        except base.BAD_JSON:
            return self._parse_exchange(frame, received_us)  # an error has a type and no channel on both feeds
        if channel == "heartbeats":
            return base.Control(base.ControlKind.HEARTBEAT)
        if channel == "subscriptions":
            return base.Control(base.ControlKind.SUBSCRIBED)
        if channel not in _OTHER_CHANNELS:  # or a trade that is none
            raise self.wire_error(frame)
        return base.Control(base.ControlKind.OTHER)

    def _named_in(self, words: str) -> str | None:
        named = {self._by_wire[word] for word in _PRODUCT.findall(words) if word in self._by_wire}
        return named.pop() if len(named) == 1 else None
