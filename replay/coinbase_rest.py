"""The local exchange's Coinbase REST interface: clock, products, trades with cursors, and candles without empty spans."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from market.clock import from_datetime
from market.timeframe import DAY_US, MINUTE_US, SECOND_US
from market.trade import Trade
from replay.answer import Answer, Question, json_answer
from replay.bars import Bar, Interval, bar_of_bars
from replay.coinbase_frames import listed_as, maker_of, newest_fill, time_text, wire_of
from replay.fills import padded_text, plain_text
from replay.source import Market

_PRODUCTS = "/products"
_PATHS = {"/time", "/currencies"}
_MOST_TRADES = 1000
_MOST_BARS = 300
_GRANULARITIES = {60, 300, 900, 3600, 21_600, 86_400}
_COIN_STEP = "0.00000001"


class _Refused(Exception):
    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.answer = json_answer({"message": message}, status)


def is_rest_path(path: str) -> bool:
    """Return whether a path is one of Coinbase's."""
    return path in _PATHS or path == _PRODUCTS or path.startswith(f"{_PRODUCTS}/")


def answer(question: Question, market: Market) -> Answer:
    """Return the answer to a GET; what it does not have is 404."""
    try:
        return _answer(question, market)
    except _Refused as refused:
        return refused.answer
    except (ValueError, OverflowError) as error:
        return _Refused(f"Invalid {error}").answer


def _answer(question: Question, market: Market) -> Answer:
    if question.path == "/time":
        return json_answer({"iso": time_text(market.now_us)[:-4] + "Z", "epoch": market.now_us / SECOND_US})
    if question.path == "/currencies":
        return json_answer(_currencies(market))
    if question.path == _PRODUCTS:
        return json_answer([_listed(symbol, market) for symbol in market.source.symbols])
    wire, _, what = question.path.removeprefix(f"{_PRODUCTS}/").partition("/")
    symbol, reply = listed_as(wire, market), _ENDPOINTS.get(what)
    if symbol is None or reply is None:
        raise _Refused("NotFound", 404)
    return reply(question, symbol, market)


def _currencies(market: Market) -> list[dict[str, Any]]:
    coins = dict.fromkeys(coin for symbol in market.source.symbols for coin in wire_of(symbol).split("-"))
    return [
        {
            "id": coin, "name": coin, "min_size": _COIN_STEP, "max_precision": _COIN_STEP, "status": "online", "message": "",
            "convertible_to": [], "details": {"type": "crypto"}, "supported_networks": [], "display_name": coin,
        }
        for coin in coins
    ]  # fmt: skip


def _listed(symbol: str, market: Market) -> dict[str, Any]:
    instrument, wire = market.source.instruments[symbol], wire_of(symbol)
    base, _, quote = wire.partition("-")
    return {
        "id": wire, "base_currency": base, "quote_currency": quote, "quote_increment": instrument.tick_size,
        "base_increment": instrument.lot_size, "display_name": f"{base}-{quote}", "min_market_funds": "1", "margin_enabled": False,
        "post_only": False, "limit_only": False, "cancel_only": False, "status": "online", "status_message": "",
        "trading_disabled": False, "fx_stablecoin": False, "max_slippage_percentage": "0.02000000", "auction_mode": False,
        "high_bid_limit_percentage": "",
    }  # fmt: skip


def _product(question: Question, symbol: str, market: Market) -> Answer:  # noqa: ARG001
    return json_answer(_listed(symbol, market))


def _trades(question: Question, symbol: str, market: Market) -> Answer:
    limit, after, before = (question.whole(name) for name in ("limit", "after", "before"))
    if limit == 0:
        raise ValueError("limit")
    fills = market.source.fills(symbol)
    stop = market.played(fills)
    if after is not None:
        stop = min(stop, fills.find(after))
    start = 0 if before is None else fills.find(before + 1)
    limit = min(_MOST_TRADES, limit or _MOST_TRADES)
    trades = fills.slice(max(start, stop - limit), stop)
    cursors = {"CB-BEFORE": str(trades[-1].trade_id), "CB-AFTER": str(trades[0].trade_id)} if trades else {}
    rows = json_answer([_row(trade) for trade in reversed(trades)])
    return Answer(rows.body, rows.status, cursors)


def _row(trade: Trade) -> dict[str, Any]:
    return {
        "trade_id": trade.trade_id, "side": maker_of(trade), "size": _text(trade.size), "price": _text(trade.price),
        "time": time_text(trade.timestamp_us),
    }  # fmt: skip


def _text(number: float) -> str:
    """Return a number with eight digits after the point, or as many as it has."""
    text = padded_text(number)
    return text if float(text) == number else plain_text(number)


def _candles(question: Question, symbol: str, market: Market) -> Answer:
    granularity = question.whole("granularity") or 60
    if granularity not in _GRANULARITIES:
        raise _Refused("Unsupported granularity")
    interval = Interval(granularity * SECOND_US)
    start_us, end_us = _moment(question, "start"), _moment(question, "end")
    if start_us is None or end_us is None:  # one alone is ignored
        bars = market.newest_bars(symbol, interval, market.now_us + 1, _MOST_BARS)
    elif end_us - start_us > _MOST_BARS * interval.width_us:
        raise _Refused("granularity too small for the requested time range. Count of aggregations requested exceeds 300")
    else:
        bars = market.source.bars(symbol, interval, max(0, start_us), min(end_us, market.now_us) + 1, market.now_us)
    return json_answer([_candle(bar) for bar in reversed(bars) if bar.trades])


def _candle(bar: Bar) -> list[float]:
    return [bar.open_us // SECOND_US, bar.low, bar.high, bar.open, bar.close, bar.volume]


def _moment(question: Question, name: str) -> int | None:
    """Return a parameter that is a moment: seconds since 1970, or ISO 8601."""
    text = question.params.get(name, "")
    if not text:
        return None
    try:
        return int(text) * SECOND_US if text.isascii() and text.isdigit() else from_datetime(datetime.fromisoformat(text))
    except ValueError:
        raise ValueError(name) from None


def _ticker(question: Question, symbol: str, market: Market) -> Answer:  # noqa: ARG001
    last = newest_fill(symbol, market)
    if last is None:
        raise _Refused("NotFound", 404)
    minutes = market.source.bars(symbol, Interval(MINUTE_US), market.now_us - DAY_US, market.now_us + 1, market.now_us)
    volume = bar_of_bars(0, minutes).volume if minutes else 0.0
    return json_answer(
        {
            "trade_id": last.trade_id, "price": _text(last.price), "size": _text(last.size), "time": time_text(last.timestamp_us),
            "bid": "", "ask": "", "volume": _text(volume),
        }
    )  # fmt: skip


_ENDPOINTS: dict[str, Callable[[Question, str, Market], Answer]] = {
    "": _product,
    "trades": _trades,
    "candles": _candles,
    "ticker": _ticker,
}
