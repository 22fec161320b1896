"""Bybit v5 on the wire, spot and linear perpetuals: what to send, and what its frames and answers mean.

Its trade ids prove nothing: a perpetual's is a UUID, a spot pair's a number that skips, and neither tells which trade came
first. The order of trades is that of the message, and of messages that of their arrival.

What a recorded minute says of the venue's candles: their volume, turnover and close are those of all the trades pushed so far
(54 of 55; one came without the trade of 65 ms before it), but they open at the close before them, and high and low reach that.
Nothing in it is a block trade (BT) or a retail price improvement (RPI), so whether candles count those is not known. They are
kept as trades like any other: they happened, at the venue and at that price.

Sources: Bybit API v5 documentation, "Websocket / Connect, Trade", "Get Bybit Server Time", "Get Instruments Info",
"Get Public Recent Trading History", "Get Kline", "Rate Limit Rules", "Error Codes".
"""

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

import msgspec

from exchanges import base
from exchanges.bybit_wire import Answer, Bar, Execution, Listed, Listing, Push, Said, Time, Verdict, trade_number
from market.candle import Candle, Origin
from market.errors import InputError, VenueError
from market.symbol import Symbol
from market.timeframe import Timeframe
from market.trade import Side, Trade
from market.window import Window

_ARGS_PER_REQUEST = 10  # spot takes no more
_CANDLES_PAGE = 1000
_INTERVALS = {"1m": "1", "5m": "5", "15m": "15", "30m": "30", "1h": "60", "4h": "240", "12h": "720", "1d": "D", "1w": "W"}
_OTHER_TOPICS = {
    "orderbook", "tickers", "kline", "allLiquidation", "liquidation", "priceLimit", "insurance", "adlAlert", "kline_lt",
    "tickers_lt", "lt",
}  # fmt: skip
_ANSWERS = {"subscribe": base.ControlKind.SUBSCRIBED, "unsubscribe": base.ControlKind.OTHER, "ping": base.ControlKind.PONG}
_TOO_MANY, _BANNED = 10006, 10018
_TRANSIENT_CODES = {_TOO_MANY, 10000, 10016, 10429}  # server timeout, internal error, overload
_BAN_SECONDS = 600.0
_SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}
_topics_in = re.compile(r"publicTrade\.([^\s,\[\]]+)").findall

_push = msgspec.json.Decoder(Push, strict=False).decode
_said = msgspec.json.Decoder(Said)
_times = msgspec.json.Decoder(Answer[Time], strict=False)
_instruments = msgspec.json.Decoder(Answer[Listing[Listed]], strict=False)
_executions = msgspec.json.Decoder(Answer[Listing[Execution]], strict=False)
_bars = msgspec.json.Decoder(Answer[Listing[Bar]], strict=False)
_verdict = msgspec.json.Decoder(Verdict, strict=False).decode


class Bybit(base.DataProvider):
    """Bybit spot. Ids prove nothing, and only the newest trades can be had over REST: a hole stays unproven.

    Attributes:
        category: What the venue calls this part of itself.
    """

    name: ClassVar[str] = "BYBIT"
    category: ClassVar[str] = "spot"
    home: ClassVar[base.Endpoints] = base.Endpoints("wss://stream.bybit.com", "https://api.bybit.com")
    channels: ClassVar[tuple[str, ...]] = ("publicTrade",)
    unproven: ClassVar[frozenset[str]] = frozenset({"publicTrade"})
    # The server closes after 10 min without traffic and asks for a ping every 20 s.
    keep_alive: ClassVar[base.KeepAlive] = base.KeepAlive(ping='{"op":"ping"}', ping_after=20.0, pong_within=10.0)
    page: ClassVar[int] = 60
    candle_page: ClassVar[int] = _CANDLES_PAGE
    budgets: ClassVar[Mapping[str, base.Budget]] = {"": base.Budget(burst=40, per_second=40)}  # 600 in 5 s, then a ban of 10 min
    history_seconds: ClassVar[float | None] = 0.0

    def wire_symbol(self, symbol: str) -> str:
        """Return `BTCUSDT`."""
        parsed = self.spot(symbol)
        return parsed.base + parsed.quote

    def stream_path(self) -> str:
        """Return the path of the category."""
        return f"/v5/public/{self.category}"

    def subscribe(self, symbols: Sequence[str] | None = None) -> Sequence[str]:
        """Return subscribe requests of at most 10 symbols each: one bad topic costs its whole request.

        The request's id is the symbol where there is only one, so that the answer, which names no topic, tells which.
        """
        wires = [self.wire_symbol(symbol) for symbol in symbols or self.symbols]
        return [
            msgspec.json.encode(
                {
                    "req_id": piece[0] if len(piece) == 1 else str(number),
                    "op": "subscribe",
                    "args": [f"{self.channel}.{wire}" for wire in piece],
                }
            ).decode()
            for number, piece in enumerate(base.pieces(wires, _ARGS_PER_REQUEST), 1)
        ]

    def parse(self, frame: bytes, received_us: int) -> list[Trade] | base.Control:
        """Return the trades of a push in its own order, which is the order of the match, or what else the frame says."""
        try:
            push = _push(frame)
            channel, _, wire = push.topic.partition(".")
            if channel != self.channel:
                return self._parse_control(frame)
            symbol = self._by_wire[wire]
        except base.BAD_JSON:
            return self._parse_control(frame)
        except KeyError:
            raise self.wire_error(frame) from None
        if any(row.s != wire for row in push.data):
            raise self.wire_error(frame)
        return [Trade(symbol, trade_number(row.i), row.p, row.v, _SIDES[row.S], row.T * 1000, received_us) for row in push.data]

    def _parse_control(self, frame: bytes) -> base.Control:
        said = self.decode(_said, frame)
        if said.topic:
            kind, last = said.topic.partition(".")[0], said.topic.rpartition(".")[2]
            if kind not in _OTHER_TOPICS:  # also a trade that is not one: zero, NaN, a missing field
                raise self.wire_error(frame)
            return base.Control(base.ControlKind.OTHER, self._by_wire.get(last))
        symbol = self._named_in(said)
        if said.success is False:
            known = "already subscribed" in said.ret_msg
            return base.Control(base.ControlKind.SUBSCRIBED if known else base.ControlKind.REFUSED, symbol, "", said.ret_msg)
        if said.op == "pong":
            return base.Control(base.ControlKind.PONG)
        if said.success is None or said.op not in _ANSWERS:
            raise self.wire_error(frame)
        return base.Control(_ANSWERS[said.op], symbol)

    def _named_in(self, said: Said) -> str | None:
        # "error:handler not found,topic:publicTrade.FOOUSDT" of perpetuals, "Invalid symbol :[publicTrade.FOOUSDT]" of spot
        found = {self._by_wire.get(wire) for wire in _topics_in(said.ret_msg)}
        return found.pop() if len(found) == 1 else self._by_wire.get(said.req_id or "")

    def server_time(self) -> base.Request:
        """Return the request for the venue's clock."""
        return base.Request("/v5/market/time")

    def parse_server_time(self, body: bytes) -> int:
        """Return the venue's clock, UTC epoch microseconds."""
        return self.decode(_times, body).result.timeNano // 1000

    def instruments(self) -> base.Request:
        """Return the request for the list of symbols, the largest page of it: 557 spot pairs, 800 contracts in August 2026."""
        params = (("category", self.category), ("status", "Trading"), ("limit", "1000"))
        return base.Request("/v5/market/instruments-info", params)

    def parse_instruments(self, body: bytes) -> list[base.Instrument]:
        """Return the symbols of one page that can be followed; dated futures are left out."""
        listed = [(self._symbol_of(row), row) for row in self.decode(_instruments, body).result.rows]
        return [
            base.Instrument(
                symbol, base.plain_decimal(row.priceFilter.tickSize),
                base.plain_decimal(row.lotSizeFilter.qtyStep or row.lotSizeFilter.basePrecision),
                "live" if row.status == "Trading" else row.status.lower(),
            )
            for symbol, row in listed
            if symbol
        ]  # fmt: skip

    def _symbol_of(self, row: Listed) -> str | None:
        symbol = self.pair_of(row.baseCoin, row.quoteCoin)
        try:
            return symbol if symbol and self.wire_symbol(symbol) == row.symbol else None
        except InputError:
            return None

    def newest_trades(self, symbol: str, received_us: int) -> base.Pages:
        """Ask for the newest trades: 60 of a spot pair, 1,000 of a perpetual."""
        wire = self.wire_symbol(symbol)
        params = (("category", self.category), ("symbol", wire), ("limit", str(self.page)))
        body = yield base.Request("/v5/market/recent-trade", params)
        rows = self.decode(_executions, body).result.rows
        if any(row.symbol != wire for row in rows):
            raise self.wire_error(body)
        return [
            Trade(symbol, trade_number(row.execId), row.price, row.size, _SIDES[row.side], row.time * 1000, received_us)
            for row in reversed(rows)
        ]

    def trades(self, symbol: str, first_id: int, last_id: int, received_us: int, since_us: int | None = None) -> base.Pages:  # noqa: ARG002
        """Ask for the newest page and keep what has such an id: the venue has no older one, and its ids have no order."""
        newest = yield from self.newest_trades(symbol, received_us)
        return [trade for trade in newest if first_id <= trade.trade_id <= last_id]

    def candles(self, symbol: str, timeframe: Timeframe, window: Window) -> base.CandlePages:
        """Ask for the closed candles of a window, oldest page first.

        Each page is asked for by both its ends and holds all its rows: which ones the venue leaves out of a longer span is not
        documented. The last row may be forming; it ends after the window does and is left out.
        """
        interval, found = self._interval(timeframe), list[Candle]()
        start, end, step = window.start_us // 1000, window.end_us // 1000, _CANDLES_PAGE * timeframe.width_us // 1000
        while start < end:
            last = min(start + step, end) - 1  # both ends are inclusive
            params = (
                ("category", self.category), ("symbol", self.wire_symbol(symbol)), ("interval", interval), ("start", str(start)),
                ("end", str(last)), ("limit", str(_CANDLES_PAGE)),
            )  # fmt: skip
            rows = self.decode(_bars, (yield base.Request("/v5/market/kline", params))).result.rows
            found += [self._candle(symbol, timeframe, row) for row in reversed(rows) if start <= row[0] <= last]
            start = last + 1
        return [candle for candle in found if candle.open_us in window and candle.timestamp_us <= window.end_us]

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> VenueError | None:
        """Return why an answer is a refusal: a code other than 0 comes with HTTP 200, and HTTP 403 may mean a ban of 10 min."""
        try:
            verdict = _verdict(body)
        except base.BAD_JSON:
            verdict = Verdict(0)
        if verdict.retCode == 0 and status == 200:
            return None
        words = f"{verdict.retCode} {verdict.retMsg}" if verdict.retCode else ""
        refusal = base.http_refusal(self.name, status, headers, words)
        is_banned = verdict.retCode == _BANNED or (status == 403 and b"access too frequent" in body.lower())  # 403 may be geography
        refusal.transient |= is_banned or verdict.retCode in _TRANSIENT_CODES
        if is_banned:
            refusal.retry_after_seconds = _BAN_SECONDS
        elif verdict.retCode == _TOO_MANY and refusal.retry_after_seconds is None:
            refusal.retry_after_seconds = _wait(headers, verdict)
        return refusal

    def _interval(self, timeframe: Timeframe) -> str:
        if timeframe not in _INTERVALS:
            raise InputError(f"{self.name} has no {timeframe} candles; its narrowest are 1m")
        return _INTERVALS[timeframe]

    def _candle(self, symbol: str, timeframe: Timeframe, row: Bar) -> Candle:
        start, open_, high, low, close, volume, turnover = row
        return Candle(
            symbol, timeframe, start * 1000 + timeframe.width_us, open_, high, low, close, volume, turnover,
            trades=None, taker_buy_volume=None, origin=Origin.EXCHANGE,
        )  # fmt: skip


class BybitLinear(Bybit):
    """Bybit's perpetuals that are paid in USDT or USDC; their sizes are in the base currency too."""

    name: ClassVar[str] = "BYBITLINEAR"
    category: ClassVar[str] = "linear"
    page: ClassVar[int] = 1000

    def wire_symbol(self, symbol: str) -> str:
        """Return `BTCUSDT`, or `BTCPERP` for the one that is paid in USDC."""
        parsed = Symbol.parse(symbol)
        if parsed.suffix or parsed.quote not in {"USDT", "USDC"}:
            example = f"{self.name}:BTC-USDT"
            raise InputError(f"{symbol} is no perpetual paid in USDT or USDC, of {self.name} only these are supported: {example}")
        return parsed.base + ("PERP" if parsed.quote == "USDC" else "USDT")


def _wait(headers: Mapping[str, str], verdict: Verdict) -> float | None:
    """Return the seconds until the venue's limit is lifted; both moments are in its own clock."""
    reset = headers.get("x-bapi-limit-reset-timestamp", "")
    if not (verdict.time and reset.isascii() and reset.isdigit() and len(reset) < 16):
        return None
    return max(0.0, (int(reset) - verdict.time) / 1000)
