"""What Binance's markets have in common on the wire: requests and replies, notices, and most of the REST interface."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from exchanges import base
from market.candle import Candle, Origin
from market.errors import InputError, VenueError
from market.timeframe import Timeframe
from market.trade import Side, Trade
from market.window import Window

T = TypeVar("T")

_STREAMS_PER_REQUEST = 200
# -1001 internal error, -1003 too many requests, -1007 backend timeout, -1008 overloaded: "please try again" in the venue's words
_TRANSIENT_CODES = {-1001, -1003, -1007, -1008}


class Wrapped(msgspec.Struct, Generic[T], gc=False):
    """A frame of combined streams: `{"stream":"btcusdt@trade","data":{…}}`."""

    data: T


class _Reply(msgspec.Struct):
    # {"result":null,"id":1}   {"code":2,"msg":"Invalid request: …","id":"…"}   {"error":{"code":2,"msg":"…"},"id":1}
    id: int | str | None
    code: int | None = None
    msg: str = ""
    error: dict[str, Any] | None = None


class _Event(msgspec.Struct):
    # {"e":"serverShutdown","E":1770123456789}; on combined streams inside "data". Other events are known but not asked for.
    e: str
    s: str = ""


class _EventFrame(msgspec.Struct):
    stream: str
    data: msgspec.Raw


class _HistoricalTrade(msgspec.Struct, gc=False):
    # {"id":28457,"price":"4.00000100","qty":"12.0","quoteQty":"48.0","time":1499865549590,"isBuyerMaker":true,"isBestMatch":true}
    id: base.TradeId
    price: base.Positive
    qty: base.Positive
    time: base.Millis
    isBuyerMaker: bool


class _Filter(msgspec.Struct):
    filterType: str
    tickSize: str = ""
    stepSize: str = ""


class Listed(msgspec.Struct):
    """A line of `exchangeInfo`; `contractType` is of futures only."""

    baseAsset: str
    quoteAsset: str
    status: str
    filters: list[_Filter]
    symbol: str = ""
    contractType: str = ""


class _ExchangeInfo(msgspec.Struct):
    symbols: list[Listed]


class _Time(msgspec.Struct):
    serverTime: base.Millis


class _Refusal(msgspec.Struct):
    # {"code":-1003,"msg":"Way too much request weight used; IP banned until …"}
    code: int
    msg: str = ""


# [openTime, open, high, low, close, volume, closeTime, quoteVolume, trades, takerBuyBase, takerBuyQuote, "0"]
_Kline = tuple[
    base.Millis, base.Positive, base.Positive, base.Positive, base.Positive, base.Amount,
    base.Millis, base.Amount, int, base.Amount, base.Amount, Any,
]  # fmt: skip

_reply = msgspec.json.Decoder(_Reply, strict=False).decode
_event = msgspec.json.Decoder(_Event).decode
_event_frame = msgspec.json.Decoder(_EventFrame).decode
_time = msgspec.json.Decoder(_Time)
_exchange_info = msgspec.json.Decoder(_ExchangeInfo)
_historical = msgspec.json.Decoder(list[_HistoricalTrade], strict=False)
_klines = msgspec.json.Decoder(list[_Kline], strict=False)
_refusal = msgspec.json.Decoder(_Refusal).decode


class BinanceMarket(base.DataProvider):
    """One of Binance's markets. What its trade frames say, and how it hands out old trades, is the market's own.

    Attributes:
        root: Where its REST interface begins.
        list_cost: Weight of the list of symbols.
        too_narrow: Timeframes of which it has no candles.
    """

    root: ClassVar[str]
    list_cost: ClassVar[float]
    too_narrow: ClassVar[frozenset[Timeframe]]
    keep_alive: ClassVar[base.KeepAlive] = base.KeepAlive(life=86_400.0)  # the server pings, by websocket ping
    candle_page: ClassVar[int] = 999  # one less than there can be: an answer that is not full is the last one

    # -- the stream ----------------------------------------------------------------------------------------------

    def subscribe(self, symbols: Sequence[str] | None = None) -> Sequence[str]:
        """Return SUBSCRIBE requests of at most 200 streams each; five messages a second are allowed, ten of futures."""
        streams = [f"{self.wire_symbol(symbol).lower()}@{self.channel}" for symbol in symbols or self.symbols]
        pieces = base.pieces(streams, _STREAMS_PER_REQUEST)
        return [
            msgspec.json.encode({"method": "SUBSCRIBE", "params": piece, "id": number}).decode()
            for number, piece in enumerate(pieces, 1)
        ]

    def parse_control(self, frame: bytes) -> base.Control:
        """Return what a frame without trades says.

        Raises:
            WireError: If the frame is not one that the venue documents.
        """
        try:
            reply = _reply(frame)
        except base.BAD_JSON:
            return self._parse_event(frame)
        refused = reply.error or ({"code": reply.code, "msg": reply.msg} if reply.code is not None else None)
        if refused:
            return base.Control(base.ControlKind.REFUSED, None, str(refused.get("code", "")), str(refused.get("msg", "")))
        # The acknowledgement names no stream, and comes for symbols that do not exist too.
        return base.Control(base.ControlKind.SUBSCRIBED)

    def _parse_event(self, frame: bytes) -> base.Control:
        try:
            combined = _event_frame(frame)
        except base.BAD_JSON:
            combined = _EventFrame("", msgspec.Raw(frame))
        try:
            event = _event(combined.data)
        except base.BAD_JSON as error:
            wire, _, channel = combined.stream.partition("@")
            if wire and channel not in self.channels:  # bookTicker and depth20 have no "e"; their stream tells what they are
                return base.Control(base.ControlKind.OTHER, self._by_wire.get(wire.upper()))
            raise self.wire_error(frame) from error
        if event.e in self.channels:  # a trade that is not one: zero, NaN, a missing field
            raise self.wire_error(frame)
        if event.e == "serverShutdown":
            return base.Control(base.ControlKind.CLOSING, None, event.e, "the server will shut down")
        return base.Control(base.ControlKind.OTHER, self._by_wire.get(event.s))

    # -- history -------------------------------------------------------------------------------------------------

    def server_time(self) -> base.Request:
        """Return the request for the venue's clock."""
        return base.Request(f"{self.root}/time")

    def parse_server_time(self, body: bytes) -> int:
        """Return the venue's clock, UTC epoch microseconds."""
        return self.decode(_time, body).serverTime * 1000

    def instruments(self) -> base.Request:
        """Return the request for the list of symbols."""
        return base.Request(f"{self.root}/exchangeInfo", cost=self.list_cost)

    def parse_instruments(self, body: bytes) -> list[base.Instrument]:
        """Return the symbols that the venue lists and that this codec can carry."""
        found = []
        for row in self.decode(_exchange_info, body).symbols:
            symbol = self.pair_of(row.baseAsset, row.quoteAsset) if self._carries(row) else None
            filters = {each.filterType: each for each in row.filters}
            if symbol is None or not {"PRICE_FILTER", "LOT_SIZE"} <= filters.keys():
                continue
            tick, lot = filters["PRICE_FILTER"].tickSize, filters["LOT_SIZE"].stepSize
            status = "live" if row.status == "TRADING" else row.status.lower()
            found.append(base.Instrument(symbol, base.plain_decimal(tick), base.plain_decimal(lot), status))
        return found

    def candles(self, symbol: str, timeframe: Timeframe, window: Window) -> base.CandlePages:
        """Ask for the closed candles of a window, oldest page first."""
        if timeframe in self.too_narrow:
            narrowest = next(each for each in Timeframe if each not in self.too_narrow)
            raise InputError(f"{self.name} has no {timeframe} candles; the narrowest is {narrowest}")
        found: list[Candle] = []
        start = window.start_us // 1000
        while start * 1000 < window.end_us:
            limit, cost = self._kline_page(-(-(window.end_us - start * 1000) // timeframe.width_us))
            params = (
                ("symbol", self.wire_symbol(symbol)), ("interval", str(timeframe)), ("startTime", str(start)),
                ("endTime", str(window.end_us // 1000 - 1)), ("limit", str(limit)),
            )  # fmt: skip
            rows = self.decode(_klines, (yield base.Request(f"{self.root}/klines", params, cost=cost)))
            found += [_candle(symbol, timeframe, row) for row in rows]
            if len(rows) < limit or rows[-1][0] < start:
                break
            start = rows[-1][0] + 1
        return [candle for candle in found if candle.open_us in window and candle.timestamp_us <= window.end_us]

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> VenueError | None:
        """Return why an answer is a refusal; 429 and 418 carry Retry-After."""
        if status == 200 and not body.startswith(b'{"code":-'):
            return None
        try:
            answer = _refusal(body)
        except base.BAD_JSON:
            return base.http_refusal(self.name, status, headers, "") if status != 200 else None
        refusal = base.http_refusal(self.name, status, headers, f"{answer.code} {answer.msg}")
        refusal.transient |= answer.code in _TRANSIENT_CODES
        return refusal

    @abstractmethod
    def _kline_page(self, wanted: int) -> tuple[int, float]:
        """Return how many rows to ask for if so many are wanted, and the weight of that."""

    def _carries(self, row: Listed) -> bool:  # noqa: ARG002
        return True

    def _by_id(
        self, endpoint: str, cost: float, symbol: str, first_id: int, last_id: int, read: Callable[[bytes], list[Trade]]
    ) -> base.Pages:
        """Ask for a range of ids, oldest page first: `fromId` is inclusive."""
        found: list[Trade] = []
        while first_id <= last_id:
            limit = min(self.page, last_id - first_id + 1)
            params = (("symbol", self.wire_symbol(symbol)), ("fromId", str(first_id)), ("limit", str(limit)))
            page = read((yield base.Request(f"{self.root}/{endpoint}", params, cost=cost)))
            found += [trade for trade in page if first_id <= trade.trade_id <= last_id]
            if not page or page[-1].trade_id < first_id:
                break
            first_id = page[-1].trade_id + 1
        return found

    def _newest(self, endpoint: str, cost: float, symbol: str, read: Callable[[bytes], list[Trade]]) -> base.Pages:
        params = (("symbol", self.wire_symbol(symbol)), ("limit", str(self.page)))
        return read((yield base.Request(f"{self.root}/{endpoint}", params, cost=cost)))

    def _history(self, symbol: str, received_us: int, body: bytes) -> list[Trade]:
        return [
            Trade(symbol, row.id, row.price, row.qty, taker_side(buyer_made=row.isBuyerMaker), row.time * 1000, received_us)
            for row in self.decode(_historical, body)
        ]


def unwrapped(frame: bytes, combined: Callable[[bytes], Wrapped[T]], raw: Callable[[bytes], T]) -> T | None:
    """Return what a frame says, be it of combined streams or of a raw one; None when neither reads it."""
    try:
        return combined(frame).data
    except base.BAD_JSON:
        try:
            return raw(frame)
        except base.BAD_JSON:
            return None


def taker_side(*, buyer_made: bool) -> Side:
    """Return the taker's side: when the buyer was the maker, the taker sold."""
    return Side.SELL if buyer_made else Side.BUY


def _candle(symbol: str, timeframe: Timeframe, row: _Kline) -> Candle:
    start, open_, high, low, close, volume, _, quote_volume, trades, taker_buy, _, _ = row
    return Candle(
        symbol, timeframe, start * 1000 + timeframe.width_us, open_, high, low, close, volume, quote_volume, trades, taker_buy,
        origin=Origin.EXCHANGE,
    )  # fmt: skip
