"""Kraken spot on the wire: what to send, and what its frames mean. Websocket v2; what is asked over REST is in `kraken_rest`.

Sources: docs.kraken.com, "Spot WebSocket v2: Introduction, Trades, Status, Heartbeat, Ping", guide "Reconnection".
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from exchanges import base
from exchanges.kraken_rest import REST_NAMES, KrakenHistory
from market.clock import from_datetime
from market.errors import InputError
from market.trade import Side, Trade

_SYMBOLS_PER_REQUEST = 100
_OTHER_CHANNELS = {"ticker", "book", "level3", "ohlc", "instrument", "executions", "balances"}
_RFC_3339 = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})\Z"


class _Trade(msgspec.Struct, gc=False):
    # {"symbol":"BTC/USD","side":"sell","price":60123.4,"qty":0.0031,"ord_type":"market","trade_id":4665906,
    #  "timestamp":"2026-03-25T07:49:37.708706Z"}
    symbol: str
    side: Side
    price: base.Positive
    qty: base.Positive
    trade_id: base.TradeId
    timestamp: Annotated[str, msgspec.Meta(pattern=_RFC_3339)]


class _Trades(msgspec.Struct, tag_field="channel", tag="trade", gc=False):
    # {"channel":"trade","type":"update","data":[…]}; a snapshot has the last 50
    type: Literal["snapshot", "update"]
    data: list[_Trade]


class _Heartbeat(msgspec.Struct, tag_field="channel", tag="heartbeat"):
    # {"channel":"heartbeat"}
    pass


class _System(msgspec.Struct):
    system: str


class _Status(msgspec.Struct, tag_field="channel", tag="status"):
    # {"channel":"status","type":"update","data":[{"system":"online","api_version":"v2","connection_id":1,"version":"2.0.10"}]}
    data: Annotated[list[_System], msgspec.Meta(min_length=1)]


class _Named(msgspec.Struct):
    symbol: str = ""


class _Reply(msgspec.Struct):
    # {"method":"subscribe","result":{"channel":"trade","snapshot":false,"symbol":"BTC/USD"},"success":true,"req_id":1,…}
    # {"method":"subscribe","success":false,"error":"Currency pair not supported FOO/BAR","symbol":"FOO/BAR","req_id":1,…}
    # {"method":"pong","req_id":9,"time_in":…,"time_out":…}   {"error":"Exceeded msg rate","success":false,…}
    method: str = ""
    success: bool | None = None
    error: str = ""
    symbol: str = ""
    result: _Named | None = None


class _OtherPush(msgspec.Struct):
    # order books, candles: documented, not asked for
    channel: str
    data: list[_Named] | dict[str, Any]


_frame = msgspec.json.Decoder(_Trades | _Heartbeat | _Status).decode
_reply = msgspec.json.Decoder(_Reply).decode
_other = msgspec.json.Decoder(_OtherPush)


class Kraken(KrakenHistory):
    """Kraken spot. Channel `trade` sends each fill, several in one frame where they came together."""

    name: ClassVar[str] = "KRAKEN"
    home: ClassVar[base.Endpoints] = base.Endpoints("wss://ws.kraken.com", "https://api.kraken.com")
    channels: ClassVar[tuple[str, ...]] = ("trade",)
    paged_by_time: ClassVar[bool] = True
    candle_page: ClassVar[int] = 720
    candle_rows: ClassVar[int | None] = 720
    # A heartbeat comes each second while anything is subscribed, and nothing at all before. Their absence has shown
    # subscriptions that had died with the line open.
    keep_alive: ClassVar[base.KeepAlive] = base.KeepAlive(ping='{"method":"ping"}', ping_after=5.0, pong_within=5.0, silence=10.0)

    def wire_symbol(self, symbol: str) -> str:
        """Return `BTC/USD`.

        Raises:
            InputError: If it is a contract, or Kraken's old name of a coin: one thing has one name.
        """
        parsed = self.spot(symbol)
        for ours, theirs in REST_NAMES.items():
            if theirs in {parsed.base, parsed.quote}:
                raise InputError(
                    f"{symbol}: what {self.name} once called {theirs} is {ours} here, for example {self.name}:{ours}-USD"
                )
        return f"{parsed.base}/{parsed.quote}"

    def stream_path(self) -> str:
        """Return the path of the second protocol; the first one has no trade ids."""
        return "/v2"

    def subscribe(self, symbols: Sequence[str] | None = None) -> Sequence[str]:
        """Return subscribe requests of at most 100 symbols each; what was missed is fetched over REST, not as a snapshot."""
        wires = [self.wire_symbol(symbol) for symbol in symbols or self.symbols]
        return [
            msgspec.json.encode(
                {
                    "method": "subscribe",
                    "params": {"channel": self.channel, "symbol": piece, "snapshot": False},
                    "req_id": number,
                }
            ).decode()
            for number, piece in enumerate(base.pieces(wires, _SYMBOLS_PER_REQUEST), 1)
        ]

    def parse(self, frame: bytes, received_us: int) -> list[Trade] | base.Control:
        """Return the trades of a frame, or what else it says."""
        try:
            said = _frame(frame)
        except base.BAD_JSON:
            return self._parse_reply(frame)
        if isinstance(said, _Trades):
            return self._trades(said.data, received_us, frame)
        if isinstance(said, _Heartbeat):
            return base.Control(base.ControlKind.HEARTBEAT)
        system = said.data[-1].system
        return base.Control(base.ControlKind.OTHER if system == "online" else base.ControlKind.NOTICE, None, system)

    def _trades(self, rows: Sequence[_Trade], received_us: int, frame: bytes) -> list[Trade]:
        by_wire = self._by_wire
        try:
            trades = [
                Trade(by_wire[row.symbol], row.trade_id, row.price, row.qty, row.side, _micros(row.timestamp), received_us)
                for row in rows
            ]
        except (KeyError, ValueError):
            raise self.wire_error(frame) from None
        # The order inside a frame is not documented; ids are in the order of the book.
        return sorted(trades, key=lambda trade: trade.trade_id) if len(trades) > 1 else trades

    def _parse_reply(self, frame: bytes) -> base.Control:
        try:
            reply = _reply(frame)
        except base.BAD_JSON:
            return self._parse_other(frame)
        symbol = self._by_wire.get(reply.symbol or (reply.result.symbol if reply.result else ""))
        if reply.method == "pong":
            return base.Control(base.ControlKind.PONG)
        if reply.method == "unsubscribe" and reply.success is not None:
            return base.Control(base.ControlKind.OTHER, symbol, "", reply.error)
        if reply.method == "subscribe" and (reply.success or reply.error.startswith("Already subscribed")):
            return base.Control(base.ControlKind.SUBSCRIBED, symbol)
        if reply.success is False and reply.error:
            return base.Control(base.ControlKind.REFUSED, symbol, "", reply.error)
        return self._parse_other(frame)

    def _parse_other(self, frame: bytes) -> base.Control:
        push = self.decode(_other, frame)
        if push.channel not in _OTHER_CHANNELS:  # also a trade that is not one: zero, NaN, a missing field
            raise self.wire_error(frame)
        named = {row.symbol for row in push.data if isinstance(row, _Named)}
        return base.Control(base.ControlKind.OTHER, self._by_wire.get(named.pop()) if len(named) == 1 else None)


def _micros(text: str) -> int:
    """Return a time in microseconds; digits beyond them are cut, not rounded: 59.9999999 must not become the next minute.

    Raises:
        ValueError: If there is no such moment, or it lies before 1970.
    """
    moment_us = from_datetime(datetime.fromisoformat(text))
    if moment_us < 0:
        raise ValueError(text)
    return moment_us
