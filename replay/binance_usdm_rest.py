"""The local exchange's REST interface of Binance's USD-M futures: what is public of `/fapi/v1/`, with its error codes.

Aggregates are answered for the past 48 hours only, as the venue does, and fills by id are refused: they need an API key.
"""

from typing import Any

from market.timeframe import DAY_US
from market.trade import Trade
from replay.answer import Answer, Question
from replay.binance import Digits, wire_symbols
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
from replay.binance_usdm import digits_of
from replay.source import Market

PREFIX = "/fapi/v1/"
_HISTORY_US = 2 * DAY_US
_HOUR_MS = 3_600_000
_MOST_KLINES = 1500
_NO_INTERVALS = frozenset({"1s"})
_PERPETUAL_UNTIL_MS = 4_133_404_800_000  # what the venue gives for the delivery of what is never delivered


def answer(question: Question, market: Market) -> Answer:
    """Return the answer to a GET; what it does not have is 404."""
    return answer_of(_REPLIES, question.path.removeprefix(PREFIX), question, market)


def weight_of(question: Question) -> int:
    """Return how much of the minute's budget a request costs; klines by their number."""
    name = question.path.removeprefix(PREFIX)
    if name != "klines":
        return _WEIGHTS.get(name, 1)
    try:
        limit = limit_of(question, _MOST_KLINES)
    except (Refused, ValueError):
        return 1
    return next(weight for below, weight in ((100, 1), (500, 2), (1001, 5), (_MOST_KLINES + 1, 10)) if limit < below)


def _exchange_info(question: Question, market: Market) -> Any:  # noqa: ARG001 - it takes no parameter
    return {
        "timezone": "UTC", "serverTime": market.now_ms, "futuresType": "U_MARGINED",
        "rateLimits": [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400}],
        "exchangeFilters": [], "assets": [],
        "symbols": [_listed(wire, symbol, market) for wire, symbol in wire_symbols(market).items()],
    }  # fmt: skip


def _listed(wire: str, symbol: str, market: Market) -> dict[str, Any]:
    instrument = market.source.instruments[symbol]
    tick, lot, digits = instrument.tick_size, instrument.lot_size, digits_of(instrument)
    base, _, quote = symbol.partition(":")[2].partition("-")
    return {
        "symbol": wire, "pair": wire, "contractType": "PERPETUAL", "deliveryDate": _PERPETUAL_UNTIL_MS,
        "onboardDate": 1_569_398_400_000, "status": "TRADING", "maintMarginPercent": "2.5000", "requiredMarginPercent": "5.0000",
        "baseAsset": base, "quoteAsset": quote, "marginAsset": quote, "pricePrecision": digits.price,
        "quantityPrecision": digits.size, "baseAssetPrecision": 8, "quotePrecision": 8, "underlyingType": "COIN",
        "underlyingSubType": [], "triggerProtect": "0.0500", "liquidationFee": "0.012500", "marketTakeBound": "0.05",
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "1000000", "stepSize": lot},
            {"filterType": "MARKET_LOT_SIZE", "minQty": lot, "maxQty": "1000", "stepSize": lot},
            {"filterType": "MAX_NUM_ORDERS", "limit": 200},
            {"filterType": "MIN_NOTIONAL", "notional": "5"},
        ],
        "orderTypes": ["LIMIT", "MARKET"], "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    }  # fmt: skip


def _trades(question: Question, market: Market) -> Any:
    symbol, limit = symbol_of(question, market), limit_of(question)
    digits = _digits(symbol, market)
    return [fill_row(trade, digits) | {"isRPITrade": False} for trade in _newest(symbol, market, limit)]


def _historical_trades(question: Question, market: Market) -> Any:  # noqa: ARG001
    raise Refused(-2014, "API-key format invalid.", 401)


def _agg_trades(question: Question, market: Market) -> Any:
    start_ms, end_ms = question.whole("startTime"), question.whole("endTime")
    if start_ms is not None and end_ms is not None and end_ms - start_ms > _HOUR_MS:
        raise Refused(-1127, "More than 1 hours between startTime and endTime.")
    digits = _digits(symbol_of(question, market), market)
    found = aggregates_asked(question, market, market.now_us - _HISTORY_US)
    return [row | {"nq": row["q"]} for row in (aggregate_row(number, trade, digits) for number, trade in found)]


def _klines(question: Question, market: Market) -> Any:
    interval, bars = bars_asked(question, market, _MOST_KLINES, _NO_INTERVALS)
    digits = _digits(symbol_of(question, market), market)
    return [kline_row(bar, interval, digits) for bar in bars]


def _ticker_price(question: Question, market: Market) -> Any:
    known, rows = wire_symbols(market), []
    for wire in wanted(question, market):
        digits = _digits(known[wire], market)
        rows += [
            {"symbol": wire, "price": digits.price_text(last.price), "time": last.timestamp_us // 1000}
            for last in _newest(known[wire], market, 1)
        ]
    return rows[0] if rows and question.params.get("symbol") else rows


def _ticker_day(question: Question, market: Market) -> Any:
    known, rows = wire_symbols(market), []
    for wire in wanted(question, market):
        days = [day_row(wire, last, market, _digits(known[wire], market)) for last in _newest(known[wire], market, 1)]
        rows += [day for day in days if day is not None]
    return rows[0] if rows and question.params.get("symbol") else rows


def _digits(symbol: str, market: Market) -> Digits:
    return digits_of(market.source.instruments[symbol])


def _newest(symbol: str, market: Market, limit: int) -> list[Trade]:
    """Return the newest market trades; what the insurance fund traded is on the stream only."""
    fills, found = market.source.fills(symbol), list[Trade]()
    stop = market.played(fills)
    while stop > 0 and len(found) < limit:
        found[:0] = [trade for trade in fills.newest(stop, limit) if trade.count]
        stop -= limit
    return found[-limit:]


_REPLIES: dict[str, Reply] = {
    "ping": ping, "time": time, "exchangeInfo": _exchange_info, "trades": _trades, "historicalTrades": _historical_trades,
    "aggTrades": _agg_trades, "klines": _klines, "ticker/price": _ticker_price, "ticker/24hr": _ticker_day,
}  # fmt: skip
_WEIGHTS = {"trades": 5, "historicalTrades": 200, "aggTrades": 20}
