"""Binance spot on the wire: what to send, and what its frames and answers mean.

Sources: binance-spot-api-docs, web-socket-streams.md, rest-api.md, errors.md.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import ClassVar

import msgspec

from exchanges import base
from exchanges.binance_market import BinanceMarket, Wrapped, unwrapped
from market.errors import WireError
from market.timeframe import Timeframe
from market.trade import Side, Trade


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


_frame = msgspec.json.Decoder(Wrapped[_Fill | _Aggregate], strict=False).decode
_raw = msgspec.json.Decoder(_Fill | _Aggregate, strict=False).decode
_BUY, _SELL = Side.BUY, Side.SELL  # looking a member up costs more than making a trade of it


class Binance(BinanceMarket):
    """Binance spot. Channel `trade` sends each fill; `aggTrade` merges the fills of one taker order at one price."""

    name: ClassVar[str] = "BINANCE"
    home: ClassVar[base.Endpoints] = base.Endpoints("wss://stream.binance.com:9443", "https://api.binance.com")
    channels: ClassVar[tuple[str, ...]] = ("trade", "aggTrade")
    merging: ClassVar[frozenset[str]] = frozenset({"aggTrade"})
    budgets: ClassVar[Mapping[str, base.Budget]] = {"": base.Budget(burst=500, per_second=60)}  # weight 6,000 a minute
    root: ClassVar[str] = "/api/v3"
    list_cost: ClassVar[float] = 20
    too_narrow: ClassVar[frozenset[Timeframe]] = frozenset({Timeframe.S5, Timeframe.S15, Timeframe.S30})

    def wire_symbol(self, symbol: str) -> str:
        """Return `BTCUSDT`; derivatives live on other addresses and are refused."""
        parsed = self.spot(symbol)
        return parsed.base + parsed.quote

    def stream_path(self) -> str:
        """Return the path of combined streams; what is in them is asked for by frames, which are answered."""
        return "/stream"

    def parse(self, frame: bytes, received_us: int) -> list[Trade] | base.Control:
        """Return the trade of a frame, combined or raw, or what else the frame says."""
        data = unwrapped(frame, _frame, _raw)
        if data is None:
            return self.parse_control(frame)
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

    def newest_trades(self, symbol: str, received_us: int) -> base.Pages:
        """Ask for the newest page of trades."""
        return self._newest("trades", 25, symbol, partial(self._history, symbol, received_us))

    def trades(self, symbol: str, first_id: int, last_id: int, received_us: int, since_us: int | None = None) -> base.Pages:  # noqa: ARG002
        """Ask for a range of ids, oldest page first: `fromId` is inclusive."""
        read = partial(self._history, symbol, received_us)
        return self._by_id("historicalTrades", 25, symbol, first_id, last_id, read)

    def _kline_page(self, wanted: int) -> tuple[int, float]:  # noqa: ARG002 - every page has the same weight
        return self.page, 2
