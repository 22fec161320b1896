"""The local exchange's Kraken websocket, version 2: trades, candles, heartbeats, and Kraken's words for what is wrong."""

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from itertools import count, groupby
from typing import Any, ClassVar

import msgspec

from exchanges.kraken import Kraken
from market.clock import to_datetime
from market.timeframe import MINUTE_US, SECOND_US
from market.trade import Trade
from replay.bars import Bar, Interval
from replay.fills import decimal_of
from replay.session import BarFeed, Session, in_order
from replay.source import Frame, Market, Slice

PATH = "/v2"
INTERVALS = {minutes: Interval(minutes * MINUTE_US) for minutes in (1, 5, 15, 30, 60, 240, 1440, 10_080, 21_600)}
SIZE_DIGITS = 8
_SNAPSHOT_TRADES = 50
_SNAPSHOT_BARS = 13  # what was seen of the venue in 2026: the forming one and twelve before it, without those without trades
_CANDLE_PACE_US = SECOND_US
_BEAT_SECONDS = 1.0
_HALF_A_DIGIT = Decimal("5E-9")

_connections = count(1)


class _Params(msgspec.Struct):
    channel: str = ""
    symbol: list[str] = []
    snapshot: bool | None = None
    interval: int = 1


class _Request(msgspec.Struct):
    # {"method":"subscribe","params":{"channel":"trade","symbol":["BTC/USD"],"snapshot":false},"req_id":1}
    method: str
    params: _Params | None = None
    req_id: int | None = None


_request = msgspec.json.Decoder(_Request).decode


def time_text(moment_us: int, *, digits: int = 6) -> str:
    """Return a moment as Kraken's websocket prints it, `2026-03-25T07:49:37.708706Z`."""
    return to_datetime(moment_us).strftime("%Y-%m-%dT%H:%M:%S.%f").ljust(20 + digits, "0") + "Z"


def number_text(number: float, digits: int = SIZE_DIGITS) -> str:
    """Return a number as Kraken's websocket prints it, to the precision of its instrument: `83744.3`, a size `0.00044780`."""
    return f"{number:.{digits}f}"


def average_text(bar: Bar, digits: int) -> str:
    """Return the average price of a bar as Kraken prints it: cut to so many digits, not rounded; 0.0 without trades."""
    if not bar.volume:
        return "0.0"
    value = decimal_of(bar.quote_volume) + _HALF_A_DIGIT  # what the sum lost when it was rounded must not cost a whole step
    price = min(value / decimal_of(bar.volume), decimal_of(bar.high))
    return format(price.quantize(Decimal(1).scaleb(-digits), "ROUND_DOWN"), "f")


def price_digits(symbol: str, market: Market) -> int:
    """Return how many digits after the point a symbol's prices have."""
    return len(market.source.instruments[symbol].tick_size.partition(".")[2])


class KrakenSession(Session):
    """A connection to `/v2`. Each symbol of a request is answered on its own; heartbeats come while anything is subscribed."""

    idle_seconds: ClassVar[float | None] = 60.0

    def __init__(self) -> None:
        self.connection_id = next(_connections)
        self._trades: dict[str, str] = {}
        self._feeds: dict[str, BarFeed] = {}
        self._greeted = self._spoke = False
        self._spoke_at = 0.0

    @property
    def listening(self) -> bool:
        """Whether the client has subscribed to anything."""
        return bool(self._trades or self._feeds)

    def receive(self, message: str | bytes, market: Market) -> list[bytes]:
        """Return one acknowledgement or error for each symbol, each with its snapshot behind it."""
        self._spoke = True
        return self._greeting() + self._answers(message, market)

    def push(self, span: Slice) -> list[bytes]:
        """Return the trades of the span, then the candles that are due; a candle is told of when somebody trades."""
        lists = [span.once(("kraken", wire), partial(_trade_frames, span, wire, symbol)) for wire, symbol in self._trades.items()]
        candles = []
        for wire, feed in self._feeds.items():
            bars = [bar for bar, _ in feed.due(span) if bar.trades]
            candles += [_bars_frame("update", wire, feed, [bar], span) for bar in bars]
        frames = in_order(lists) + candles
        self._spoke |= bool(frames)
        return frames

    def beat(self, market: Market, now: float) -> list[bytes]:  # noqa: ARG002
        """Return the greeting of a new connection, then a heartbeat after each second in which nothing else was said."""
        greeting = self._greeting()
        if self._spoke or not self.listening:
            self._spoke, self._spoke_at = False, now
            return greeting
        if now - self._spoke_at < _BEAT_SECONDS:
            return greeting
        self._spoke_at = now
        return [*greeting, b'{"channel":"heartbeat"}']

    def _greeting(self) -> list[bytes]:
        if self._greeted:
            return []
        self._greeted = True
        status = {
            "version": "2.0.10", "system": "online", "api_version": "v2", "connection_id": self.connection_id,
            "upcoming_maintenance": [], "emergency": [],
        }  # fmt: skip
        return [msgspec.json.encode({"channel": "status", "type": "update", "data": [status]})]

    def _answers(self, message: str | bytes, market: Market) -> list[bytes]:
        try:
            request = _request(message)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return [_reply(_Request(""), market, {"error": "Malformed request", "success": False})]
        if request.method == "ping":
            return [_reply(request, market, {"method": "pong"})]
        params = request.params
        if request.method not in {"subscribe", "unsubscribe"} or params is None:
            return [_refusal(request, market, f"Unsupported method {request.method}")]
        if params.channel not in {"trade", "ohlc"}:
            return [_refusal(request, market, f"Channel not supported {params.channel}")]
        if params.channel == "ohlc" and params.interval not in INTERVALS:
            return [_refusal(request, market, "Subscription ohlc interval not supported")]
        if not params.symbol:
            return [_refusal(request, market, "Symbol(s) not found")]
        answer = self._subscribe if request.method == "subscribe" else self._unsubscribe
        return [frame for wire in params.symbol for frame in answer(request, params, wire, market)]

    def _subscribe(self, request: _Request, params: _Params, wire: str, market: Market) -> list[bytes]:
        symbol = f"{market.source.venue}:{wire.replace('/', '-')}"
        if wire.count("/") != 1:
            return [_refusal(request, market, f"Currency pair not in ISO 4217-A3 format {wire}", wire)]
        if symbol not in market.source.instruments:
            return [_refusal(request, market, f"Currency pair not supported {wire}", wire)]
        if wire in (self._trades if params.channel == "trade" else self._feeds):
            return [_refusal(request, market, "Already subscribed", wire)]
        if params.channel == "trade":
            self._trades[wire] = symbol
            snapshot = bool(params.snapshot)
            result = {"channel": "trade", "snapshot": snapshot, "symbol": wire}
            frame = _trades_frame("snapshot", wire, _newest(symbol, market), price_digits(symbol, market))
        else:
            feed = self._feeds[wire] = BarFeed(symbol, INTERVALS[params.interval], _CANDLE_PACE_US)
            snapshot = params.snapshot is not False
            result = {"channel": "ohlc", "interval": params.interval, "snapshot": snapshot, "symbol": wire}
            bars = market.newest_bars(symbol, feed.interval, market.now_us + 1, _SNAPSHOT_BARS)
            frame = _bars_frame("snapshot", wire, feed, [bar for bar in bars if bar.trades], market)
        return [_reply(request, market, _done(request, result)), *([frame] if snapshot else [])]

    def _unsubscribe(self, request: _Request, params: _Params, wire: str, market: Market) -> list[bytes]:
        known: dict[str, Any] = self._trades if params.channel == "trade" else self._feeds
        if known.pop(wire, None) is None:
            return [_refusal(request, market, "Subscription Not Found", wire)]
        return [_reply(request, market, _done(request, {"channel": params.channel, "symbol": wire}))]


def _done(request: _Request, result: dict[str, Any]) -> dict[str, Any]:
    return {"method": request.method, "result": result, "success": True}


def _refusal(request: _Request, market: Market, error: str, wire: str = "") -> bytes:
    symbol = {"symbol": wire} if wire else {}
    return _reply(request, market, {"error": error, "method": request.method, "success": False, **symbol})


def _reply(request: _Request, market: Market, fields: dict[str, Any]) -> bytes:
    moment = time_text(market.now_us)
    number = {} if request.req_id is None else {"req_id": request.req_id}
    return msgspec.json.encode({**fields, "time_in": moment, "time_out": moment, **number})


def _newest(symbol: str, market: Market) -> list[Trade]:
    fills = market.source.fills(symbol)
    return fills.newest(market.played(fills), _SNAPSHOT_TRADES)


def _trade_frames(span: Slice, wire: str, symbol: str) -> list[Frame]:
    """Return the frames of a symbol's trades: as recorded where they were Kraken's, else one for what was traded at one moment."""
    source = span.source
    if symbol not in source.instruments:
        return []  # delisted meanwhile
    recorded = source.frames(symbol, "trade", span.start_us, span.now_us) if source.venue == Kraken.name else None
    if recorded is not None:
        return recorded
    trades, numbers = span.trades(source.fills(symbol))
    frames, digits = list[Frame](), price_digits(symbol, span)
    for moment, group in groupby(zip(trades, numbers, strict=True), key=lambda pair: pair[0].timestamp_us):
        together = list(group)
        frames.append((moment, together[0][1], _trades_frame("update", wire, [trade for trade, _ in together], digits)))
    return frames


def _trades_frame(kind: str, wire: str, trades: Sequence[Trade], digits: int) -> bytes:
    rows = ",".join(
        f'{{"symbol":"{wire}","side":"{trade.side.value}","price":{number_text(trade.price, digits)},'
        f'"qty":{number_text(trade.size)},"ord_type":"market","trade_id":{trade.trade_id},'
        f'"timestamp":"{time_text(trade.timestamp_us)}"}}'
        for trade in trades
    )
    return f'{{"channel":"trade","type":"{kind}","data":[{rows}]}}'.encode()


def _bars_frame(kind: str, wire: str, feed: BarFeed, bars: Sequence[Bar], market: Market) -> bytes:
    digits, width_us = price_digits(feed.symbol, market), feed.interval.width_us
    rows = ",".join(
        f'{{"symbol":"{wire}","open":{number_text(bar.open, digits)},"high":{number_text(bar.high, digits)},'
        f'"low":{number_text(bar.low, digits)},"close":{number_text(bar.close, digits)},"trades":{bar.trades},'
        f'"volume":{number_text(bar.volume)},"vwap":{average_text(bar, digits)},'
        f'"interval_begin":"{time_text(bar.open_us, digits=9)}","interval":{width_us // MINUTE_US},'
        f'"timestamp":"{time_text(bar.open_us + width_us)}"}}'
        for bar in bars
    )
    moment = time_text(market.now_us, digits=9)
    return f'{{"channel":"ohlc","type":"{kind}","timestamp":"{moment}","data":[{rows}]}}'.encode()
