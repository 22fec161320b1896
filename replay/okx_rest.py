"""The local exchange's OKX REST interface: clock, instruments, trades and candles, with OKX's paging and error codes."""

from collections.abc import Callable
from typing import Any

from market.timeframe import DAY_US, MINUTE_US
from replay.answer import Answer, Question, json_answer
from replay.bars import Interval, bar_of_bars
from replay.fills import plain_text
from replay.okx import bar_interval, bar_row, rows_of
from replay.source import Market

PREFIX = "/api/v5/"
_NEWEST_BARS = 1440


class _Refused(Exception):
    def __init__(self, code: str, message: str, status: int = 200) -> None:
        super().__init__(code, message)
        self.answer = json_answer({"code": code, "msg": message, "data": []}, status)


def answer(question: Question, market: Market) -> Answer:
    """Return the answer to a GET, in OKX's envelope; what it does not have is 404."""
    reply = _ENDPOINTS.get(question.path.removeprefix(PREFIX), _unknown)
    try:
        return json_answer({"code": "0", "msg": "", "data": reply(question, market)})
    except _Refused as refused:
        return refused.answer
    except ValueError as error:
        return _Refused("51000", f"Parameter {error} error", 400).answer


def _unknown(question: Question, market: Market) -> list[Any]:  # noqa: ARG001
    raise _Refused("404", f"Invalid request path: {question.path}", 404)


def _time(question: Question, market: Market) -> list[Any]:  # noqa: ARG001
    return [{"ts": str(market.now_ms)}]


def _status(question: Question, market: Market) -> list[Any]:  # noqa: ARG001
    return []


def _instruments(question: Question, market: Market) -> list[Any]:
    kind = _required(question, "instType")
    if kind not in {"SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION"}:
        raise ValueError("instType")
    if kind != "SPOT":
        return []
    wanted = question.params.get("instId")
    found = [_listed(symbol, market) for symbol in market.source.symbols if wanted in {None, "", _wire(symbol)}]
    if not found:
        raise _Refused("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
    return found


def _listed(symbol: str, market: Market) -> dict[str, str]:
    instrument, wire = market.source.instruments[symbol], _wire(symbol)
    base, _, quote = wire.partition("-")
    return {
        "instType": "SPOT", "instId": wire, "baseCcy": base, "quoteCcy": quote, "settleCcy": "", "uly": "", "instFamily": "",
        "category": "1", "alias": "", "ctVal": "", "ctMult": "", "ctValCcy": "", "ctType": "", "optType": "", "stk": "",
        "listTime": "1548133413000", "expTime": "", "lever": "", "tickSz": instrument.tick_size, "lotSz": instrument.lot_size,
        "minSz": instrument.lot_size, "maxLmtSz": "999999999", "maxMktSz": "1000000", "maxLmtAmt": "20000000",
        "maxMktAmt": "1000000", "state": instrument.status, "ruleType": "normal",
    }  # fmt: skip


def _trades(question: Question, market: Market) -> list[Any]:
    symbol = _symbol(question, market)
    fills = market.source.fills(symbol)
    return rows_of(fills.newest(market.played(fills), _limit(question, 500)), _wire(symbol))


def _history_trades(question: Question, market: Market) -> list[Any]:
    symbol, limit = _symbol(question, market), _limit(question, 100)
    after, before, kind = question.whole("after"), question.whole("before"), question.params.get("type") or "1"
    if kind not in {"1", "2"}:
        raise ValueError("type")
    if kind == "2" and before is not None:
        raise _Refused("50039", "The before parameter is not available for implementing timestamp pagination", 400)
    fills = market.source.fills(symbol)
    stop = market.played(fills)
    if after is not None:
        stop = min(stop, fills.find(after) if kind == "1" else fills.at(after * 1000))
    start = 0 if before is None else fills.find(before + 1)
    return rows_of(fills.slice(max(start, stop - limit), stop), _wire(symbol))


def _candles(question: Question, market: Market) -> list[Any]:
    interval = _interval(question)
    oldest_us = interval.open_of(market.now_us) - (_NEWEST_BARS - 1) * interval.longest_us
    return [row for row in _bars(question, market, interval, market.now_us + 1) if int(row[0]) * 1000 >= oldest_us]


def _history_candles(question: Question, market: Market) -> list[Any]:
    interval = _interval(question)
    return _bars(question, market, interval, interval.open_of(market.now_us))


def _bars(question: Question, market: Market, interval: Interval, end_us: int) -> list[list[str]]:
    symbol, after, before = _symbol(question, market), question.whole("after"), question.whole("before")
    if after is not None:
        end_us = min(end_us, after * 1000)
    return [
        bar_row(bar, closed=interval.next_open(bar.open_us) <= market.now_us)
        for bar in reversed(market.newest_bars(symbol, interval, end_us, _limit(question, 300)))
        if before is None or bar.open_us > before * 1000
    ]


def _ticker(question: Question, market: Market) -> list[Any]:
    return [_ticker_of(_symbol(question, market), market)]


def _tickers(question: Question, market: Market) -> list[Any]:
    if _required(question, "instType") != "SPOT":
        return []
    return [_ticker_of(symbol, market) for symbol in market.source.symbols]


def _ticker_of(symbol: str, market: Market) -> dict[str, str]:
    fills = market.source.fills(symbol)
    last = fills.newest(market.played(fills), 1)
    bars = market.source.bars(symbol, Interval(MINUTE_US), market.now_us - DAY_US, market.now_us + 1, market.now_us)
    texts = dict.fromkeys(("last", "lastSz", "open24h", "high24h", "low24h", "volCcy24h", "vol24h"), "")
    if last and bars:
        day = bar_of_bars(0, bars)
        numbers = (last[0].price, last[0].size, day.open, day.high, day.low, day.quote_volume, day.volume)
        texts = dict(zip(texts, map(plain_text, numbers), strict=True))
    book = dict.fromkeys(("askPx", "askSz", "bidPx", "bidSz", "sodUtc0", "sodUtc8"), "")
    return {"instType": "SPOT", "instId": _wire(symbol), **texts, **book, "ts": str(market.now_ms)}


def _wire(symbol: str) -> str:
    return symbol.partition(":")[2]


def _required(question: Question, name: str) -> str:
    if not question.params.get(name):
        raise _Refused("50014", f"Parameter {name} can not be empty.", 400)
    return question.params[name]


def _symbol(question: Question, market: Market) -> str:
    symbol = f"{market.source.venue}:{_required(question, 'instId')}"
    if symbol not in market.source.instruments:
        raise _Refused("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
    return symbol


def _limit(question: Question, most: int) -> int:
    limit = question.whole("limit")
    if limit == 0:
        raise ValueError("limit")
    return min(most, 100 if limit is None else limit)


def _interval(question: Question) -> Interval:
    interval = bar_interval(question.params.get("bar") or "1m")
    if interval is None:
        raise ValueError("bar")
    return interval


_ENDPOINTS: dict[str, Callable[[Question, Market], list[Any]]] = {
    "public/time": _time,
    "public/instruments": _instruments,
    "system/status": _status,
    "market/trades": _trades,
    "market/history-trades": _history_trades,
    "market/candles": _candles,
    "market/history-candles": _history_candles,
    "market/ticker": _ticker,
    "market/tickers": _tickers,
}
