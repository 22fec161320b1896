"""What the REST interfaces of Binance's markets have in common: how questions are read, and the rows of the answers."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from market.timeframe import DAY_US, MINUTE_US
from market.trade import Side, Trade
from replay.answer import Answer, Question, json_answer
from replay.bars import Bar, Interval, bar_of_bars
from replay.binance import Digits, kline_interval, wire_symbols
from replay.source import Market

Reply = Callable[[Question, Market], Any]
_DEFAULT_ROWS = 500
_ENDLESS_US = 2**62


class Refused(Exception):
    """Raised when a question gets the venue's error; `answer` is what it is told."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(code, message)
        self.answer = json_answer({"code": code, "msg": message}, status)


def answer_of(replies: Mapping[str, Reply], name: str, question: Question, market: Market) -> Answer:
    """Return the answer of an endpoint; one that is not there is 404."""
    reply = replies.get(name, _unknown)
    try:
        return json_answer(reply(question, market))
    except Refused as refused:
        return refused.answer
    except ValueError as error:
        message = f"Illegal characters found in parameter '{error}'; legal range is '^[0-9]{{1,20}}$'."
        return Refused(-1100, message).answer


def ping(question: Question, market: Market) -> Any:  # noqa: ARG001
    """Return nothing: the server is there."""
    return {}


def time(question: Question, market: Market) -> Any:  # noqa: ARG001
    """Return the exchange's clock."""
    return {"serverTime": market.now_ms}


def _unknown(question: Question, market: Market) -> Any:  # noqa: ARG001
    raise Refused(-1000, f"No such endpoint: {question.path}", 404)


# -- reading a question ----------------------------------------------------------------------------------------------


def required(question: Question, name: str) -> str:
    """Return a parameter that must be there."""
    if not question.params.get(name):
        raise Refused(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
    return question.params[name]


def symbol_of(question: Question, market: Market) -> str:
    """Return the symbol that is asked about."""
    known = wire_symbols(market)
    wire = required(question, "symbol")
    if wire not in known:
        raise Refused(-1121, "Invalid symbol.")
    return known[wire]


def wanted(question: Question, market: Market) -> list[str]:
    """Return the symbols that are asked about in the venue's spelling; all where none is named."""
    known = list(wire_symbols(market))
    try:
        listed = msgspec.json.decode(question.params.get("symbols") or "[]", type=list[str])
    except msgspec.MsgspecError:
        raise ValueError("symbols") from None
    named = [question.params["symbol"]] if question.params.get("symbol") else listed
    if not set(named) <= set(known):
        raise Refused(-1121, "Invalid symbol.")
    return named or known


def limit_of(question: Question, most: int = 1000) -> int:
    """Return how many rows are asked for."""
    limit = question.whole("limit")
    if limit == 0:
        raise Refused(-1130, "Data sent for parameter 'limit' is not valid.")
    return min(most, _DEFAULT_ROWS if limit is None else limit)


def aggregates_asked(question: Question, market: Market, since_us: int = 0) -> list[tuple[int, Trade]]:
    """Return the aggregates that a question is about, each with its number; none from before a moment."""
    series, limit = market.source.aggregates(symbol_of(question, market)), limit_of(question)
    number, start_ms, end_ms = (question.whole(name) for name in ("fromId", "startTime", "endTime"))
    if number is not None and (start_ms is not None or end_ms is not None):
        raise Refused(-1128, "Combination of optional parameters invalid.")
    stop = market.played(series)
    if end_ms is not None:
        stop = min(stop, series.at((end_ms + 1) * 1000))
    if number is not None:
        start = series.find(number)
    elif start_ms is not None:
        start = series.at(start_ms * 1000)
    else:
        start = max(0, stop - limit)
    start = max(start, series.at(since_us))
    stop = min(stop, start + limit)
    return list(zip(series.numbers(start, stop), series.slice(start, stop), strict=True))


def bars_asked(
    question: Question, market: Market, most: int = 1000, absent: frozenset[str] = frozenset()
) -> tuple[Interval, list[Bar]]:
    """Return the interval and the bars that a question is about.

    Args:
        question: What is asked.
        market: Of what.
        most: Most rows in one answer.
        absent: Intervals that the market does not have.
    """
    symbol, limit = symbol_of(question, market), limit_of(question, most)
    name = required(question, "interval")
    interval = kline_interval(name)
    if interval is None or name in absent:
        raise Refused(-1120, "Invalid interval.")
    start_ms, end_ms = question.whole("startTime"), question.whole("endTime")
    end_us = _ENDLESS_US if end_ms is None else (end_ms + 1) * 1000
    if start_ms is None:
        return interval, market.newest_bars(symbol, interval, end_us, limit)
    return interval, market.oldest_bars(symbol, interval, start_ms * 1000, end_us, limit)


# -- rows ------------------------------------------------------------------------------------------------------------


def fill_row(trade: Trade, digits: Digits) -> dict[str, Any]:
    """Return the row of a fill."""
    return {
        "id": trade.trade_id, "price": digits.price_text(trade.price), "qty": digits.size_text(trade.size),
        "quoteQty": digits.quote_text(trade.price * trade.size), "time": trade.timestamp_us // 1000,
        "isBuyerMaker": trade.side is Side.SELL,
    }  # fmt: skip


def aggregate_row(number: int, trade: Trade, digits: Digits) -> dict[str, Any]:
    """Return the row of an aggregate."""
    return {
        "a": number, "p": digits.price_text(trade.price), "q": digits.size_text(trade.size), "f": trade.first_id,
        "l": trade.trade_id, "T": trade.timestamp_us // 1000, "m": trade.side is Side.SELL,
    }  # fmt: skip


def kline_row(bar: Bar, interval: Interval, digits: Digits) -> list[Any]:
    """Return the row of a bar."""
    prices = [digits.price_text(number) for number in (bar.open, bar.high, bar.low, bar.close)]
    volume, taker_volume = digits.size_text(bar.volume), digits.size_text(bar.taker_volume)
    value, taker_value = digits.quote_text(bar.quote_volume), digits.quote_text(bar.taker_quote)
    close_ms = interval.next_open(bar.open_us) // 1000 - 1
    return [bar.open_us // 1000, *prices, volume, close_ms, value, bar.trades, taker_volume, taker_value, "0"]


def day_row(wire: str, last: Trade, market: Market, digits: Digits) -> dict[str, Any] | None:
    """Return what the last 24 hours were, None if nobody ever traded; `last` is the last trade."""
    symbol = wire_symbols(market)[wire]
    bars = market.source.bars(symbol, Interval(MINUTE_US), market.now_us - DAY_US, market.now_us + 1, market.now_us)
    if not bars:
        return None
    day = bar_of_bars(0, bars)
    prices = {
        "priceChange": day.close - day.open, "weightedAvgPrice": day.quote_volume / day.volume if day.volume else 0.0,
        "lastPrice": day.close, "openPrice": day.open, "highPrice": day.high, "lowPrice": day.low,
    }  # fmt: skip
    return {
        "symbol": wire, "priceChangePercent": f"{100 * (day.close / day.open - 1):.3f}",
        **{name: digits.price_text(number) for name, number in prices.items()}, "lastQty": digits.size_text(last.size),
        "volume": digits.size_text(day.volume), "quoteVolume": digits.quote_text(day.quote_volume),
        "openTime": (market.now_us - DAY_US) // 1000, "closeTime": market.now_ms, "firstId": day.first_id,
        "lastId": day.last_id, "count": day.trades,
    }  # fmt: skip
