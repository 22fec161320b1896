"""The local exchange's Coinbase websocket: the matches of Exchange and the market_trades of Advanced Trade, with heartbeats."""

from collections.abc import Iterator
from functools import partial
from itertools import count
from typing import Any

import msgspec

from market.clock import to_datetime
from replay.coinbase_frames import (
    MARKET_TRADES,
    MATCHES,
    listed_as,
    market_trades_text,
    match_frames,
    match_text,
    newest_fill,
    newest_fills,
    numbered,
    recorded_frame,
    repeats,
    time_text,
    update_frames,
)  # fmt: skip
from replay.session import Session, in_order
from replay.source import Frame, Market, Slice

PATH = "/"
_BEAT_SECONDS = 1.0
_SNAPSHOT_TRADES = 100
_LOCKED = {"level2", "level3", "full", "user", "rfq_matches"}
_NO_TRADE = -1


class _Named(msgspec.Struct):
    name: str
    product_ids: list[str] = []


class _Request(msgspec.Struct):
    # {"type":"subscribe","product_ids":["BTC-USD"],"channels":["matches",{"name":"heartbeat","product_ids":["ETH-USD"]}]}
    # {"type":"subscribe","product_ids":["BTC-USD"],"channel":"market_trades"}
    type: str
    product_ids: list[str] = []
    channels: list[str | _Named] = []
    channel: str | None = None


_request = msgspec.json.Decoder(_Request).decode


class CoinbaseSession(Session):
    """A connection that speaks as Exchange does to a request with `channels`, as Advanced Trade to one with `channel`."""

    def __init__(self) -> None:
        self._exchange, self._advanced = _Exchange(), _Advanced()
        self._due = 0.0

    @property
    def listening(self) -> bool:
        """Whether the client has subscribed to anything."""
        return self._exchange.listening or self._advanced.listening

    def receive(self, message: str | bytes, market: Market) -> list[bytes]:
        """Return what is subscribed now and what a new subscriber is told, or one error for the whole request."""
        try:
            request = _request(message)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return [_error("Malformed JSON")]
        if request.type not in {"subscribe", "unsubscribe"}:
            return [_error("Type has to be either subscribe or unsubscribe")]
        feed = self._exchange if request.channel is None else self._advanced
        return feed.receive(request, market)

    def push(self, span: Slice) -> list[bytes]:
        """Return the trades of the span."""
        return self._exchange.push(span) + self._advanced.push(span)

    def beat(self, market: Market, now: float) -> list[bytes]:
        """Return a heartbeat of each that was asked for, once a second."""
        if now < self._due:
            return []
        beats = self._exchange.beat(market) + self._advanced.beat(market)
        self._due = now + _BEAT_SECONDS if beats else 0.0
        return beats


class _Exchange:
    """Subscriptions to Exchange: each channel and product is one."""

    def __init__(self) -> None:
        self._wires: dict[str, dict[str, str]] = {MATCHES: {}, "heartbeat": {}}
        self._told: dict[str, int] = {}

    @property
    def listening(self) -> bool:
        return any(self._wires.values())

    def receive(self, request: _Request, market: Market) -> list[bytes]:
        wanted = [each if isinstance(each, _Named) else _Named(each) for each in request.channels]
        pairs = [(each.name, each.product_ids or request.product_ids) for each in wanted]
        if request.type == "unsubscribe":
            return [self._forget(pairs)]
        reason = _reason_against(pairs, market)
        if reason is not None:
            return [_error("Failed to subscribe", reason=reason)]
        for name, wires in pairs:
            self._wires[name] |= {wire: f"{market.source.venue}:{wire}" for wire in wires}
        told = [wire for name, wires in pairs if name == MATCHES for wire in wires]
        return [self._subscriptions(), *self._last_matches(dict.fromkeys(told), market)]

    def push(self, span: Slice) -> list[bytes]:
        lists = [
            _unknown(span.once(("coinbase", MATCHES, symbol), partial(match_frames, span, symbol)), self._told[symbol])
            for symbol in self._wires[MATCHES].values()
        ]
        return in_order(lists)

    def beat(self, market: Market) -> list[bytes]:
        return [self._heartbeat(wire, symbol, market) for wire, symbol in self._wires["heartbeat"].items()]

    def _heartbeat(self, wire: str, symbol: str, market: Market) -> bytes:
        newest = newest_fill(symbol, market)
        last_id = newest.trade_id if newest else 0
        body = {"type": "heartbeat", "last_trade_id": last_id, "product_id": wire, "sequence": last_id}
        return msgspec.json.encode({**body, "time": time_text(market.now_us)})

    def _last_matches(self, wires: dict[str, None], market: Market) -> Iterator[bytes]:
        for wire in wires:
            symbol = self._wires[MATCHES][wire]
            newest = newest_fill(symbol, market)
            self._told[symbol] = newest.trade_id if newest else _NO_TRADE
            if newest is not None:
                recorded = recorded_frame(market, symbol, MATCHES, newest.trade_id)
                yield recorded.replace(b'"match"', b'"last_match"', 1) if recorded else match_text(newest, "last_match")

    def _forget(self, pairs: list[tuple[str, list[str]]]) -> bytes:
        for name, wires in pairs:
            known = self._wires.get(name, {})
            for wire in wires or list(known):
                known.pop(wire, None)
        return self._subscriptions()

    def _subscriptions(self) -> bytes:
        channels = [{"name": name, "product_ids": list(wires)} for name, wires in self._wires.items() if wires]
        return msgspec.json.encode({"type": "subscriptions", "channels": channels})


class _Advanced:
    """Subscriptions to Advanced Trade; all frames of the connection are counted together."""

    def __init__(self) -> None:
        self._symbols: dict[str, str] = {}
        self._told: dict[str, int] = {}
        self._beating = False
        self._numbers, self._beats = count(), count(1)

    @property
    def listening(self) -> bool:
        return self._beating or bool(self._symbols)

    def receive(self, request: _Request, market: Market) -> list[bytes]:
        wires, coming = dict.fromkeys(request.product_ids), request.type == "subscribe"
        if request.channel == "heartbeats":
            self._beating = coming
            return [self._subscriptions(market)]
        symbols = {wire: symbol for wire in wires if (symbol := listed_as(wire, market)) is not None}
        if coming and (request.channel != MARKET_TRADES or not wires or len(symbols) < len(wires)):
            return [_error("failure to subscribe")]  # it does not say what is wrong
        if not coming:
            gone = (wires or list(self._symbols)) if request.channel == MARKET_TRADES else []
            self._symbols = {wire: symbol for wire, symbol in self._symbols.items() if wire not in gone}
            return [self._subscriptions(market)]
        self._symbols |= symbols
        snapshots = [self._snapshot(symbol, market) for symbol in dict.fromkeys(symbols.values())]
        return [*snapshots, self._subscriptions(market)]

    def push(self, span: Slice) -> list[bytes]:
        lists = [
            _unknown(span.once(("coinbase", MARKET_TRADES, symbol), partial(update_frames, span, symbol)), self._told[symbol])
            for symbol in dict.fromkeys(self._symbols.values())
        ]
        return [numbered(frame, next(self._numbers)) for frame in in_order(lists)]

    def beat(self, market: Market) -> list[bytes]:
        if not self._beating:
            return []
        now, counter = to_datetime(market.now_us), next(self._beats)
        text = f"{now:%Y-%m-%d %H:%M:%S.%f} +0000 UTC m=+{counter}.000000001"
        return [self._frame("heartbeats", [{"current_time": text, "heartbeat_counter": counter}], market)]

    def _snapshot(self, symbol: str, market: Market) -> bytes:
        trades = newest_fills(symbol, market, _SNAPSHOT_TRADES)
        self._told[symbol] = trades[-1].trade_id if trades else _NO_TRADE
        recorded = recorded_frame(market, symbol, MARKET_TRADES, self._told[symbol])
        if recorded is None or b'"snapshot"' not in recorded:
            recorded = market_trades_text("snapshot", trades, symbol, market.now_us)
        return numbered(recorded, next(self._numbers))

    def _subscriptions(self, market: Market) -> bytes:
        subscriptions = {MARKET_TRADES: list(self._symbols), "heartbeats": ["heartbeats"] if self._beating else []}
        return self._frame("subscriptions", [{"subscriptions": {name: ids for name, ids in subscriptions.items() if ids}}], market)

    def _frame(self, channel: str, events: list[dict[str, Any]], market: Market) -> bytes:
        head = {"channel": channel, "timestamp": time_text(market.now_us), "sequence_num": next(self._numbers)}
        return msgspec.json.encode({**head, "events": events})


def _reason_against(pairs: list[tuple[str, list[str]]], market: Market) -> str | None:
    """Return Exchange's words for the first thing that is wrong with a subscription, None when all is well."""
    if not pairs:
        return "No channels provided"
    for name, wires in pairs:
        if name in _LOCKED:
            return f"{name} channel requires authentication"
        if name not in {MATCHES, "heartbeat"}:
            return f"{name} is not a valid channel"
        if not wires:
            return f"You need to specify at least one product ID for channel {name}"
        for wire in wires:
            if f"{market.source.venue}:{wire}" not in market.source.instruments:
                return f"{wire} is not a valid product"
    return None


def _unknown(frames: list[Frame], told_id: int) -> list[Frame]:
    return [frame for frame in frames if not repeats(frame[2], told_id)]


def _error(message: str, **reason: str) -> bytes:
    return msgspec.json.encode({"type": "error", "message": message, **reason})
