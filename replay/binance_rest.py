"""The local exchange's Binance REST interface: clock, symbols, trades, aggregate trades and klines, with its error codes."""

from collections.abc import Callable
from typing import Any

import msgspec

from market.timeframe import DAY_US, MINUTE_US
from market.trade import Side, Trade
from replay.answer import Answer, Question, json_answer
from replay.bars import Bar, Interval, bar_of_bars
from replay.binance import kline_interval, wire_symbols
from replay.fills import padded_text
from replay.source import Market

PREFIX = "/api/v3/"
PREFIXES = (PREFIX, "/sapi/")
_MOST_ROWS = 1000
_AVERAGE_MINUTES = 5
_ENDLESS_US = 2**62


class _Refused(Exception):
    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(code, message)
        self.answer = json_answer({"code": code, "msg": message}, status)


def answer(question: Question, market: Market) -> Answer:
    """Return the answer to a GET; what it does not have is 404."""
    reply, _ = _ENDPOINTS.get(question.path.removeprefix(PREFIX), (_unknown, 0))
    try:
        return json_answer(reply(question, market))
    except _Refused as refused:
        return refused.answer
    except ValueError as error:
        message = f"Illegal characters found in parameter '{error}'; legal range is '^[0-9]{{1,20}}$'."
        return _Refused(-1100, message).answer


def weight_of(question: Question) -> int:
    """Return how much of the minute's budget a request costs."""
    return _ENDPOINTS.get(question.path.removeprefix(PREFIX), (_unknown, 1))[1]


def _unknown(question: Question, market: Market) -> Any:  # noqa: ARG001
    raise _Refused(-1000, f"No such endpoint: {question.path}", 404)


def _ping(question: Question, market: Market) -> Any:  # noqa: ARG001
    return {}


def _status(question: Question, market: Market) -> Any:  # noqa: ARG001
    return {"status": 0, "msg": "normal"}


def _time(question: Question, market: Market) -> Any:  # noqa: ARG001
    return {"serverTime": market.now_ms}


def _exchange_info(question: Question, market: Market) -> Any:
    known = wire_symbols(market)
    return {
        "timezone": "UTC", "serverTime": market.now_ms,
        "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
            {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 300_000},
        ],
        "exchangeFilters": [], "symbols": [_listed(wire, known[wire], market) for wire in _wanted(question, market)],
    }  # fmt: skip


def _listed(wire: str, symbol: str, market: Market) -> dict[str, Any]:
    instrument = market.source.instruments[symbol]
    base, _, quote = symbol.partition(":")[2].partition("-")
    tick, lot = (padded_text(float(text)) for text in (instrument.tick_size, instrument.lot_size))
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
    fills = market.source.fills(_symbol(question, market))
    return [_row(trade) for trade in fills.newest(market.played(fills), _limit(question))]


def _historical_trades(question: Question, market: Market) -> Any:
    fills, limit, first_id = market.source.fills(_symbol(question, market)), _limit(question), question.whole("fromId")
    stop = market.played(fills)
    start = stop - limit if first_id is None else fills.find(first_id)
    return [_row(trade) for trade in fills.slice(max(0, start), min(stop, max(0, start) + limit))]


def _agg_trades(question: Question, market: Market) -> Any:
    series, limit = market.source.aggregates(_symbol(question, market)), _limit(question)
    number, start_ms, end_ms = (question.whole(name) for name in ("fromId", "startTime", "endTime"))
    if number is not None and (start_ms is not None or end_ms is not None):
        raise _Refused(-1128, "Combination of optional parameters invalid.")
    stop = market.played(series)
    if end_ms is not None:
        stop = min(stop, series.at((end_ms + 1) * 1000))
    if number is not None:
        start = series.find(number)
    elif start_ms is not None:
        start = series.at(start_ms * 1000)
    else:
        start = max(0, stop - limit)
    stop = min(stop, start + limit)
    return [
        {
            "a": each, "p": padded_text(trade.price), "q": padded_text(trade.size), "f": trade.first_id, "l": trade.trade_id,
            "T": trade.timestamp_us // 1000, "m": trade.side is Side.SELL, "M": True,
        }
        for each, trade in zip(series.numbers(start, stop), series.slice(start, stop), strict=True)
    ]  # fmt: skip


def _klines(question: Question, market: Market) -> Any:
    symbol, limit = _symbol(question, market), _limit(question)
    interval = kline_interval(_required(question, "interval"))
    if interval is None:
        raise _Refused(-1120, "Invalid interval.")
    start_ms, end_ms = question.whole("startTime"), question.whole("endTime")
    end_us = _ENDLESS_US if end_ms is None else (end_ms + 1) * 1000
    if start_ms is None:
        bars = market.newest_bars(symbol, interval, end_us, limit)
    else:
        bars = market.oldest_bars(symbol, interval, start_ms * 1000, end_us, limit)
    return [_kline(bar, interval) for bar in bars]


def _kline(bar: Bar, interval: Interval) -> list[Any]:
    prices = [padded_text(number) for number in (bar.open, bar.high, bar.low, bar.close, bar.volume)]
    close_ms = interval.next_open(bar.open_us) // 1000 - 1
    taker = [padded_text(bar.taker_volume), padded_text(bar.taker_quote)]
    return [bar.open_us // 1000, *prices, close_ms, padded_text(bar.quote_volume), bar.trades, *taker, "0"]


def _average_price(question: Question, market: Market) -> Any:
    symbol = _symbol(question, market)
    bars = market.newest_bars(symbol, Interval(MINUTE_US), _ENDLESS_US, _AVERAGE_MINUTES)
    if not bars:
        raise _Refused(-1121, "Invalid symbol.")
    fills, volume = market.source.fills(symbol), sum(bar.volume for bar in bars)
    price = sum(bar.quote_volume for bar in bars) / volume if volume else bars[-1].close
    [last] = fills.newest(market.played(fills), 1)
    return {"mins": _AVERAGE_MINUTES, "price": padded_text(round(price, 8)), "closeTime": last.timestamp_us // 1000}


def _ticker_price(question: Question, market: Market) -> Any:
    rows = []
    for wire in _wanted(question, market):
        fills = market.source.fills(wire_symbols(market)[wire])
        rows += [{"symbol": wire, "price": padded_text(last.price)} for last in fills.newest(market.played(fills), 1)]
    return rows[0] if rows and question.params.get("symbol") else rows


def _ticker_day(question: Question, market: Market) -> Any:
    rows = [row for wire in _wanted(question, market) for row in _day(wire, wire_symbols(market)[wire], market)]
    return rows[0] if rows and question.params.get("symbol") else rows


def _day(wire: str, symbol: str, market: Market) -> list[dict[str, Any]]:
    fills = market.source.fills(symbol)
    last = fills.newest(market.played(fills), 1)
    bars = market.source.bars(symbol, Interval(MINUTE_US), market.now_us - DAY_US, market.now_us + 1, market.now_us)
    if not bars:
        return []
    day = bar_of_bars(0, bars)
    numbers = {
        "priceChange": day.close - day.open, "weightedAvgPrice": day.quote_volume / day.volume if day.volume else 0.0,
        "prevClosePrice": day.open, "lastPrice": day.close, "lastQty": last[0].size, "openPrice": day.open, "highPrice": day.high,
        "lowPrice": day.low, "volume": day.volume, "quoteVolume": day.quote_volume,
    }  # fmt: skip
    return [
        {
            "symbol": wire, "priceChangePercent": f"{100 * (day.close / day.open - 1):.3f}",
            **{name: padded_text(number) for name, number in numbers.items()},
            "openTime": (market.now_us - DAY_US) // 1000, "closeTime": market.now_ms, "firstId": day.first_id,
            "lastId": day.last_id, "count": day.trades,
        }
    ]  # fmt: skip


def _row(trade: Trade) -> dict[str, Any]:
    return {
        "id": trade.trade_id, "price": padded_text(trade.price), "qty": padded_text(trade.size),
        "quoteQty": padded_text(trade.price * trade.size), "time": trade.timestamp_us // 1000,
        "isBuyerMaker": trade.side is Side.SELL, "isBestMatch": True,
    }  # fmt: skip


def _required(question: Question, name: str) -> str:
    if not question.params.get(name):
        raise _Refused(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
    return question.params[name]


def _symbol(question: Question, market: Market) -> str:
    known = wire_symbols(market)
    wire = _required(question, "symbol")
    if wire not in known:
        raise _Refused(-1121, "Invalid symbol.")
    return known[wire]


def _wanted(question: Question, market: Market) -> list[str]:
    known = list(wire_symbols(market))
    try:
        listed = msgspec.json.decode(question.params.get("symbols") or "[]", type=list[str])
    except msgspec.MsgspecError:
        raise ValueError("symbols") from None
    wanted = [question.params["symbol"]] if question.params.get("symbol") else listed
    if not set(wanted) <= set(known):
        raise _Refused(-1121, "Invalid symbol.")
    return wanted or known


def _limit(question: Question) -> int:
    limit = question.whole("limit")
    if limit == 0:
        raise _Refused(-1130, "Data sent for parameter 'limit' is not valid.")
    return min(_MOST_ROWS, 500 if limit is None else limit)


_ENDPOINTS: dict[str, tuple[Callable[[Question, Market], Any], int]] = {
    "ping": (_ping, 1),
    "time": (_time, 1),
    "exchangeInfo": (_exchange_info, 20),
    "trades": (_trades, 25),
    "historicalTrades": (_historical_trades, 25),
    "aggTrades": (_agg_trades, 4),
    "klines": (_klines, 2),
    "uiKlines": (_klines, 2),
    "avgPrice": (_average_price, 2),
    "/sapi/v1/system/status": (_status, 1),
    "ticker/price": (_ticker_price, 2),
    "ticker/24hr": (_ticker_day, 2),
}
