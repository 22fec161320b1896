"""OKX v5 on the wire: what to send, and what its frames and answers mean.

Sources: OKX API v5 documentation, "WebSocket / Connect, Subscribe, Notification", "All trades channel", "Trades channel",
"GET / Trades history", "GET / Candlesticks history", "GET / Instruments", "Error code".
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

import msgspec

from exchanges import base
from market.candle import Candle, Origin
from market.errors import VenueError
from market.timeframe import Timeframe
from market.trade import Side, Trade
from market.window import Window

_ARGS_PER_REQUEST = 100
_CANDLES_PAGE = 300  # it may answer with 100 all the same
_BARS = {"1h": "1H", "4h": "4H", "12h": "12Hutc", "1d": "1Dutc", "1w": "1Wutc"}  # without "utc" OKX's days begin at UTC+8
_UPGRADE = "64008"  # the connection will be closed, 60 s later at the earliest
_NOTICES = {"notice", "channel-conn-count", "channel-conn-count-error"}
# 50001 unavailable, 50004 timeout, 50011 rate limit, 50013 busy, 50026 system error, 50061 sub-account rate limit
_TRANSIENT_CODES = {"50001", "50004", "50011", "50013", "50026", "50061"}


class _Arg(msgspec.Struct, gc=False):
    channel: str
    instId: str = ""


class _Trade(msgspec.Struct, gc=False):
    # {"instId":"BTC-USDT","tradeId":"130639474","px":"42219.9","sz":"0.1206","side":"buy","ts":"1630048897897","count":"3"}
    instId: str
    tradeId: base.TradeId
    px: base.Positive
    sz: base.Positive
    side: Side
    ts: base.Millis
    count: base.Count = 1

    def __post_init__(self) -> None:
        if self.count > self.tradeId + 1:
            raise ValueError(f"expected at most {self.tradeId + 1} fills up to id {self.tradeId}, found {self.count}")


class _Push(msgspec.Struct, gc=False):
    # {"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[…]}
    arg: _Arg
    data: list[_Trade]


class _Event(msgspec.Struct):
    # {"id":"1512","event":"subscribe","arg":{"channel":"trades","instId":"BTC-USDT"},"connId":"a4d3ae55"}
    # {"event":"error","code":"60018","msg":"channel:trades,instId:FOO-BAR doesn't exist","connId":"a4d3ae55"}
    # {"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade. …"}
    event: str
    arg: _Arg | None = None
    code: str = ""
    msg: str = ""


class _OtherPush(msgspec.Struct):
    # books, tickers, candles: documented, not asked for
    arg: _Arg
    data: list[msgspec.Raw]


class _Refusal(msgspec.Struct):
    # {"code":"50011","msg":"Too Many Requests","data":[]}
    code: str
    msg: str = ""


class _Time(msgspec.Struct):
    ts: base.Millis


class _Instrument(msgspec.Struct):
    instId: str
    baseCcy: str
    quoteCcy: str
    tickSz: str
    lotSz: str
    state: str


# [ts, open, high, low, close, vol, volCcy, volCcyQuote, confirm]; the oldest rows on record lack the last two
_Bar = tuple[
    base.Millis,
    base.Positive,
    base.Positive,
    base.Positive,
    base.Positive,
    base.Amount,
    base.Amount,
    base.Amount,
    Annotated[int, msgspec.Meta(ge=0, le=1)],
]


class _Times(msgspec.Struct):
    data: Annotated[list[_Time], msgspec.Meta(min_length=1)]


class _Instruments(msgspec.Struct):
    data: list[_Instrument]


class _Trades(msgspec.Struct):
    data: list[_Trade]


class _Bars(msgspec.Struct):
    data: list[_Bar]


_push = msgspec.json.Decoder(_Push, strict=False).decode
_event = msgspec.json.Decoder(_Event, strict=False).decode
_other = msgspec.json.Decoder(_OtherPush)
_times = msgspec.json.Decoder(_Times, strict=False)
_instruments = msgspec.json.Decoder(_Instruments, strict=False)
_trades = msgspec.json.Decoder(_Trades, strict=False)
_bars = msgspec.json.Decoder(_Bars, strict=False)
_refusal = msgspec.json.Decoder(_Refusal, strict=False).decode


class OKX(base.DataProvider):
    """OKX spot. Channel `trades-all` sends each fill; `trades` merges the fills of one taker order."""

    name: ClassVar[str] = "OKX"
    home: ClassVar[base.Endpoints] = base.Endpoints("wss://ws.okx.com:8443", "https://www.okx.com")
    channels: ClassVar[tuple[str, ...]] = ("trades-all", "trades")
    merging: ClassVar[frozenset[str]] = frozenset({"trades"})
    # The server closes after 30 s in which nothing was pushed, and wants the text form of ping.
    keep_alive: ClassVar[base.KeepAlive] = base.KeepAlive(ping="ping", ping_after=15.0, pong_within=10.0)
    page: ClassVar[int] = 100
    candle_page: ClassVar[int] = _CANDLES_PAGE
    budgets: ClassVar[Mapping[str, base.Budget]] = {
        "": base.Budget(burst=2, per_second=4),  # 10 in 2 s
        "trades": base.Budget(burst=10, per_second=40),  # 100 in 2 s
        "history": base.Budget(burst=4, per_second=8, spared=0.0),  # 20 in 2 s; so for instruments and old candles
    }
    history_seconds: ClassVar[float | None] = 85 * 86_400.0  # three months, the shortest of them

    def wire_symbol(self, symbol: str) -> str:
        """Return `BTC-USDT`; contracts are refused, their sizes need a contract size that this codec does not know."""
        parsed = self.spot(symbol)
        return parsed.pair

    def stream_path(self) -> str:
        """Return the path that carries the channel."""
        return "/ws/v5/business" if self.channel == "trades-all" else "/ws/v5/public"

    def subscribe(self, symbols: Sequence[str] | None = None) -> Sequence[str]:
        """Return subscribe requests of at most 100 symbols each."""
        args = [{"channel": self.channel, "instId": self.wire_symbol(symbol)} for symbol in symbols or self.symbols]
        pieces = base.pieces(args, _ARGS_PER_REQUEST)
        return [msgspec.json.encode({"op": "subscribe", "args": piece}).decode() for piece in pieces]

    def parse(self, frame: bytes, received_us: int) -> list[Trade] | base.Control:
        """Return the trades of a push, or what else the frame says."""
        try:
            rows = _push(frame).data
            by_wire = self._by_wire
            return [
                Trade(by_wire[row.instId], row.tradeId, row.px, row.sz, row.side, row.ts * 1000, received_us, row.count, row.count)
                for row in rows
            ]
        except base.BAD_JSON:
            return self._parse_control(frame)
        except KeyError:
            raise self.wire_error(frame) from None

    def _parse_control(self, frame: bytes) -> base.Control:
        if frame == b"pong":
            return base.Control(base.ControlKind.PONG)
        try:
            event = _event(frame)
        except base.BAD_JSON:
            return self._parse_other(frame)
        symbol = self._by_wire.get(event.arg.instId) if event.arg else self._named_in(event.msg)
        if event.event in {"subscribe", "unsubscribe"}:
            return base.Control(base.ControlKind.SUBSCRIBED if event.event == "subscribe" else base.ControlKind.OTHER, symbol)
        if event.event == "error":
            return base.Control(base.ControlKind.REFUSED, symbol, event.code, event.msg)
        if event.event in _NOTICES:
            kind = base.ControlKind.CLOSING if event.code == _UPGRADE else base.ControlKind.NOTICE
            return base.Control(kind, symbol, event.code, event.msg)
        raise self.wire_error(frame)

    def _parse_other(self, frame: bytes) -> base.Control:
        push = self.decode(_other, frame)
        if push.arg.channel in self.channels:  # a trade that is not one: zero, NaN, a missing field
            raise self.wire_error(frame)
        return base.Control(base.ControlKind.OTHER, self._by_wire.get(push.arg.instId))

    def _named_in(self, message: str) -> str | None:
        # An error names its instrument only in its text: "channel:trades,instId:FOO-BAR doesn't exist".
        _, found, rest = message.partition("instId:")
        return self._by_wire.get(rest.split(",")[0].split(" ")[0]) if found else None

    def server_time(self) -> base.Request:
        """Return the request for the venue's clock."""
        return base.Request("/api/v5/public/time")

    def parse_server_time(self, body: bytes) -> int:
        """Return the venue's clock, UTC epoch microseconds."""
        return self.decode(_times, body).data[0].ts * 1000

    def instruments(self) -> base.Request:
        """Return the request for the list of spot symbols."""
        return base.Request("/api/v5/public/instruments", (("instType", "SPOT"),))

    def parse_instruments(self, body: bytes) -> list[base.Instrument]:
        """Return the spot symbols that the venue lists."""
        listed = [(self.pair_of(row.baseCcy, row.quoteCcy), row) for row in self.decode(_instruments, body).data]
        return [
            base.Instrument(symbol, base.plain_decimal(row.tickSz), base.plain_decimal(row.lotSz), row.state)
            for symbol, row in listed
            if symbol
        ]

    def newest_trades(self, symbol: str, received_us: int) -> base.Pages:
        """Ask for the newest page of trades."""
        params = (("instId", self.wire_symbol(symbol)), ("limit", "100"))
        body = yield base.Request("/api/v5/market/trades", params, budget="trades")
        return self._history(symbol, body, received_us)

    def trades(self, symbol: str, first_id: int, last_id: int, received_us: int, since_us: int | None = None) -> base.Pages:  # noqa: ARG002
        """Ask for a range of ids, from its end downwards: `after` is exclusive and answers with the next older rows."""
        found: list[Trade] = []
        after = last_id + 1
        while after > first_id:
            params = (("instId", self.wire_symbol(symbol)), ("type", "1"), ("after", str(after)), ("limit", str(self.page)))
            request = base.Request("/api/v5/market/history-trades", params, budget="history")
            page = self._history(symbol, (yield request), received_us)
            if not page or page[0].trade_id >= after:
                break
            found[:0] = page
            after = page[0].trade_id
        return [trade for trade in found if first_id <= trade.trade_id <= last_id]

    def candles(self, symbol: str, timeframe: Timeframe, window: Window) -> base.CandlePages:
        """Ask for the closed candles of a window, newest page first; rows are paged by the times received."""
        found: list[Candle] = []
        bar = _BARS.get(timeframe, str(timeframe))
        after = window.end_us // 1000
        while after * 1000 > window.start_us:
            params = (("instId", self.wire_symbol(symbol)), ("bar", bar), ("after", str(after)), ("limit", str(_CANDLES_PAGE)))
            request = base.Request("/api/v5/market/history-candles", params, budget="history")
            rows = self.decode(_bars, (yield request)).data
            if not rows or rows[-1][0] >= after:
                break
            found += [self._candle(symbol, timeframe, row) for row in rows if row[8]]
            after = rows[-1][0]
        inside = [candle for candle in found if candle.open_us in window and candle.timestamp_us <= window.end_us]
        return inside[::-1]

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> VenueError | None:
        """Return why an answer is a refusal: a code other than "0" may come with HTTP 200."""
        try:
            answer = _refusal(body)
        except base.BAD_JSON:
            return base.http_refusal(self.name, status, headers, "") if status != 200 else None
        if answer.code == "0" and status == 200:
            return None
        refusal = base.http_refusal(self.name, status, headers, f"{answer.code} {answer.msg}")
        refusal.transient |= answer.code in _TRANSIENT_CODES
        return refusal

    def _history(self, symbol: str, body: bytes, received_us: int) -> list[Trade]:
        # Newest first on the wire; single fills, so one id each.
        return [
            Trade(symbol, row.tradeId, row.px, row.sz, row.side, row.ts * 1000, received_us)
            for row in reversed(self.decode(_trades, body).data)
        ]

    def _candle(self, symbol: str, timeframe: Timeframe, row: _Bar) -> Candle:
        start, open_, high, low, close, volume, _, quote_volume, _ = row
        return Candle(
            symbol, timeframe, start * 1000 + timeframe.width_us, open_, high, low, close, volume, quote_volume,
            trades=None, taker_buy_volume=None, origin=Origin.EXCHANGE,
        )  # fmt: skip
