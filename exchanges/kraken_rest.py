"""Kraken spot over REST: clock, symbols, trades and candles, and what may be asked again.

Sources: docs.kraken.com, "Get Server Time", "Get Tradable Asset Pairs", "Get Recent Trades", "Get OHLC Data", "API errors".
"""

from collections.abc import Generator, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, TypeVar

import msgspec

from exchanges import base
from exchanges.refusals import seconds_until
from market.candle import Candle, Origin
from market.errors import InputError, VenueError
from market.timeframe import SECOND_US, Timeframe
from market.trade import Side, Trade
from market.window import Window

T = TypeVar("T")

REST_NAMES = {"BTC": "XBT", "DOGE": "XDG"}
"""What the REST interface still calls otherwise than the websocket does, and than we do."""

_OUR_NAMES = {theirs: ours for ours, theirs in REST_NAMES.items()}
# Where Kraken's weeks begin is not documented; ours begin on a Monday.
_MINUTES = {
    Timeframe.M1: 1, Timeframe.M5: 5, Timeframe.M15: 15, Timeframe.M30: 30, Timeframe.H1: 60, Timeframe.H4: 240, Timeframe.D1: 1440,
}  # fmt: skip
_EARLIER_US = SECOND_US  # how much before a wanted trade a page begins: the times of rows are floats, 0.24 microseconds apart
_BORDER_NS = 1_000  # how far a page goes back over the border of the one before it
_MOST_GUESSES = 24
_LONGEST_WAIT = 3600.0
_TRANSIENT = (
    "EAPI:Rate limit exceeded", "EService:Throttled", "EService:Busy", "EService:Unavailable", "EService:Timeout",
    "EGeneral:Internal error", "EGeneral:Temporary lockout", "EGeneral:Too many requests",
)  # fmt: skip

_SIDES = {"b": Side.BUY, "s": Side.SELL}
_Seconds = Annotated[int, msgspec.Meta(ge=0, lt=253_402_300_800)]
_Moment = Annotated[float, msgspec.Meta(ge=0, lt=253_402_300_800)]
_Digits = Annotated[int, msgspec.Meta(ge=0, le=30)]
_Cursor = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,20}$")]


class _Trade(msgspec.Struct, array_like=True, gc=False):
    # ["30243.40000","0.34507674",1688669597.8277369,"b","m","",61044952]
    price: base.Positive
    volume: base.Positive
    time: _Moment
    side: Literal["b", "s"]
    order_type: str
    misc: str
    trade_id: base.TradeId


class _Bar(msgspec.Struct, array_like=True, gc=False):
    # [1688671200,"30306.1","30306.2","30305.7","30305.7","30306.1","3.39243896",23]
    time: _Seconds
    open: base.Positive
    high: base.Positive
    low: base.Positive
    close: base.Positive
    vwap: base.Amount
    volume: base.Amount
    count: Annotated[int, msgspec.Meta(ge=0, lt=2**31)]


class _Pair(msgspec.Struct):
    # {"altname":"XBTUSD","wsname":"XBT/USD","pair_decimals":1,"lot_decimals":8,"tick_size":"0.1","status":"online",…}
    pair_decimals: _Digits
    lot_decimals: _Digits
    wsname: str = ""
    tick_size: str = ""
    status: str = "online"


class _Time(msgspec.Struct):
    unixtime: _Seconds


class _Clock(msgspec.Struct):
    # {"error":[],"result":{"unixtime":1688669448,"rfc1123":"Thu, 06 Jul 23 18:50:48 +0000"}}
    result: _Time


class _Pairs(msgspec.Struct):
    result: dict[str, _Pair]


class _Trades(msgspec.Struct):
    # {"error":[],"result":{"XXBTZUSD":[…],"last":"1688671969993150842"}}
    result: dict[str, list[_Trade] | _Cursor]


class _Bars(msgspec.Struct):
    # {"error":[],"result":{"XXBTZUSD":[…],"last":1688672160}}
    result: dict[str, list[_Bar] | int]


class _Refusal(msgspec.Struct):
    # {"error":["EQuery:Unknown asset pair"]}; a word that begins with W only warns
    error: list[str]


class _Page(msgspec.Struct):
    """Trades oldest first, and the cursor behind them."""

    trades: list[Trade]
    cursor: str


_clock = msgspec.json.Decoder(_Clock)
_pairs = msgspec.json.Decoder(_Pairs)
_trades = msgspec.json.Decoder(_Trades, strict=False)
_bars = msgspec.json.Decoder(_Bars, strict=False)
_refusal = msgspec.json.Decoder(_Refusal).decode

_Asking = Generator[base.Request, bytes, T]


class KrakenHistory(base.DataProvider):
    """The half of Kraken that is asked over REST."""

    # About one call a second; trades and candles are counted for each pair, and nothing says that they are counted apart.
    budgets: ClassVar[Mapping[str, base.Budget]] = {
        "": base.Budget(burst=1, per_second=0.8),
        "trades": base.Budget(burst=1, per_second=0.8),
    }

    def rest_name(self, symbol: str) -> str:
        """Return `XBTUSD` for `KRAKEN:BTC-USD`."""
        return "".join(REST_NAMES.get(name, name) for name in self.wire_symbol(symbol).split("/"))

    def server_time(self) -> base.Request:
        """Return the request for the venue's clock."""
        return base.Request("/0/public/Time")

    def parse_server_time(self, body: bytes) -> int:
        """Return the venue's clock, UTC epoch microseconds; it shows whole seconds."""
        return self.decode(_clock, body).result.unixtime * SECOND_US

    def instruments(self) -> base.Request:
        """Return the request for the list of symbols."""
        return base.Request("/0/public/AssetPairs")

    def parse_instruments(self, body: bytes) -> list[base.Instrument]:
        """Return the symbols that the venue lists; those without a name on the websocket are dark pools."""
        found = []
        for row in self.decode(_pairs, body).result.values():
            first, _, second = row.wsname.partition("/")
            symbol = self.pair_of(_OUR_NAMES.get(first, first), _OUR_NAMES.get(second, second))
            if symbol is None:
                continue
            tick = base.plain_decimal(row.tick_size) if row.tick_size else _step(row.pair_decimals)
            status = "live" if row.status == "online" else row.status.lower()
            found.append(base.Instrument(symbol, tick, _step(row.lot_decimals), status))
        return found

    def newest_trades(self, symbol: str, received_us: int) -> base.Pages:
        """Ask for the newest page of trades."""
        page = yield from self._page(symbol, None, received_us)
        return page.trades

    def trades(self, symbol: str, first_id: int, last_id: int, received_us: int, since_us: int | None = None) -> base.Pages:
        """Ask for a range of ids, oldest page first. Pages go by time; without one it is searched for from the newest page."""
        if first_id > last_id:
            return []
        page = yield from self._first_page(symbol, first_id, received_us, since_us)
        found: dict[int, Trade] = {}
        while page.trades:
            found |= {trade.trade_id: trade for trade in page.trades if first_id <= trade.trade_id <= last_id}
            newest_id = page.trades[-1].trade_id
            if newest_id >= last_id:
                break
            page = yield from self._next_page(symbol, page, first_id, received_us)
            if page.trades and page.trades[-1].trade_id <= newest_id:
                break
        return [found[trade_id] for trade_id in sorted(found)]

    def _next_page(self, symbol: str, page: _Page, first_id: int, received_us: int) -> _Asking[_Page]:
        """Return the page behind one. Trades of one moment may lie on both sides of the border: then it is drawn back a little."""
        expected_id = page.trades[-1].trade_id + 1
        following = yield from self._page(symbol, page.cursor, received_us)
        if not following.trades or following.trades[0].trade_id > max(expected_id, first_id):
            overlapping = yield from self._page(symbol, str(max(0, int(page.cursor) - _BORDER_NS)), received_us)
            if overlapping.trades and overlapping.trades[-1].trade_id >= expected_id:
                return overlapping
        return following

    def _first_page(self, symbol: str, first_id: int, received_us: int, since_us: int | None) -> _Asking[_Page]:
        """Return a page that begins with an id or not far before it, as near as there is one."""
        moment_us = None if since_us is None else max(0, since_us - _EARLIER_US)
        page = yield from self._page(symbol, _cursor(moment_us), received_us)
        early: _Page | None = None
        late: _Page | None = None
        for number in range(_MOST_GUESSES):
            if page.trades and page.trades[0].trade_id > first_id:
                late = page
            elif late is None or not page.trades or page.trades[-1].trade_id + self.page >= first_id:
                return page
            elif early is None or page.trades[-1].trade_id > early.trades[-1].trade_id:
                early = page
            guess_us = _guess(early, late, first_id - self.page, number)
            if moment_us in {0, guess_us}:
                break
            moment_us = guess_us
            page = yield from self._page(symbol, _cursor(moment_us), received_us)
        return early or page

    def _page(self, symbol: str, cursor: str | None, received_us: int) -> _Asking[_Page]:
        pair = self.rest_name(symbol)
        since = () if cursor is None else (("since", cursor),)
        params = (("pair", pair), ("count", str(self.page)), *since)
        body = yield base.Request("/0/public/Trades", params, budget=f"trades:{pair}")
        result = self.decode(_trades, body).result
        following, rows = result.get("last"), self._rows(result, body)
        if not isinstance(following, str):
            raise self.wire_error(body)
        trades = [
            Trade(symbol, row.trade_id, row.price, row.volume, _SIDES[row.side], _micros(row.time), received_us) for row in rows
        ]
        return _Page(sorted(trades, key=lambda trade: trade.trade_id), following)

    def candles(self, symbol: str, timeframe: Timeframe, window: Window) -> base.CandlePages:
        """Ask for the closed candles of a window: of the newest 720 only, older ones are absent. The last row is forming."""
        if timeframe not in _MINUTES:
            raise InputError(f"{self.name} has no {timeframe} candles that can be used here; it has {', '.join(_MINUTES)}")
        pair = self.rest_name(symbol)
        since = max(0, window.start_us - timeframe.width_us) // SECOND_US  # exclusive
        params = (("pair", pair), ("interval", str(_MINUTES[timeframe])), ("since", str(since)))
        body = yield base.Request("/0/public/OHLC", params, budget=f"trades:{pair}")
        rows = self._rows(self.decode(_bars, body).result, body)
        candles = [self._candle(symbol, timeframe, row) for row in rows[:-1]]
        return [candle for candle in candles if candle.open_us in window and candle.timestamp_us <= window.end_us]

    def _candle(self, symbol: str, timeframe: Timeframe, row: _Bar) -> Candle:
        return Candle(
            symbol, timeframe, row.time * SECOND_US + timeframe.width_us, row.open, row.high, row.low, row.close, row.volume,
            quote_volume=None, trades=row.count, taker_buy_volume=None, origin=Origin.EXCHANGE,
        )  # fmt: skip

    def _rows(self, result: Mapping[str, list[T] | str | int], body: bytes) -> list[T]:
        # The pair that is asked for as XBTUSD is answered as XXBTZUSD: it is the only key beside "last".
        found = [value for key, value in result.items() if key != "last"]
        if len(found) != 1 or not isinstance(found[0], list):
            raise self.wire_error(body)
        return found[0]

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> VenueError | None:
        """Return why an answer is a refusal: errors come with HTTP 200."""
        try:
            words = [word for word in _refusal(body).error if not word.startswith("W")]
        except base.BAD_JSON:
            words = []
        if status == 200 and not words:
            return None
        refusal = base.http_refusal(self.name, status, headers, ", ".join(words))
        plain = [word.replace(": ", ":") for word in words]
        refusal.transient |= any(word.startswith(_TRANSIENT) for word in plain)
        if refusal.retry_after_seconds is None:
            refusal.retry_after_seconds = _throttled_seconds(plain, headers)
        return refusal


def _step(digits: int) -> str:
    return format(Decimal(1).scaleb(-digits), "f")


def _cursor(moment_us: int | None) -> str | None:
    return None if moment_us is None else str(moment_us * 1000)


def _micros(seconds: float) -> int:
    # What is printed beyond the microsecond is cut: 59.9999999 must not become the next minute.
    return int(Decimal(repr(seconds)) * SECOND_US)


def _guess(early: _Page | None, late: _Page, trade_id: int, number: int) -> int:
    """Return when an id may have been traded: behind a page that ends before it and before one that begins behind it.

    Without the first of them it is guessed further back each time, for the market may have been slower once.
    """
    after, before = late.trades[0], early.trades[-1] if early else late.trades[-1]
    pace_us = (after.timestamp_us - before.timestamp_us) / ((after.trade_id - before.trade_id) or 1)
    back_us = int(pace_us * (after.trade_id - trade_id))
    if early is None:
        back_us = back_us * 5 // 4 + (_EARLIER_US << 2 * number)
    return max(0, after.timestamp_us - back_us)


def _throttled_seconds(words: Sequence[str], headers: Mapping[str, str]) -> float | None:
    # "EService:Throttled:<unix seconds>" says until when; how long that is only the answer's own date tells.
    until = next((word.rpartition(":")[2] for word in words if word.startswith("EService:Throttled:")), "")
    wait = seconds_until(int(until) * SECOND_US, headers) if until.isascii() and until.isdigit() and len(until) < 16 else None
    return wait if wait and wait <= _LONGEST_WAIT else None
