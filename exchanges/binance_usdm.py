"""Binance USD-M futures on the wire: what to send, and what the frames and answers of its perpetuals mean.

Sources: developers.binance.com, "USDⓈ-M Futures": Websocket Market Streams, Aggregate Trade Streams, Compressed/Aggregate
Trades List, Recent Trades List, Kline/Candlestick Data, Exchange Information; the clients of binance-connector-python.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import ClassVar

import msgspec

from exchanges import base
from exchanges.binance_market import BinanceMarket, Listed, Wrapped, unwrapped
from market.errors import InputError, WireError
from market.symbol import Symbol
from market.timeframe import Timeframe
from market.trade import Side, Trade

_COIN_M = 2
_MARKET = "MARKET"
_MOST_FILLS = 2**31


class _Fill(msgspec.Struct, tag_field="e", tag="trade", gc=False):
    # {"e":"trade","E":…,"T":1680652700452,"s":"BTCUSDT","t":3535186032,"p":"28145.10","q":"0.002","X":"MARKET","m":true}
    s: str
    t: base.TradeId
    p: base.Positive
    q: base.Positive
    T: base.Millis
    m: bool
    X: str = _MARKET
    st: int = 1


class _Aggregate(msgspec.Struct, tag_field="e", tag="aggTrade", gc=False):
    # {"e":"aggTrade","E":1626992741575,"a":16599292,"s":"CTKUSDT","p":"1.01100","q":"10","f":23961322,"l":23961322,
    #  "T":1626992741421,"m":false}; since 2026 also "nq":"10", the part without RPI orders, and "st":1
    s: str
    a: base.TradeId
    f: base.TradeId
    l: base.TradeId  # noqa: E741 - the venue's name
    p: base.Positive
    q: base.Positive
    T: base.Millis
    m: bool
    st: int = 1


class _Placeholder(msgspec.Struct):
    # {"e":"trade","E":…,"T":…,"s":"BTCUSDT","t":7950493454,"p":"0","q":"0","X":"NA","m":true,"st":1}: a number without a trade,
    # some fifteen a minute of a busy symbol
    e: str
    s: str
    p: float
    q: float
    X: str


class _OldAggregate(msgspec.Struct, gc=False):
    # {"a":26129,"p":"0.01633102","q":"4.70443515","nq":"4.70443515","f":27781,"l":27781,"T":1498793709153,"m":true}
    a: base.TradeId
    f: base.TradeId
    l: base.TradeId  # noqa: E741 - the venue's name
    p: base.Positive
    q: base.Positive
    T: base.Millis
    m: bool


_frame = msgspec.json.Decoder(Wrapped[_Fill | _Aggregate], strict=False).decode
_raw = msgspec.json.Decoder(_Fill | _Aggregate, strict=False).decode
_placeholder_frame = msgspec.json.Decoder(Wrapped[_Placeholder], strict=False).decode
_placeholder = msgspec.json.Decoder(_Placeholder, strict=False).decode
_old_aggregates = msgspec.json.Decoder(list[_OldAggregate], strict=False)
_BUY, _SELL = Side.BUY, Side.SELL  # looking a member up costs more than making a trade of it


class BinanceUsdm(BinanceMarket):
    """Binance USD-M perpetuals, written as their pair: `BINANCEUSDM:BTC-USDT`; sizes are in the base currency.

    Channel `aggTrade` merges the fills of one price and taker side of 100 ms. Its trades are numbered by the aggregate's own
    id, which rises by one; the ids of the fills inside, `f` to `l`, skip what is no market trade, so they prove nothing.

    Channel `trade` sends each fill, and the venue does not promise it. Its ids have holes too, and over REST only the newest
    page of them can be had without a key. What the insurance fund or a deleveraging traded comes with a count of 0.
    """

    name: ClassVar[str] = "BINANCEUSDM"
    home: ClassVar[base.Endpoints] = base.Endpoints("wss://fstream.binance.com", "https://fapi.binance.com")
    channels: ClassVar[tuple[str, ...]] = ("aggTrade", "trade")
    merging: ClassVar[frozenset[str]] = frozenset({"aggTrade"})
    unproven: ClassVar[frozenset[str]] = frozenset({"trade"})
    budgets: ClassVar[Mapping[str, base.Budget]] = {"": base.Budget(burst=200, per_second=24)}  # weight 2,400 a minute
    history_seconds: ClassVar[float | None] = 47.5 * 3600  # of aggregates; the venue answers for the past 48 hours
    root: ClassVar[str] = "/fapi/v1"
    list_cost: ClassVar[float] = 1
    too_narrow: ClassVar[frozenset[Timeframe]] = frozenset({Timeframe.S1, Timeframe.S5, Timeframe.S15, Timeframe.S30})

    def wire_symbol(self, symbol: str) -> str:
        """Return `BTCUSDT`; contracts that are delivered are refused."""
        parsed = Symbol.parse(symbol)
        if parsed.suffix:
            example = f"{self.name}:BTC-USDT"
            raise InputError(f"{symbol} is delivered; of {self.name} only perpetuals are supported, for example {example}")
        return parsed.base + parsed.quote

    def stream_path(self) -> str:
        """Return the path that carries the channel: on the other ones, and on the old `/stream`, it is acknowledged and silent."""
        return "/public/stream" if self.channel == "trade" else "/market/stream"

    def parse(self, frame: bytes, received_us: int) -> list[Trade] | base.Control:
        """Return the trade of a frame, combined or raw, or what else the frame says."""
        data = unwrapped(frame, _frame, _raw)
        if data is None:
            return self._parse_placeholder(frame)
        if data.st == _COIN_M:  # streams of all symbols carry both markets
            return base.Control(base.ControlKind.OTHER)
        if data.s not in self._by_wire:
            raise self.wire_error(frame)
        return [self._trade(data, received_us, frame)]

    def parse_all(self, frames: Iterable[bytes], received_us: int) -> base.Parsed:
        """Return what some frames say: the frames of a busy stream with one decoding for each."""
        parsed = base.Parsed()
        keep = parsed.trades.append
        for frame in frames:
            try:
                data = _frame(frame).data
                if data.st == _COIN_M:
                    parsed.controls.append(base.Control(base.ControlKind.OTHER))
                else:
                    keep(self._trade(data, received_us, frame))
            except (*base.BAD_JSON, KeyError, WireError):
                self._parse_into(parsed, frame, received_us)
        return parsed

    def _trade(self, data: _Fill | _Aggregate, received_us: int, frame: bytes) -> Trade:
        symbol, side = self._by_wire[data.s], _SELL if data.m else _BUY  # m: the buyer was the maker, so the taker sold
        if isinstance(data, _Fill):
            return Trade(symbol, data.t, data.p, data.q, side, data.T * 1000, received_us, int(data.X == _MARKET))
        count = data.l - data.f + 1
        if not 0 < count < _MOST_FILLS:
            raise self.wire_error(frame)
        return Trade(symbol, data.a, data.p, data.q, side, data.T * 1000, received_us, count)

    def _parse_placeholder(self, frame: bytes) -> base.Control:
        data = unwrapped(frame, _placeholder_frame, _placeholder)
        if data is None or (data.e, data.p, data.q, data.X) != ("trade", 0.0, 0.0, "NA"):
            return self.parse_control(frame)
        return base.Control(base.ControlKind.OTHER, self._by_wire.get(data.s))

    def newest_trades(self, symbol: str, received_us: int) -> base.Pages:
        """Ask for the newest page of aggregates, or of fills where those are streamed."""
        if self.channel == "trade":
            return self._newest("trades", 5, symbol, partial(self._history, symbol, received_us))
        return self._newest("aggTrades", 20, symbol, partial(self._aggregates, symbol, received_us))

    def trades(self, symbol: str, first_id: int, last_id: int, received_us: int, since_us: int | None = None) -> base.Pages:  # noqa: ARG002
        """Ask for a range of ids of aggregates, oldest page first; of fills, for what of it is in the newest page.

        Fills by id are answered to the owner of an API key only. The newest page has market trades only.
        """
        if self.channel == "trade":
            return self._recent(symbol, first_id, last_id, received_us)
        read = partial(self._aggregates, symbol, received_us)
        return self._by_id("aggTrades", 20, symbol, first_id, last_id, read)

    def _recent(self, symbol: str, first_id: int, last_id: int, received_us: int) -> base.Pages:
        page = yield from self.newest_trades(symbol, received_us)
        return [trade for trade in page if first_id <= trade.trade_id <= last_id]

    def _aggregates(self, symbol: str, received_us: int, body: bytes) -> list[Trade]:
        rows = self.decode(_old_aggregates, body)
        if not all(0 <= row.l - row.f < _MOST_FILLS - 1 for row in rows):
            raise self.wire_error(body)
        return [
            Trade(symbol, row.a, row.p, row.q, _SELL if row.m else _BUY, row.T * 1000, received_us, row.l - row.f + 1)
            for row in rows
        ]

    def _carries(self, row: Listed) -> bool:
        # Its name has to be the pair's, or it could not be asked for.
        return row.contractType == "PERPETUAL" and row.symbol == row.baseAsset + row.quoteAsset

    def _kline_page(self, wanted: int) -> tuple[int, float]:
        # One row more than there can be, so that a page that is not full is the last one.
        limit = min(self.page, wanted + 1)
        return limit, 1 if limit < 100 else 2 if limit < 500 else 5
