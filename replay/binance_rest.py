"""The local exchange's Binance REST interface: clock, symbols, trades, aggregate trades and klines, with its error codes."""

from typing import Any

from market.timeframe import MINUTE_US
from replay.answer import Answer, Question
from replay.bars import Interval
from replay.binance import EIGHT, wire_symbols
from replay.binance_answers import (
    Refused,
    Reply,
    aggregate_row,
    aggregates_asked,
    answer_of,
    bars_asked,
    day_row,
    fill_row,
    kline_row,
    limit_of,
    ping,
    symbol_of,
    time,
    wanted,
)
from replay.source import Market

PREFIX = "/api/v3/"
PREFIXES = (PREFIX, "/sapi/")
_AVERAGE_MINUTES = 5
_ENDLESS_US = 2**62


def answer(question: Question, market: Market) -> Answer:
    """Return the answer to a GET; what it does not have is 404."""
    return answer_of(_REPLIES, question.path.removeprefix(PREFIX), question, market)


def weight_of(question: Question) -> int:
    """Return how much of the minute's budget a request costs."""
    return _WEIGHTS.get(question.path.removeprefix(PREFIX), 1)


def _status(question: Question, market: Market) -> Any:  # noqa: ARG001
    return {"status": 0, "msg": "normal"}


def _exchange_info(question: Question, market: Market) -> Any:
    known = wire_symbols(market)
    return {
        "timezone": "UTC", "serverTime": market.now_ms,
        "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
            {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 300_000},
        ],
        "exchangeFilters": [], "symbols": [_listed(wire, known[wire], market) for wire in wanted(question, market)],
    }  # fmt: skip


def _listed(wire: str, symbol: str, market: Market) -> dict[str, Any]:
    instrument = market.source.instruments[symbol]
    base, _, quote = symbol.partition(":")[2].partition("-")
    tick, lot = (EIGHT.price_text(float(text)) for text in (instrument.tick_size, instrument.lot_size))
    return {
        "symbol": wire, "status": "TRADING", "baseAsset": base, "baseAssetPrecision": 8, "quoteAsset": quote, "quotePrecision": 8,
        "quoteAssetPrecision": 8, "baseCommissionPrecision": 8, "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"], "icebergAllowed": True, "ocoAllowed": True, "otoAllowed": True,
        "quoteOrderQtyMarketAllowed": True, "allowTrailingStop": True, "cancelReplaceAllowed": True,
        "isSpotTradingAllowed": True, "isMarginTradingAllowed": False,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000000.00000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "9000000.00000000", "stepSize": lot},
            {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True, "maxNotional": "9000000.00000000",
             "applyMaxToMarket": False, "avgPriceMins": 5},
        ],
        "permissions": [], "permissionSets": [["SPOT"]], "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }  # fmt: skip


def _trades(question: Question, market: Market) -> Any:
    fills = market.source.fills(symbol_of(question, market))
    return [fill_row(trade, EIGHT) | {"isBestMatch": True} for trade in fills.newest(market.played(fills), limit_of(question))]


def _historical_trades(question: Question, market: Market) -> Any:
    fills, limit, first_id = market.source.fills(symbol_of(question, market)), limit_of(question), question.whole("fromId")
    stop = market.played(fills)
    start = max(0, stop - limit if first_id is None else fills.find(first_id))
    return [fill_row(trade, EIGHT) | {"isBestMatch": True} for trade in fills.slice(start, min(stop, start + limit))]


def _agg_trades(question: Question, market: Market) -> Any:
    return [aggregate_row(number, trade, EIGHT) | {"M": True} for number, trade in aggregates_asked(question, market)]


def _klines(question: Question, market: Market) -> Any:
    interval, bars = bars_asked(question, market)
    return [kline_row(bar, interval, EIGHT) for bar in bars]


def _average_price(question: Question, market: Market) -> Any:
    symbol = symbol_of(question, market)
    bars = market.newest_bars(symbol, Interval(MINUTE_US), _ENDLESS_US, _AVERAGE_MINUTES)
    if not bars:
        raise Refused(-1121, "Invalid symbol.")
    fills, volume = market.source.fills(symbol), sum(bar.volume for bar in bars)
    price = sum(bar.quote_volume for bar in bars) / volume if volume else bars[-1].close
    [last] = fills.newest(market.played(fills), 1)
    return {"mins": _AVERAGE_MINUTES, "price": EIGHT.price_text(round(price, 8)), "closeTime": last.timestamp_us // 1000}


def _ticker_price(question: Question, market: Market) -> Any:
    rows = []
    for wire in wanted(question, market):
        fills = market.source.fills(wire_symbols(market)[wire])
        rows += [{"symbol": wire, "price": EIGHT.price_text(last.price)} for last in fills.newest(market.played(fills), 1)]
    return rows[0] if rows and question.params.get("symbol") else rows


def _ticker_day(question: Question, market: Market) -> Any:
    rows = []
    for wire in wanted(question, market):
        fills = market.source.fills(wire_symbols(market)[wire])
        days = [day_row(wire, last, market, EIGHT) for last in fills.newest(market.played(fills), 1)]
        rows += [day | {"prevClosePrice": day["openPrice"]} for day in days if day is not None]
    return rows[0] if rows and question.params.get("symbol") else rows


_REPLIES: dict[str, Reply] = {
    "ping": ping, "time": time, "exchangeInfo": _exchange_info, "trades": _trades, "historicalTrades": _historical_trades,
    "aggTrades": _agg_trades, "klines": _klines, "uiKlines": _klines, "avgPrice": _average_price, "ticker/price": _ticker_price,
    "ticker/24hr": _ticker_day, "/sapi/v1/system/status": _status,
}  # fmt: skip
_WEIGHTS = {
    "exchangeInfo": 20, "trades": 25, "historicalTrades": 25, "aggTrades": 4, "klines": 2, "uiKlines": 2, "avgPrice": 2,
    "ticker/price": 2, "ticker/24hr": 2,
}  # fmt: skip
