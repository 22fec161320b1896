"""The local exchange's Binance websocket: raw and combined streams of trades, aggregate trades and klines."""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import msgspec

from exchanges.base import Instrument
from exchanges.binance import Binance
from exchanges.binance_usdm import BinanceUsdm
from market.timeframe import SECOND_US
from market.trade import Side, Trade
from replay.answer import Question
from replay.bars import Interval, parse_interval
from replay.session import BarFeed, Session, in_order
from replay.source import Frame, Market, Slice
from replay.wire import inner_object

_INTERVALS = {"1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M"}
_MOST_STREAMS = 1024


class Digits(msgspec.Struct, frozen=True):
    """How many digits behind the point a market prints."""

    price: int = 8
    size: int = 8
    quote: int = 8

    def price_text(self, number: float) -> str:
        """Return a price as the market prints it."""
        return f"{number:.{self.price}f}"

    def size_text(self, number: float) -> str:
        """Return a size in the base currency as the market prints it."""
        return f"{number:.{self.size}f}"

    def quote_text(self, number: float) -> str:
        """Return an amount of the quote currency as the market prints it."""
        return f"{number:.{self.quote}f}"


Encode = Callable[[Trade, str, int, Digits], str]
"""Makes the frame of a trade, of its symbol as the market spells it, and of its number."""


class Dialect(msgspec.Struct, frozen=True):
    """What the frames of one of Binance's markets look like.

    Attributes:
        name: Tells frames made for one market from those for another.
        fill: Makes the frame of a fill; `aggregate` of an aggregate.
        digits: How the numbers of an instrument are printed.
        kline_pace_us: Least time between two pushes of a forming kline.
    """

    name: str
    fill: Encode
    aggregate: Encode
    digits: Callable[[Instrument], Digits]
    kline_pace_us: int


class _Request(msgspec.Struct):
    # {"method":"SUBSCRIBE","params":["btcusdt@trade","btcusdt@kline_1m"],"id":1}
    method: str
    params: list[Any] | None = None
    id: int | str | None = None


class _Stream(msgspec.Struct, frozen=True):
    """A stream as named by the client; the symbol is empty for a stream that does not exist."""

    name: str
    channel: str = ""
    symbol: str = ""
    feed: BarFeed | None = None


_request = msgspec.json.Decoder(_Request).decode


def is_stream_path(path: str) -> bool:
    """Return whether a path is one of Binance's websocket addresses."""
    return path in {"/ws", "/stream"} or (path.startswith("/ws/") and not path.startswith("/ws/v5/"))


def kline_interval(name: str) -> Interval | None:
    """Return the interval of Binance's name for it, None for no such."""
    return parse_interval(name) if name in _INTERVALS else None


def wire_symbol(symbol: str) -> str:
    """Return Binance's spelling of a symbol."""
    return symbol.partition(":")[2].replace("-", "")


def wire_symbols(market: Market) -> dict[str, str]:
    """Return the symbols by Binance's spelling of them."""
    return {wire_symbol(symbol): symbol for symbol in market.source.symbols}


class BinanceSession(Session):
    """A connection to `/ws` or `/stream`. A stream that does not exist is acknowledged too, and stays silent.

    Args:
        question: The address that was opened.
        root: What stands in it before `/ws` or `/stream`.
    """

    ping_seconds: ClassVar[float | None] = 20.0

    def __init__(self, question: Question, root: str = "") -> None:
        path = question.path.removeprefix(root)
        self._combined = path == "/stream"
        named = question.params.get("streams", "") if self._combined else path.removeprefix("/ws").removeprefix("/")
        self._streams: dict[str, _Stream | None] = dict.fromkeys(name for name in named.split("/") if name)

    @property
    def listening(self) -> bool:
        """Whether the client has subscribed to anything that could be a stream."""
        return any("@" in name for name in self._streams)

    @property
    def dialect(self) -> Dialect:
        """What the frames look like."""
        return _SPOT

    def carries(self, channel: str, market: Market) -> bool:  # noqa: ARG002
        """Return whether this address carries a channel: futures left these addresses in 2026, which acknowledge them still."""
        return market.source.venue != BinanceUsdm.name

    def receive(self, message: str | bytes, market: Market) -> list[bytes]:  # noqa: ARG002
        """Return the answer to one request."""
        try:
            request = _request(message)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            return [_error(2, f"Invalid request: {error}", None)]
        names = request.params or []
        match request.method:
            case "LIST_SUBSCRIPTIONS":
                return [_result(list(self._streams), request.id)]
            case "SET_PROPERTY" if names[:1] == ["combined"] and len(names) == 2 and isinstance(names[1], bool):
                self._combined = names[1]
            case "GET_PROPERTY" if names == ["combined"]:
                return [_result(self._combined, request.id)]
            case "SUBSCRIBE" | "UNSUBSCRIBE":
                if not names or not all(isinstance(name, str) and name and not name.isspace() for name in names):
                    return [_error(2, "Invalid request: params must be a list of stream names", request.id)]
                return [self._change(request.method, names, request.id)]
            case _:
                return [_error(2, f"Invalid request: unknown variant `{request.method}`", request.id)]
        return [_result(None, request.id)]

    def push(self, span: Slice) -> list[bytes]:
        """Return the trades of the span, then the klines that are due."""
        lists, klines = [], []
        form = "combined" if self._combined else "raw"
        for name in self._streams:
            stream = self._streams[name] = self._streams[name] or self._stream_of(name, span)
            if stream.feed is not None:
                frames = _klines(stream, stream.feed, span, self.dialect)
                klines += [_wrapped(name, each) if self._combined else each for each in frames]
            elif stream.symbol:
                key = (self.dialect.name, form, name)
                lists.append(span.once(key, partial(_trade_frames, span, form, stream, self.dialect)))
        return in_order(lists) + klines

    def _stream_of(self, name: str, market: Market) -> _Stream:
        lower, _, channel = name.partition("@")
        symbol = wire_symbols(market).get(lower.upper()) if lower == lower.lower() else None
        if symbol is None or not self.carries(channel, market):
            return _Stream(name)
        if channel in {"trade", "aggTrade"}:
            return _Stream(name, channel, symbol)
        interval = kline_interval(channel.removeprefix("kline_")) if channel.startswith("kline_") else None
        if interval is None:
            return _Stream(name)
        return _Stream(name, channel, symbol, BarFeed(symbol, interval, min(self.dialect.kline_pace_us, interval.width_us)))

    def _change(self, method: str, names: list[str], request_id: int | str | None) -> bytes:
        for name in names:
            if method == "SUBSCRIBE":
                self._streams.setdefault(name)
            else:
                self._streams.pop(name, None)
        if len(self._streams) > _MOST_STREAMS:
            for name in list(self._streams)[_MOST_STREAMS:]:
                del self._streams[name]
            return _error(2, f"Invalid request: more than {_MOST_STREAMS} streams on one connection", request_id)
        return _result(None, request_id)


def _result(value: Any, request_id: int | str | None) -> bytes:
    return msgspec.json.encode({"result": value, "id": request_id})


def _error(code: int, message: str, request_id: int | str | None) -> bytes:
    return msgspec.json.encode({"code": code, "msg": message, "id": request_id})


def _wrapped(name: str, inner: bytes) -> bytes:
    return b'{"stream":"%s","data":%s}' % (name.encode(), inner)


def _trade_frames(span: Slice, form: str, stream: _Stream, dialect: Dialect) -> list[Frame]:
    """Return the frames of a trade stream: the recorded bytes where that channel was, made from the trades elsewhere."""
    if stream.symbol not in span.source.instruments:
        return []  # delisted meanwhile
    ours = span.source.venue.startswith(Binance.name)  # other venues have a channel of that name too
    recorded = span.source.frames(stream.symbol, stream.channel, span.start_us, span.now_us) if ours else None
    if recorded is not None:
        reform = inner_object if form == "raw" else partial(_combined, stream.name)
        return [(time, place, reform(frame)) for time, place, frame in recorded]
    single = stream.channel == "trade"
    trades, numbers = span.trades(span.source.fills(stream.symbol) if single else span.source.aggregates(stream.symbol))
    wire, encode = wire_symbol(stream.symbol), dialect.fill if single else dialect.aggregate
    digits = dialect.digits(span.source.instruments[stream.symbol])
    made = [
        (trade.timestamp_us, number, encode(trade, wire, number, digits).encode())
        for trade, number in zip(trades, numbers, strict=True)
    ]
    return made if form == "raw" else [(time, number, _wrapped(stream.name, frame)) for time, number, frame in made]


def _combined(name: str, frame: bytes) -> bytes:
    return frame if frame.startswith(b'{"stream"') else _wrapped(name, frame)


def _fill(trade: Trade, wire: str, number: int, digits: Digits) -> str:
    time, maker = trade.timestamp_us // 1000, "true" if trade.side is Side.SELL else "false"
    price, size = digits.price_text(trade.price), digits.size_text(trade.size)
    return f'{{"e":"trade","E":{time},"s":"{wire}","t":{number},"p":"{price}","q":"{size}","T":{time},"m":{maker},"M":true}}'


def _aggregate(trade: Trade, wire: str, number: int, digits: Digits) -> str:
    time, maker = trade.timestamp_us // 1000, "true" if trade.side is Side.SELL else "false"
    price, size = digits.price_text(trade.price), digits.size_text(trade.size)
    return (
        f'{{"e":"aggTrade","E":{time},"s":"{wire}","a":{number},"p":"{price}","q":"{size}",'
        f'"f":{trade.first_id},"l":{trade.trade_id},"T":{time},"m":{maker},"M":true}}'
    )


EIGHT = Digits()
_SPOT = Dialect("binance", _fill, _aggregate, lambda instrument: EIGHT, 2 * SECOND_US)  # noqa: ARG005 - all print alike


def _klines(stream: _Stream, feed: BarFeed, market: Market, dialect: Dialect) -> list[bytes]:
    wire, frames = wire_symbol(stream.symbol), []
    digits = dialect.digits(market.source.instruments[stream.symbol])
    price, size, quote = digits.price_text, digits.size_text, digits.quote_text
    for bar, closed in feed.due(market):
        body = {
            "t": bar.open_us // 1000, "T": feed.interval.next_open(bar.open_us) // 1000 - 1, "s": wire,
            "i": stream.channel.removeprefix("kline_"), "f": bar.first_id, "L": bar.last_id, "o": price(bar.open),
            "c": price(bar.close), "h": price(bar.high), "l": price(bar.low), "v": size(bar.volume), "n": bar.trades, "x": closed,
            "q": quote(bar.quote_volume), "V": size(bar.taker_volume), "Q": quote(bar.taker_quote), "B": "0",
        }  # fmt: skip
        frames.append(msgspec.json.encode({"e": "kline", "E": market.now_ms, "s": wire, "k": body}))
    return frames
