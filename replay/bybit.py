"""The local exchange's Bybit websocket: trades and candles of spot pairs and of linear perpetuals, and Bybit's words for errors."""

from collections.abc import Sequence
from functools import partial
from itertools import count
from typing import Any, ClassVar

import msgspec
from msgspec.structs import replace

from exchanges.bybit import Bybit, BybitLinear
from market.errors import InputError
from market.timeframe import SECOND_US
from market.trade import Side, Trade
from replay.bars import Bar, Interval, parse_interval
from replay.fills import plain_text
from replay.session import BarFeed, Session, in_order
from replay.source import Frame, Market, Series, Slice

CODECS = {codec.category: codec for codec in (Bybit(), BybitLinear())}
PATHS = {codec.stream_path(): category for category, codec in CODECS.items()}
SIDES = {Side.BUY: "Buy", Side.SELL: "Sell"}
_MINUTES = {"1", "3", "5", "15", "30", "60", "120", "240", "360", "720"}
_LONG_BARS = {"D": "1d", "W": "1w", "M": "1M"}
_KLINE_PACE_US = SECOND_US
_MOST_ARGS = 10
_MOST_TRADES = 1024

_connections = count(1)


class _Request(msgspec.Struct):
    # {"req_id":"t1","op":"subscribe","args":["publicTrade.BTCUSDT","kline.1.BTCUSDT"]}
    op: str
    args: list[Any] = []
    req_id: str | int | None = None


_request = msgspec.json.Decoder(_Request).decode


def kline_interval(name: str) -> Interval | None:
    """Return the interval of Bybit's name for it, None for no such."""
    if name in _MINUTES:
        minutes = int(name)
        return parse_interval(f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m")
    return parse_interval(_LONG_BARS[name]) if name in _LONG_BARS else None


def wire_symbols(category: str, market: Market) -> dict[str, str]:
    """Return the symbols that a category trades, by Bybit's spelling of them; a tape of Bybit's is of one category only."""
    codec, venue = CODECS[category], market.source.venue
    if venue != codec.name and venue in {each.name for each in CODECS.values()}:
        return {}
    found = {}
    for symbol in market.source.symbols:
        try:
            found[codec.wire_symbol(f"{codec.name}:{symbol.partition(':')[2]}")] = symbol
        except InputError:  # what is not paid in USDT or USDC is no linear perpetual
            continue
    return found


def id_text(category: str, trade_id: int) -> str:
    """Return a trade id as Bybit prints it: the number for spot, for perpetuals a UUID whose upper 62 bits are the number."""
    if category == "spot":
        return str(trade_id)
    digits = f"{trade_id << 2:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:]}-8000-000000000000"


def opened(bars: Sequence[Bar], fills: Series) -> list[Bar]:
    """Return bars as Bybit makes them: each opens at the close before it, and its high and low reach that price."""
    before = fills.newest(fills.at(bars[0].open_us), 1) if bars else []
    found, close = list[Bar](), before[0].price if before else None
    for bar in bars:
        first = bar.open if close is None else close
        found.append(replace(bar, open=first, high=max(bar.high, first), low=min(bar.low, first)))
        close = bar.close
    return found


class BybitSession(Session):
    """A connection to the stream of one category. One bad topic costs its whole request, as at the venue."""

    idle_seconds: ClassVar[float | None] = 600.0

    def __init__(self, category: str) -> None:
        self.category, self.conn_id = category, f"{next(_connections):08x}"
        self._trades: dict[str, str] = {}
        self._feeds: dict[str, BarFeed] = {}

    @property
    def listening(self) -> bool:
        """Whether the client has subscribed to anything."""
        return bool(self._trades or self._feeds)

    def receive(self, message: str | bytes, market: Market) -> list[bytes]:
        """Return the answer to one request, which is answered as a whole."""
        try:
            request = _request(message)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            return [self._answer(f"Failed to decode incoming data:{error}", _Request(""))]
        if request.op == "ping":
            return [self._answer("", request, done="pong")]
        if request.op not in {"subscribe", "unsubscribe"}:
            return [self._answer("error:invalid op", request)]
        problem = self._problem_of(request, market)
        if not problem:
            self._change(request, market)
        return [self._answer(problem, request, done="subscribe" if self.category == "spot" else "")]

    def push(self, span: Slice) -> list[bytes]:
        """Return the trades of the span, then the candles that are due."""
        lists = [
            span.once(("bybit", self.category, topic), partial(_trade_frames, span, self.category, topic, symbol))
            for topic, symbol in self._trades.items()
        ]
        return in_order(lists) + [frame for topic, feed in self._feeds.items() for frame in _klines(topic, feed, span)]

    def _problem_of(self, request: _Request, market: Market) -> str:
        """Return what is wrong with a request, nothing if it can be done."""
        if not request.args or not all(isinstance(topic, str) for topic in request.args):
            return "Params Error"
        if self.category == "spot" and len(request.args) > _MOST_ARGS:
            return f"args size >{_MOST_ARGS}"
        for topic in request.args:
            if self._find(topic, market) is None:
                return f"Invalid symbol :[{topic}]" if self.category == "spot" else f"error:handler not found,topic:{topic}"
            if request.op == "subscribe" and (topic in self._trades or topic in self._feeds):
                return f"error:already subscribed,topic:{topic}"
        return ""

    def _change(self, request: _Request, market: Market) -> None:
        for topic in request.args:
            found = self._find(topic, market)
            if request.op == "unsubscribe":
                self._trades.pop(topic, None)
                self._feeds.pop(topic, None)
            elif isinstance(found, BarFeed):
                self._feeds[topic] = found
            elif found is not None:
                self._trades[topic] = found

    def _find(self, topic: str, market: Market) -> str | BarFeed | None:
        """Return the symbol of a trade topic or the feed of a candle topic, None for what there is not."""
        head, _, wire = topic.rpartition(".")
        symbol = wire_symbols(self.category, market).get(wire)
        if symbol is None or head == Bybit.channels[0]:
            return symbol
        interval = kline_interval(head.removeprefix("kline.")) if head.startswith("kline.") else None
        return None if interval is None else BarFeed(symbol, interval, _KLINE_PACE_US)

    def _answer(self, problem: str, request: _Request, *, done: str = "") -> bytes:
        fields: dict[str, Any] = {"success": not problem, "ret_msg": problem or done, "conn_id": self.conn_id}
        if self.category != "spot" or request.req_id is not None:
            fields["req_id"] = "" if request.req_id is None else str(request.req_id)
        return msgspec.json.encode({**fields, "op": request.op})


def _trade_frames(span: Slice, category: str, topic: str, symbol: str) -> list[Frame]:
    """Return the frames of a trade topic: as recorded where there are any, else made from the trades of the span."""
    recorded = span.source.frames(symbol, Bybit.channels[0], span.start_us, span.now_us)
    if recorded is not None:
        return recorded
    trades, numbers = span.trades(span.source.fills(symbol))
    wire, frames = topic.rpartition(".")[2], []
    for start in range(0, len(trades), _MOST_TRADES):
        piece = trades[start : start + _MOST_TRADES]
        rows = [
            _row(category, trade, wire, number) for trade, number in zip(piece, numbers[start : start + _MOST_TRADES], strict=True)
        ]
        time_us = piece[-1].timestamp_us
        head = {"topic": topic, "type": "snapshot", "ts": time_us // 1000}
        frames.append((time_us, numbers[start], msgspec.json.encode({**head, "data": rows})))
    return frames


def _row(category: str, trade: Trade, wire: str, number: int) -> dict[str, Any]:
    # The number is as good as a cross sequence, which skips and is shared by what happens at once. A source does not know
    # which trades were block trades or price improvements, so only recorded frames say it.
    return {
        "T": trade.timestamp_us // 1000, "s": wire, "S": SIDES[trade.side], "v": plain_text(trade.size),
        "p": plain_text(trade.price), "i": id_text(category, trade.trade_id), "BT": False, "RPI": False, "seq": number,
    }  # fmt: skip


def _klines(topic: str, feed: BarFeed, market: Market) -> list[bytes]:
    """Return the frame of a candle topic, none when nothing is due; at a border it has the bar that closed and the next."""
    fills, due = market.source.fills(feed.symbol), feed.due(market)
    if not due:
        return []
    [last] = fills.newest(market.played(fills), 1)
    rows = [
        {
            "start": bar.open_us // 1000, "end": feed.interval.next_open(bar.open_us) // 1000 - 1, "interval": topic.split(".")[1],
            "open": plain_text(bar.open), "close": plain_text(bar.close), "high": plain_text(bar.high), "low": plain_text(bar.low),
            "volume": plain_text(bar.volume), "turnover": plain_text(bar.quote_volume), "confirm": closed,
            "timestamp": last.timestamp_us // 1000,
        }
        for bar, (_, closed) in zip(opened([bar for bar, _ in due], fills), due, strict=True)
    ]  # fmt: skip
    return [msgspec.json.encode({"topic": topic, "data": rows, "ts": market.now_ms, "type": "snapshot"})]
