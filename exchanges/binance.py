"""Binance spot on the wire: what to send, and what its frames and answers mean.

Sources: binance-spot-api-docs, web-socket-streams.md, rest-api.md, errors.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from exchanges import base
from market.candle import Candle, Origin
from market.errors import InputError, VenueError, WireError
from market.timeframe import Timeframe
from market.trade import Side, Trade
from market.window import Window

_STREAMS_PER_REQUEST = 200


class _Fill(msgspec.Struct, tag_field="e", tag="trade", gc=False):
    # {"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100","T":1672515782136,"m":true,"M":true}
    s: str
    t: base.TradeId
    p: base.Positive
    q: base.Positive
    T: base.Millis
    m: bool


class _Aggregate(msgspec.Struct, tag_field="e", tag="aggTrade", gc=False):
    # {"e":"aggTrade","E":…,"s":"BNBBTC","a":12345,"p":"0.001","q":"100","f":100,"l":105,"T":1672515782136,"m":true,"M":true}
    s: str
    f: base.TradeId
    l: base.TradeId  # noqa: E741 - the venue's name
    p: base.Positive
    q: base.Positive
    T: base.Millis
    m: bool


class _Frame(msgspec.Struct, gc=False):
    # {"stream":"btcusdt@trade","data":{…}}
    data: _Fill | _Aggregate


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


class _Listed(msgspec.Struct):
    baseAsset: str
    quoteAsset: str
    status: str
    filters: list[_Filter]


class _ExchangeInfo(msgspec.Struct):
    symbols: list[_Listed]


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

_frame = msgspec.json.Decoder(_Frame, strict=False).decode
_raw = msgspec.json.Decoder(_Fill | _Aggregate, strict=False).decode
_reply = msgspec.json.Decoder(_Reply, strict=False).decode
_event = msgspec.json.Decoder(_Event).decode
_event_frame = msgspec.json.Decoder(_EventFrame).decode
_time = msgspec.json.Decoder(_Time)
_exchange_info = msgspec.json.Decoder(_ExchangeInfo)
_historical = msgspec.json.Decoder(list[_HistoricalTrade], strict=False)
_klines = msgspec.json.Decoder(list[_Kline], strict=False)
_refusal = msgspec.json.Decoder(_Refusal).decode
_BUY, _SELL = Side.BUY, Side.SELL  # looking a member up costs more than making a trade of it


class Binance(base.DataProvider):
    """Binance spot. Channel `trade` sends each fill; `aggTrade` merges the fills of one taker order at one price."""

    name: ClassVar[str] = "BINANCE"
    home: ClassVar[base.Endpoints] = base.Endpoints("wss://stream.binance.com:9443", "https://api.binance.com")
    channels: ClassVar[tuple[str, ...]] = ("trade", "aggTrade")
    merging: ClassVar[frozenset[str]] = frozenset({"aggTrade"})
    keep_alive: ClassVar[base.KeepAlive] = base.KeepAlive(life=86_400.0)  # the server pings every 20 s by websocket ping
    budgets: ClassVar[Mapping[str, base.Budget]] = {"": base.Budget(burst=500, per_second=60)}  # weight 6,000 a minute

    def wire_symbol(self, symbol: str) -> str:
        """Return `BTCUSDT`; derivatives live on other addresses and are refused."""
        parsed = self.spot(symbol)
        return parsed.base + parsed.quote

    def stream_path(self) -> str:
        """Return the path of combined streams; what is in them is asked for by frames, which are answered."""
        return "/stream"

    def subscribe(self, symbols: Sequence[str] | None = None) -> Sequence[str]:
        """Return SUBSCRIBE requests of at most 200 streams each; the venue allows five messages a second."""
        streams = [f"{self.wire_symbol(symbol).lower()}@{self.channel}" for symbol in symbols or self.symbols]
        pieces = base.pieces(streams, _STREAMS_PER_REQUEST)
        return [
            msgspec.json.encode({"method": "SUBSCRIBE", "params": piece, "id": number}).decode()
            for number, piece in enumerate(pieces, 1)
        ]

    def parse(self, frame: bytes, received_us: int) -> list[Trade] | base.Control:
        """Return the trade of a frame, combined or raw, or what else the frame says."""
        try:
            data = _frame(frame).data
        except base.BAD_JSON:
            try:
                data = _raw(frame)
            except base.BAD_JSON:
                return self._parse_control(frame)
        if data.s not in self._by_wire:
            raise self.wire_error(frame)
        if isinstance(data, _Aggregate):
            return self._aggregates(data, received_us, frame)
        side = _SELL if data.m else _BUY  # m: the buyer was the maker, so the taker sold
        return [Trade(self._by_wire[data.s], data.t, data.p, data.q, side, data.T * 1000, received_us)]

    def parse_all(self, frames: Iterable[bytes], received_us: int) -> base.Parsed:
        """Return what some frames say: the frames of a busy stream without a call for each."""
        parsed, by_wire = base.Parsed(), self._by_wire
        keep = parsed.trades.append
        for frame in frames:
            try:
                data = _frame(frame).data
                if isinstance(data, _Fill):
                    keep(Trade(by_wire[data.s], data.t, data.p, data.q, _SELL if data.m else _BUY, data.T * 1000, received_us))
                else:
                    parsed.trades += self._aggregates(data, received_us, frame)
            except (*base.BAD_JSON, KeyError, WireError):
                self._parse_into(parsed, frame, received_us)
        return parsed

    def _aggregates(self, data: _Aggregate, received_us: int, frame: bytes) -> list[Trade]:
        count, side = data.l - data.f + 1, _SELL if data.m else _BUY
        if not 0 < count < 2**31:
            raise self.wire_error(frame)
        return [Trade(self._by_wire[data.s], data.l, data.p, data.q, side, data.T * 1000, received_us, count, count)]

    def _parse_control(self, frame: bytes) -> base.Control:
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
        if event.e in {"trade", "aggTrade"}:  # a trade that is not one: zero, NaN, a missing field
            raise self.wire_error(frame)
        if event.e == "serverShutdown":
            return base.Control(base.ControlKind.NOTICE, None, event.e, "the server will shut down")
        return base.Control(base.ControlKind.OTHER, self._by_wire.get(event.s))

    def server_time(self) -> base.Request:
        """Return the request for the venue's clock."""
        return base.Request("/api/v3/time")

    def parse_server_time(self, body: bytes) -> int:
        """Return the venue's clock, UTC epoch microseconds."""
        return self.decode(_time, body).serverTime * 1000

    def instruments(self) -> base.Request:
        """Return the request for the list of symbols."""
        return base.Request("/api/v3/exchangeInfo", cost=20)

    def parse_instruments(self, body: bytes) -> list[base.Instrument]:
        """Return the symbols that the venue lists."""
        found = []
        for row in self.decode(_exchange_info, body).symbols:
            symbol = self.pair_of(row.baseAsset, row.quoteAsset)
            filters = {each.filterType: each for each in row.filters}
            if symbol is None or not {"PRICE_FILTER", "LOT_SIZE"} <= filters.keys():
                continue
            tick, lot = filters["PRICE_FILTER"].tickSize, filters["LOT_SIZE"].stepSize
            status = "live" if row.status == "TRADING" else row.status.lower()
            found.append(base.Instrument(symbol, base.plain_decimal(tick), base.plain_decimal(lot), status))
        return found

    def newest_trades(self, symbol: str, received_us: int) -> base.Pages:
        """Ask for the newest page of trades."""
        params = (("symbol", self.wire_symbol(symbol)), ("limit", str(self.page)))
        body = yield base.Request("/api/v3/trades", params, cost=25)
        return self._history(symbol, body, received_us)

    def trades(
        self,
        symbol: str,
        first_id: int,
        last_id: int,
        received_us: int,
        since_us: int | None = None,  # noqa: ARG002
    ) -> base.Pages:
        """Ask for a range of ids, oldest page first: `fromId` is inclusive."""
        found: list[Trade] = []
        while first_id <= last_id:
            limit = min(self.page, last_id - first_id + 1)
            params = (("symbol", self.wire_symbol(symbol)), ("fromId", str(first_id)), ("limit", str(limit)))
            page = self._history(symbol, (yield base.Request("/api/v3/historicalTrades", params, cost=25)), received_us)
            found += [trade for trade in page if first_id <= trade.trade_id <= last_id]
            if not page or page[-1].trade_id < first_id:
                break
            first_id = page[-1].trade_id + 1
        return found

    def candles(self, symbol: str, timeframe: Timeframe, window: Window) -> base.CandlePages:
        """Ask for the closed candles of a window, oldest page first."""
        found: list[Candle] = []
        start = window.start_us // 1000
        while start * 1000 < window.end_us:
            params = (
                ("symbol", self.wire_symbol(symbol)), ("interval", self._interval(timeframe)), ("startTime", str(start)),
                ("endTime", str(window.end_us // 1000 - 1)), ("limit", str(self.page)),
            )  # fmt: skip
            rows = self.decode(_klines, (yield base.Request("/api/v3/klines", params, cost=2)))
            found += [self._candle(symbol, timeframe, row) for row in rows]
            if len(rows) < self.page or rows[-1][0] < start:
                break
            start = rows[-1][0] + 1
        return [candle for candle in found if candle.open_us in window and candle.timestamp_us <= window.end_us]

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> VenueError | None:
        """Return why an answer is a refusal; 429 and 418 carry Retry-After."""
        if status == 200:
            return None
        try:
            answer = _refusal(body)
            words = f"{answer.code} {answer.msg}"
        except base.BAD_JSON:
            words = ""
        return base.http_refusal(self.name, status, headers, words)

    def _interval(self, timeframe: Timeframe) -> str:
        if timeframe in {Timeframe.S5, Timeframe.S15, Timeframe.S30}:
            raise InputError(f"{self.name} has no {timeframe} candles; its narrowest are 1s and 1m")
        return str(timeframe)

    def _history(self, symbol: str, body: bytes, received_us: int) -> list[Trade]:
        return [
            Trade(symbol, row.id, row.price, row.qty, _SELL if row.isBuyerMaker else _BUY, row.time * 1000, received_us)
            for row in self.decode(_historical, body)
        ]

    def _candle(self, symbol: str, timeframe: Timeframe, row: _Kline) -> Candle:
        start, open_, high, low, close, volume, _, quote_volume, trades, taker_buy, _, _ = row
        return Candle(
            symbol, timeframe, start * 1000 + timeframe.width_us, open_, high, low, close, volume, quote_volume, trades, taker_buy,
            origin=Origin.EXCHANGE,
        )  # fmt: skip
