"""The local exchange's Bybit REST interface: clock, symbols, newest trades, candles and tickers, with Bybit's error codes."""

from collections.abc import Callable
from typing import Any

from market.timeframe import DAY_US, MINUTE_US
from market.trade import Trade
from replay.answer import Answer, Question, json_answer
from replay.bars import Bar, Interval, bar_of_bars
from replay.bybit import CODECS, SIDES, id_text, kline_interval, opened, wire_symbols
from replay.fills import plain_text
from replay.source import Market, Series

PREFIX = "/v5/"
_MOST_BARS = 1000
_MOST_TRADES = {"spot": 60, "linear": 1000}
_TRADES = {"spot": 60, "linear": 500}
_CATEGORIES = {*CODECS, "inverse", "option"}
_ENDLESS_US = 2**62
_BAD, _NO_ROUTE = 10001, 10017


class _Refused(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message


def answer(question: Question, market: Market) -> Answer:
    """Return the answer to a GET, in Bybit's envelope; what it does not have is 404."""
    reply = _ENDPOINTS.get(question.path.removeprefix(PREFIX), _no_route)
    try:
        return _enveloped(market, reply(question, market))
    except _Refused as refused:
        return _enveloped(market, {}, refused.code, refused.message)
    except ValueError as error:
        return _enveloped(market, {}, _BAD, f"params error: {error} invalid")


def _enveloped(market: Market, result: dict[str, Any], code: int = 0, message: str = "OK") -> Answer:
    body = {"retCode": code, "retMsg": message, "result": result, "retExtInfo": {}, "time": market.now_ms}
    return json_answer(body, 404 if code == _NO_ROUTE else 200)


def _no_route(question: Question, market: Market) -> dict[str, Any]:  # noqa: ARG001
    raise _Refused(_NO_ROUTE, f"Route not found: {question.path}")


def _time(question: Question, market: Market) -> dict[str, Any]:  # noqa: ARG001
    return {"timeSecond": str(market.now_us // 1_000_000), "timeNano": str(market.now_us * 1000)}


def _instruments(question: Question, market: Market) -> dict[str, Any]:
    """Return the symbols of a category; of `inverse` and `option` there are none, and none that is not trading."""
    category, wanted = _category(question), question.params.get("symbol")
    known = wire_symbols(category, market) if category in CODECS else {}
    if wanted and wanted not in known:
        raise _Refused(_BAD, "params error: symbol invalid")
    trading = question.params.get("status") in {None, "", "Trading"}
    rows = [_listed(category, wire, market) for wire in known if trading and wanted in {None, "", wire}]
    return {"category": category, "list": rows} | ({} if category == "spot" else {"nextPageCursor": ""})


def _listed(category: str, wire: str, market: Market) -> dict[str, Any]:
    symbol = wire_symbols(category, market)[wire]
    instrument = market.source.instruments[symbol]
    base, _, quote = symbol.partition(":")[2].partition("-")
    tick, lot = instrument.tick_size, instrument.lot_size
    row = {"symbol": wire, "baseCoin": base, "quoteCoin": quote, "status": "Trading"}
    if category == "spot":
        sizes = {"basePrecision": lot, "quotePrecision": "0.0000001", "minOrderQty": lot, "maxOrderQty": "230", "minOrderAmt": "5"}
        return {
            **row, "innovation": "0", "marginTrading": "none", "stTag": "0", "lotSizeFilter": sizes,
            "priceFilter": {"tickSize": tick},
        }  # fmt: skip
    return {
        **row, "contractType": "LinearPerpetual", "settleCoin": quote, "launchTime": "1584230400000", "deliveryTime": "0",
        "deliveryFeeRate": "", "priceScale": "2", "fundingInterval": 480, "unifiedMarginTrade": True, "isPreListing": False,
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": tick, "maxPrice": "1999999.80", "tickSize": tick},
        "lotSizeFilter": {"maxOrderQty": "1500.000", "minOrderQty": lot, "qtyStep": lot, "minNotionalValue": "5"},
    }  # fmt: skip


def _recent_trades(question: Question, market: Market) -> dict[str, Any]:
    category, wire, symbol = _symbol(question, market)
    fills = market.source.fills(symbol)
    stop = market.played(fills)
    start = max(0, stop - _limit(question, _TRADES[category], _MOST_TRADES[category]))
    rows = zip(fills.slice(start, stop), fills.numbers(start, stop), strict=True)
    return {"category": category, "list": [_row(category, trade, wire, number) for trade, number in rows][::-1]}


def _row(category: str, trade: Trade, wire: str, number: int) -> dict[str, Any]:
    return {
        "execId": id_text(category, trade.trade_id), "symbol": wire, "price": plain_text(trade.price),
        "size": plain_text(trade.size), "side": SIDES[trade.side], "time": str(trade.timestamp_us // 1000), "isBlockTrade": False,
        "isRPITrade": False, "seq": str(number),
    }  # fmt: skip


def _klines(question: Question, market: Market) -> dict[str, Any]:
    category, wire, symbol = _symbol(question, market)
    interval, limit = kline_interval(question.params.get("interval", "")), _limit(question, 200, _MOST_BARS)
    if interval is None:
        raise ValueError("interval")
    start_ms, end_ms = question.whole("start"), question.whole("end")
    end_us = _ENDLESS_US if end_ms is None else (end_ms + 1) * 1000
    if start_ms is not None and end_ms is None:
        bars = market.oldest_bars(symbol, interval, start_ms * 1000, end_us, limit)
    else:
        bars = [bar for bar in market.newest_bars(symbol, interval, end_us, limit) if bar.open_us >= (start_ms or 0) * 1000]
    rows = [_kline(bar) for bar in reversed(opened(bars, market.source.fills(symbol)))]
    return {"symbol": wire, "category": category, "list": rows}


def _kline(bar: Bar) -> list[str]:
    numbers = (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.quote_volume)
    return [str(bar.open_us // 1000), *map(plain_text, numbers)]


def _tickers(question: Question, market: Market) -> dict[str, Any]:
    category = _category(question)
    if question.params.get("symbol"):
        _, wire, symbol = _symbol(question, market)
        return {"category": category, "list": [_ticker(wire, market, market.source.fills(symbol))]}
    known = wire_symbols(category, market) if category in CODECS else {}
    return {"category": category, "list": [_ticker(wire, market, market.source.fills(known[wire])) for wire in known]}


def _ticker(wire: str, market: Market, fills: Series) -> dict[str, str]:
    """Return the last day of a symbol; of the order book nothing is known."""
    texts = dict.fromkeys(
        ("lastPrice", "prevPrice24h", "highPrice24h", "lowPrice24h", "volume24h", "turnover24h", "price24hPcnt"), ""
    )
    last = fills.newest(market.played(fills), 1)
    bars = (
        market.source.bars(last[0].symbol, Interval(MINUTE_US), market.now_us - DAY_US, market.now_us + 1, market.now_us)
        if last
        else []
    )
    if bars:
        day = bar_of_bars(0, bars)
        change = round(day.close / day.open - 1, 6)
        numbers = (last[0].price, day.open, day.high, day.low, day.volume, day.quote_volume, change)
        texts = dict(zip(texts, map(plain_text, numbers), strict=True))
    return {"symbol": wire, **texts, **dict.fromkeys(("bid1Price", "bid1Size", "ask1Price", "ask1Size"), "")}


def _category(question: Question) -> str:
    category = question.params.get("category", "")
    if category not in _CATEGORIES:
        raise _Refused(_BAD, "Illegal category")
    return category


def _symbol(question: Question, market: Market) -> tuple[str, str, str]:
    """Return category, wire symbol and symbol that are asked for."""
    category, wire = _category(question), question.params.get("symbol", "")
    known = wire_symbols(category, market) if category in CODECS else {}
    if wire not in known:
        raise _Refused(_BAD, "params error: symbol invalid")
    return category, wire, known[wire]


def _limit(question: Question, usual: int, most: int) -> int:
    limit = question.whole("limit")
    if limit == 0:
        raise ValueError("limit")
    return min(most, usual if limit is None else limit)


_ENDPOINTS: dict[str, Callable[[Question, Market], dict[str, Any]]] = {
    "market/time": _time,
    "market/instruments-info": _instruments,
    "market/recent-trade": _recent_trades,
    "market/kline": _klines,
    "market/tickers": _tickers,
}
