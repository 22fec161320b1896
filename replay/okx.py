"""The local exchange's OKX websocket: subscriptions, trades, candles, and OKX's words for what is wrong."""

from collections.abc import Sequence
from functools import partial
from itertools import count
from typing import Any, ClassVar

import msgspec

from market.timeframe import SECOND_US
from market.trade import Trade
from replay.bars import HOUR_US, Bar, Interval, parse_interval
from replay.fills import plain_text
from replay.session import BarFeed, Session, in_order
from replay.source import Frame, Market, Slice

PATHS = {f"/ws/v5/{name}": name for name in ("public", "business", "private")}
_LONG_BARS = {"6H", "12H", "1D", "1W", "1M", "3M"}
_BARS = {"1s", "1m", "3m", "5m", "15m", "30m", "1H", "2H", "4H"} | _LONG_BARS | {f"{bar}utc" for bar in _LONG_BARS}
_HONG_KONG_US = -8 * HOUR_US
_CANDLE_PACE_US = SECOND_US
_WELL_KNOWN = {"trades": "public", "trades-all": "business"}

_connections = count(1)


class _Request(msgspec.Struct):
    # {"id":"1512","op":"subscribe","args":[{"channel":"trades","instId":"BTC-USDT"}]}
    op: str
    args: list[dict[str, Any]] = []
    id: str | int | None = None


_request = msgspec.json.Decoder(_Request).decode


def bar_interval(bar: str) -> Interval | None:
    """Return the interval of OKX's name for it; days begin at UTC+8 unless the name ends with `utc`. None for no such bar."""
    if bar not in _BARS:
        return None
    text = bar.removesuffix("utc")
    number_and_unit = text if text.endswith("M") else text.lower()
    return parse_interval(number_and_unit, day_begins_us=0 if bar.endswith("utc") else _HONG_KONG_US)


def bar_row(bar: Bar, *, closed: bool) -> list[str]:
    """Return `[ts, o, h, l, c, vol, volCcy, volCcyQuote, confirm]` of a spot bar."""
    prices = [plain_text(price) for price in (bar.open, bar.high, bar.low, bar.close)]
    quote = plain_text(bar.quote_volume)
    return [str(bar.open_us // 1000), *prices, plain_text(bar.volume), quote, quote, "1" if closed else "0"]


class OkxSession(Session):
    """A connection to `/public`, `/business` or `/private`; nothing can be had from `/private`, it wants an account."""

    idle_seconds: ClassVar[float | None] = 30.0
    idle_close: ClassVar[tuple[int, str]] = (4004, "No data received in 30s")
    slow_close: ClassVar[tuple[int, str]] = (4005, "The client's buffer is full")

    def __init__(self, name: str) -> None:
        self.name, self.conn_id = name, f"{next(_connections):08x}"
        self._trades: dict[tuple[str, str], str] = {}
        self._feeds: dict[tuple[str, str], BarFeed] = {}

    @property
    def listening(self) -> bool:
        """Whether the client has subscribed to anything."""
        return bool(self._trades or self._feeds)

    def receive(self, message: str | bytes, market: Market) -> list[bytes]:
        """Return one acknowledgement or error for each argument; `pong` for `ping`."""
        if message in {"ping", b"ping"}:
            return [b"pong"]
        try:
            request = _request(message)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            text = message if isinstance(message, str) else message.decode(errors="replace")
            return [self._error("60012", f"Invalid request: {text}", None)]
        if request.op == "login":
            return [self._error("60009", "Login failed.", request.id)]
        if request.op not in {"subscribe", "unsubscribe"}:
            return [self._error("60012", f"Invalid request: {request.op}", request.id)]
        if not request.args:
            return [self._error("60013", "Invalid args", request.id)]
        answer = self._subscribe if request.op == "subscribe" else self._unsubscribe
        return [answer(arg, request.id, market) for arg in request.args]

    def push(self, span: Slice) -> list[bytes]:
        """Return the trades of the span, then the candles that are due."""
        lists = [
            span.once(("okx", channel, wire), partial(_trade_frames, span, channel, wire, symbol))
            for (channel, wire), symbol in self._trades.items()
        ]
        candles = [
            msgspec.json.encode({"arg": {"channel": channel, "instId": wire}, "data": [bar_row(bar, closed=closed)]})
            for (channel, wire), feed in self._feeds.items()
            for bar, closed in feed.due(span)
        ]
        return in_order(lists) + candles

    def _subscribe(self, arg: dict[str, Any], request_id: str | int | None, market: Market) -> bytes:
        channel, wire = str(arg.get("channel", "")), str(arg.get("instId", ""))
        interval = bar_interval(channel.removeprefix("candle")) if channel.startswith("candle") else None
        home = "business" if interval else _WELL_KNOWN.get(channel)
        symbol = f"{market.source.venue}:{wire}"
        if self.name == "private":
            return self._error("60011", "Please log in", request_id)
        if home is None or symbol not in market.source.instruments:
            return self._error("60018", _no_such(channel, wire), request_id)
        if home != self.name:
            return self._error(*_MOVED[home], request_id)
        if interval:
            self._feeds.setdefault((channel, wire), BarFeed(symbol, interval, _CANDLE_PACE_US))
        else:
            self._trades[channel, wire] = symbol
        return self._event("subscribe", {"arg": arg}, request_id)

    def _unsubscribe(self, arg: dict[str, Any], request_id: str | int | None, market: Market) -> bytes:
        key = str(arg.get("channel", "")), str(arg.get("instId", ""))
        if f"{market.source.venue}:{key[1]}" not in market.source.instruments:
            return self._error("60018", _no_such(*key), request_id)
        self._trades.pop(key, None)
        self._feeds.pop(key, None)
        return self._event("unsubscribe", {"arg": arg}, request_id)

    def _error(self, code: str, message: str, request_id: str | int | None) -> bytes:
        return self._event("error", {"code": code, "msg": message}, request_id)

    def _event(self, event: str, fields: dict[str, Any], request_id: str | int | None) -> bytes:
        head = {} if request_id is None else {"id": request_id}
        return msgspec.json.encode({**head, "event": event, **fields, "connId": self.conn_id})


_MOVED = {
    "business": ("64001", "This channel has been migrated to the '/business' URL. Please subscribe using the new URL."),
    "public": ("64002", "This channel is not supported by '/business' URL. Please use '/private' or '/public' URL."),
}


def _no_such(channel: str, wire: str) -> str:
    return (
        f"Wrong URL or channel:{channel},instId:{wire} doesn't exist. "
        "Please use the correct URL, channel and parameters referring to API document."
    )


def _trade_frames(span: Slice, channel: str, wire: str, symbol: str) -> list[Frame]:
    """Return the frames of a trade channel: as recorded where that channel was, made from the trades elsewhere."""
    recorded = span.source.frames(symbol, channel, span.start_us, span.now_us)
    if recorded is not None:
        return recorded
    series = span.source.fills(symbol) if channel == "trades-all" else span.source.aggregates(symbol)
    trades, numbers = span.trades(series)
    encode = _single if channel == "trades-all" else _aggregate
    head = f'{{"arg":{{"channel":"{channel}","instId":"{wire}"}},"data":[{{"instId":"{wire}",'
    return [
        (trade.timestamp_us, number, f"{head}{encode(trade)}}}]}}".encode()) for trade, number in zip(trades, numbers, strict=True)
    ]


def _single(trade: Trade) -> str:
    return (
        f'"tradeId":"{trade.trade_id}","px":"{plain_text(trade.price)}","sz":"{plain_text(trade.size)}",'
        f'"side":"{trade.side.value}","source":"0","ts":"{trade.timestamp_us // 1000}"'
    )


def _aggregate(trade: Trade) -> str:
    return (
        f'"tradeId":"{trade.trade_id}","px":"{plain_text(trade.price)}","sz":"{plain_text(trade.size)}",'
        f'"side":"{trade.side.value}","ts":"{trade.timestamp_us // 1000}","count":"{trade.id_span}","source":"0",'
        f'"seqId":{trade.trade_id}'
    )


def row_of(trade: Trade, wire: str) -> dict[str, str]:
    """Return a fill as REST answers carry it."""
    return {
        "instId": wire, "tradeId": str(trade.trade_id), "px": plain_text(trade.price), "sz": plain_text(trade.size),
        "side": trade.side.value, "source": "0", "ts": str(trade.timestamp_us // 1000),
    }  # fmt: skip


def rows_of(trades: Sequence[Trade], wire: str) -> list[dict[str, str]]:
    """Return fills newest first."""
    return [row_of(trade, wire) for trade in reversed(trades)]
