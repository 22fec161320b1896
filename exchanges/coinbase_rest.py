"""Coinbase's REST interface on the wire: clock, products, trades and candles of Coinbase Exchange.

Sources: Coinbase Exchange documentation, "REST Pagination", "REST Rate Limits", "Get product trades", "Get product candles".
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Annotated, ClassVar, Literal

import msgspec

from exchanges import base
from market.candle import Candle, Origin
from market.clock import from_datetime
from market.errors import InputError, VenueError
from market.timeframe import SECOND_US, Timeframe
from market.trade import Side, Trade
from market.window import Window

_CANDLES_PAGE = 300
_WIDTHS = {"1m", "5m", "15m", "1h", "1d"}
_OWN_BOOKS = {"USDT-USDC", "EURC-USDC"}
_SECOND = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)
_SECOND_LENGTH = 19
_MOST_DIGITS = 9
# The venue prints the maker's side: a resting sell was hit by a taker who bought.
TAKER = {"buy": Side.SELL, "sell": Side.BUY, "BUY": Side.SELL, "SELL": Side.BUY}


class _Time(msgspec.Struct):
    # {"iso":"2015-01-07T23:47:25.201Z","epoch":1420674445.201}
    iso: str


class _Product(msgspec.Struct):
    # {"id":"BTC-USD","base_currency":"BTC","quote_currency":"USD","quote_increment":"0.01","base_increment":"0.00000001",…}
    id: str
    base_currency: str
    quote_currency: str
    quote_increment: str
    base_increment: str
    status: str
    trading_disabled: bool = False
    cancel_only: bool = False
    post_only: bool = False


class _Trade(msgspec.Struct, gc=False):
    # {"trade_id":74,"side":"sell","size":"0.01000000","price":"10.00000000","time":"2014-11-07T22:19:28.578544Z"}
    trade_id: base.TradeId
    side: Literal["buy", "sell"]
    size: base.Positive
    price: base.Positive
    time: str


class _Refusal(msgspec.Struct):
    # {"message":"Public rate limit exceeded"}
    message: str = ""


# [time, low, high, open, close, volume]: numbers, and in this order
_Row = tuple[
    Annotated[int, msgspec.Meta(ge=0, lt=253_402_300_800)],
    base.Positive,
    base.Positive,
    base.Positive,
    base.Positive,
    base.Amount,
]

_time = msgspec.json.Decoder(_Time)
_products = msgspec.json.Decoder(list[_Product])
_trades = msgspec.json.Decoder(list[_Trade], strict=False)
_rows = msgspec.json.Decoder(list[_Row], strict=False)
_refusal = msgspec.json.Decoder(_Refusal).decode


def book_of(wire: str) -> str:
    """Return the product whose trades Advanced Trade sends for one: of `BTC-USDC` they are those of `BTC-USD`."""
    return wire.removesuffix("C") if wire.endswith("-USDC") and wire not in _OWN_BOOKS else wire


def moment_of(text: str) -> int:
    """Return the moment of a text as `2026-08-09T21:05:42.514318Z`, UTC epoch microseconds.

    Up to nine digits may follow the second; what is finer than a microsecond is cut off, never rounded: a trade stays in its
    minute.

    Raises:
        ValueError: If the text is no such moment.
    """
    second, fraction = text[:_SECOND_LENGTH], text[_SECOND_LENGTH + 1 : -1]
    if text[_SECOND_LENGTH:] == "Z":
        return _second(second)
    if text[_SECOND_LENGTH : _SECOND_LENGTH + 1] != "." or text[-1] != "Z" or len(fraction) > _MOST_DIGITS:
        raise ValueError(text)
    if not (fraction.isascii() and fraction.isdigit()):
        raise ValueError(text)
    return _second(second) + int(fraction[:6].ljust(6, "0"))


@lru_cache(4096)
def _second(text: str) -> int:
    # Trades come in bursts: most share their second with the one before.
    if not _SECOND.fullmatch(text):
        raise ValueError(text)
    moment_us = from_datetime(datetime.fromisoformat(text))
    if moment_us < 0:
        raise ValueError(text)
    return moment_us


class CoinbaseHistory(base.DataProvider):
    """What both of Coinbase's feeds share: one numbering of trades, and one REST interface that has them all."""

    # Ten a second, fifteen at once.
    budgets: ClassVar[Mapping[str, base.Budget]] = {"": base.Budget(burst=8, per_second=7)}
    candle_page: ClassVar[int] = _CANDLES_PAGE
    candle_delay_seconds: ClassVar[float] = 600.0  # new rows came up to seven minutes late
    skips_quiet: ClassVar[bool] = True

    def wire_symbol(self, symbol: str) -> str:
        """Return `BTC-USD`; futures and perpetuals are refused."""
        return self.spot(symbol).pair

    def server_time(self) -> base.Request:
        """Return the request for the venue's clock."""
        return base.Request("/time")

    def parse_server_time(self, body: bytes) -> int:
        """Return the venue's clock, UTC epoch microseconds."""
        try:
            return moment_of(self.decode(_time, body).iso)
        except ValueError as error:
            raise self.wire_error(body) from error

    def instruments(self) -> base.Request:
        """Return the request for the list of products."""
        return base.Request("/products")

    def parse_instruments(self, body: bytes) -> list[base.Instrument]:
        """Return the products that the venue lists under the name of their pair; auctions have names of their own."""
        listed = [(self.pair_of(row.base_currency, row.quote_currency), row) for row in self.decode(_products, body)]
        return [
            base.Instrument(symbol, base.plain_decimal(row.quote_increment), base.plain_decimal(row.base_increment), _status(row))
            for symbol, row in listed
            if symbol and symbol == f"{self.name}:{row.id}"
        ]

    def newest_trades(self, symbol: str, received_us: int) -> base.Pages:
        """Ask for the newest page of trades."""
        body = yield self._trades_request(symbol, self.page)
        return self._history(symbol, body, received_us)

    def trades(self, symbol: str, first_id: int, last_id: int, received_us: int, since_us: int | None = None) -> base.Pages:  # noqa: ARG002
        """Ask for a range of ids, from its end downwards: `after` is exclusive and answers with the next older rows.

        `before` is not sent: which end of a longer range it answers with is not documented.
        """
        pages: list[list[Trade]] = []
        after = last_id + 1
        while after > first_id:
            request = self._trades_request(symbol, min(self.page, after - first_id), after)
            page = [trade for trade in self._history(symbol, (yield request), received_us) if trade.trade_id < after]
            if not page:
                break
            pages.append(page)
            after = page[0].trade_id
        return [trade for page in reversed(pages) for trade in page if trade.trade_id >= first_id]

    def candles(self, symbol: str, timeframe: Timeframe, window: Window) -> base.CandlePages:
        """Ask for the closed candles of a window, oldest page first; spans without a trade have none.

        A row does not say whether its span is over, so the window must not end later than now.
        """
        if timeframe not in _WIDTHS:
            raise InputError(f"{self.name} has no {timeframe} candles; it has 1m, 5m, 15m, 1h, 1d, which wider ones are made of")
        found: list[Candle] = []
        width = timeframe.width_us
        start = timeframe.open_of(window.start_us + width - 1)
        while start + width <= window.end_us:
            last = min(start + (_CANDLES_PAGE - 1) * width, timeframe.open_of(window.end_us - width))
            params = (("granularity", str(width // SECOND_US)), ("start", str(start // SECOND_US)), ("end", str(last // SECOND_US)))
            body = yield base.Request(f"/products/{self._product(symbol)}/candles", params)
            rows = {row[0] * SECOND_US: row for row in self.decode(_rows, body)}  # may hold some of before `start`
            found += [_candle(symbol, timeframe, rows[open_us]) for open_us in sorted(rows) if start <= open_us <= last]
            start = last + width
        return found

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> VenueError | None:
        """Return why an answer is a refusal; 429 says that there were too many requests, and no time to wait."""
        if status == 200:
            return None
        try:
            words = _refusal(body).message
        except base.BAD_JSON:
            words = ""
        return base.http_refusal(self.name, status, headers, words)

    def _product(self, symbol: str) -> str:
        wire = self.wire_symbol(symbol)
        return book_of(wire) if self.channel == "market_trades" else wire

    def _trades_request(self, symbol: str, limit: int, after: int | None = None) -> base.Request:
        cursor = () if after is None else (("after", str(after)),)
        return base.Request(f"/products/{self._product(symbol)}/trades", (*cursor, ("limit", str(limit))))

    def _history(self, symbol: str, body: bytes, received_us: int) -> list[Trade]:
        rows = self.decode(_trades, body)
        rows.sort(key=lambda row: row.trade_id)  # newest first on the wire
        try:
            return [
                Trade(symbol, row.trade_id, row.price, row.size, TAKER[row.side], moment_of(row.time), received_us) for row in rows
            ]
        except ValueError as error:
            raise self.wire_error(body) from error


def _status(row: _Product) -> str:
    if row.status != "online":
        return row.status.lower()
    for barred in ("trading_disabled", "cancel_only", "post_only"):  # limit_only is no bar: limit orders trade too
        if getattr(row, barred):
            return barred
    return "live"


def _candle(symbol: str, timeframe: Timeframe, row: _Row) -> Candle:
    start, low, high, open_, close, volume = row
    return Candle(
        symbol, timeframe, start * SECOND_US + timeframe.width_us, open_, high, low, close, volume, quote_volume=None,
        trades=None, taker_buy_volume=None, origin=Origin.EXCHANGE,
    )  # fmt: skip
