"""The local exchange's Kraken REST interface: clock, assets, pairs, trades and candles, with Kraken's errors in HTTP 200."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from exchanges.kraken_rest import REST_NAMES
from market.clock import to_datetime
from market.timeframe import DAY_US, MINUTE_US, SECOND_US
from market.trade import Side, Trade
from replay.answer import Answer, Question, json_answer
from replay.bars import Bar, Interval, bar_of_bars
from replay.kraken import INTERVALS, SIZE_DIGITS, average_text, price_digits
from replay.source import Market

PREFIX = "/0/public/"
_MOST_TRADES = 1000
_MOST_BARS = 720
_LAST_SECOND = 10**11  # a larger time is in nanoseconds
_LEAST_PRICE_DIGITS = 5  # of trades
_X_NAMES = {"XBT", "ETH", "LTC", "XRP", "ETC", "XMR", "XLM", "ZEC", "REP", "MLN", "XDG"}
_Z_NAMES = {"USD", "EUR", "GBP", "CAD", "JPY", "AUD"}
_Z_PAIRED = {"USD", "EUR", "GBP", "CAD", "JPY", "XBT", "ETH"}


class _Refused(Exception):
    pass


def answer(question: Question, market: Market) -> Answer:
    """Return the answer to a GET, in Kraken's envelope."""
    reply = _ENDPOINTS.get(question.path.removeprefix(PREFIX), _unknown)
    try:
        return json_answer({"error": [], "result": reply(question, market)})
    except _Refused as refused:
        return json_answer({"error": [str(refused)]})
    except ValueError as error:
        return json_answer({"error": [f"EGeneral:Invalid arguments:{error}"]})


def asset_name(name: str) -> str:
    """Return Kraken's old name of an asset: `XXBT` for XBT, `ZUSD` for USD; newer ones are called as they are."""
    return f"X{name}" if name in _X_NAMES else f"Z{name}" if name in _Z_NAMES else name


def pair_name(base: str, quote: str) -> str:
    """Return the name of a pair, `XXBTZUSD` where both assets are old ones, else `XBTUSDT`."""
    both_old = base in _X_NAMES and quote in _Z_PAIRED and (base != "XDG" or quote == "XBT")
    return asset_name(base) + asset_name(quote) if both_old else base + quote


def _names(symbol: str) -> tuple[str, str]:
    first, _, second = symbol.partition(":")[2].partition("-")
    return REST_NAMES.get(first, first), REST_NAMES.get(second, second)


def _known(market: Market) -> dict[str, str]:
    """Return the symbols by every name that a client may use: `XXBTZUSD`, `XBTUSD` and `XBT/USD`."""
    found: dict[str, str] = {}
    for symbol in market.source.symbols:
        base, quote = _names(symbol)
        found |= dict.fromkeys((pair_name(base, quote), base + quote, f"{base}/{quote}"), symbol)
    return found


def _unknown(question: Question, market: Market) -> Any:  # noqa: ARG001
    raise _Refused("EGeneral:Unknown method")


def _time(question: Question, market: Market) -> Any:  # noqa: ARG001
    seconds = market.now_us // SECOND_US
    return {"unixtime": seconds, "rfc1123": _moment(market).strftime("%a, %d %b %y %H:%M:%S +0000")}


def _status(question: Question, market: Market) -> Any:  # noqa: ARG001
    return {"status": "online", "timestamp": _moment(market).strftime("%Y-%m-%dT%H:%M:%SZ")}


def _moment(market: Market) -> datetime:
    return to_datetime(market.now_us)


def _assets(question: Question, market: Market) -> Any:  # noqa: ARG001
    names = dict.fromkeys(name for symbol in market.source.symbols for name in _names(symbol))
    return {
        asset_name(name): {"aclass": "currency", "altname": name, "decimals": 10, "display_decimals": 5, "status": "enabled"}
        for name in names
    }


def _asset_pairs(question: Question, market: Market) -> Any:
    return {pair_name(*_names(symbol)): _listed(symbol, market) for symbol in _wanted(question, market)}


def _listed(symbol: str, market: Market) -> dict[str, Any]:
    instrument, (base, quote) = market.source.instruments[symbol], _names(symbol)
    return {
        "altname": base + quote, "wsname": f"{base}/{quote}", "aclass_base": "currency", "base": asset_name(base),
        "aclass_quote": "currency", "quote": asset_name(quote), "lot": "unit", "cost_decimals": 5,
        "pair_decimals": price_digits(symbol, market), "lot_decimals": _digits(instrument.lot_size), "lot_multiplier": 1,
        "leverage_buy": [], "leverage_sell": [], "fees": [[0, 0.4]], "fees_maker": [[0, 0.25]], "fee_volume_currency": "ZUSD",
        "margin_call": 80, "margin_stop": 40, "ordermin": instrument.lot_size, "costmin": "0.5",
        "tick_size": instrument.tick_size, "status": "online",
    }  # fmt: skip


def _trades(question: Question, market: Market) -> Any:
    symbol = _symbol(question, market)
    count, since = question.whole("count"), question.whole("since")
    if count is not None and not count:
        raise ValueError("count")
    fills, limit = market.source.fills(symbol), min(_MOST_TRADES, count or _MOST_TRADES)
    stop = market.played(fills)
    if since is None:
        rows, last_ns = fills.newest(stop, limit), 0
    else:
        last_ns = since if since >= _LAST_SECOND else since * 10**9
        start = fills.at(last_ns // 1000 + 1)  # behind the cursor, which is exclusive
        rows = fills.slice(start, min(stop, start + limit))
    if rows:
        last_ns = rows[-1].timestamp_us * 1000
    digits = max(_LEAST_PRICE_DIGITS, price_digits(symbol, market))
    return {pair_name(*_names(symbol)): [_row(trade, digits) for trade in rows], "last": str(last_ns)}


def _row(trade: Trade, digits: int) -> list[Any]:
    side = "b" if trade.side is Side.BUY else "s"
    seconds = trade.timestamp_us / SECOND_US
    return [f"{trade.price:.{digits}f}", _volume(trade.size), seconds, side, "m", "", trade.trade_id]


def _candles(question: Question, market: Market) -> Any:
    symbol = _symbol(question, market)
    minutes, since = question.whole("interval"), question.whole("since")
    interval = INTERVALS.get(1 if minutes is None else minutes)
    if interval is None:
        raise ValueError("interval")
    spans = _MOST_BARS if since is None else max(0, market.now_us - since * SECOND_US) // interval.width_us + 2
    bars = market.newest_bars(symbol, interval, market.now_us + 1, min(_MOST_BARS, spans))
    digits = price_digits(symbol, market)
    # The forming bar is there whatever `since` says.
    rows = [_bar_row(bar, digits) for bar in bars if since is None or bar.open_us > since * SECOND_US or bar is bars[-1]]
    committed = bars[-2:-1]
    last = committed[0].open_us // SECOND_US if committed else 0
    return {pair_name(*_names(symbol)): rows, "last": last}


def _bar_row(bar: Bar, digits: int) -> list[Any]:
    prices = [f"{price:.{digits}f}" for price in (bar.open, bar.high, bar.low, bar.close)]
    return [bar.open_us // SECOND_US, *prices, average_text(bar, digits), _volume(bar.volume), bar.trades]


def _ticker(question: Question, market: Market) -> Any:
    found = {pair_name(*_names(symbol)): _ticker_of(symbol, market) for symbol in _wanted(question, market)}
    return {name: ticker for name, ticker in found.items() if ticker is not None}


def _ticker_of(symbol: str, market: Market) -> dict[str, Any] | None:
    """Return a day's figures, of today and of the last 24 hours; there is no order book, so its places are empty."""
    fills, digits, now_us = market.source.fills(symbol), price_digits(symbol, market), market.now_us
    newest = fills.newest(market.played(fills), 1)
    if not newest:
        return None
    spans = [
        bar_of_bars(0, market.source.bars(symbol, Interval(MINUTE_US), start_us, now_us + 1, now_us))
        for start_us in (now_us // DAY_US * DAY_US, now_us - DAY_US)
    ]
    today = spans[0]

    def prices(*values: float) -> list[str]:
        return [f"{value:.{digits}f}" for value in values]

    return {
        "a": ["", "", ""], "b": ["", "", ""], "c": [*prices(newest[0].price), _volume(newest[0].size)],
        "v": [_volume(day.volume) for day in spans], "p": [average_text(day, digits) for day in spans],
        "t": [day.trades for day in spans], "l": prices(*(day.low for day in spans)), "h": prices(*(day.high for day in spans)),
        "o": prices(today.open)[0],
    }  # fmt: skip


def _volume(size: float) -> str:
    return f"{size:.{SIZE_DIGITS}f}"


def _digits(step: str) -> int:
    return len(step.partition(".")[2])


def _symbol(question: Question, market: Market) -> str:
    found = _wanted(question, market)
    if not question.params.get("pair"):
        raise ValueError("pair")
    if len(found) != 1:
        raise _Refused("EQuery:Unknown asset pair")
    return found[0]


def _wanted(question: Question, market: Market) -> list[str]:
    """Return the symbols that a question names, separated by commas; all of them where it names none."""
    names = question.params.get("pair", "")
    if not names:
        return list(market.source.symbols)
    try:
        return [_known(market)[name] for name in names.split(",")]
    except KeyError:
        raise _Refused("EQuery:Unknown asset pair") from None


_ENDPOINTS: dict[str, Callable[[Question, Market], Any]] = {
    "Time": _time,
    "SystemStatus": _status,
    "Assets": _assets,
    "AssetPairs": _asset_pairs,
    "Trades": _trades,
    "OHLC": _candles,
    "Ticker": _ticker,
}
