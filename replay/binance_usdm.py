"""The local exchange's websocket of Binance's USD-M futures: the addresses of 2026, each with the streams that belong there."""

import re
from typing import ClassVar

from exchanges.base import Instrument
from market.timeframe import SECOND_US
from market.trade import Side, Trade
from replay.answer import Question
from replay.binance import BinanceSession, Dialect, Digits
from replay.source import Market

KNOWN = ("/market/ws", "/market/stream", "/public/ws", "/public/stream")
_PATH = re.compile(r"(/market|/public)/(?:ws(?:/.*)?|stream)")
_PUBLIC = "/public"
_NO_INTERVALS = {"kline_1s"}


def is_stream_path(path: str) -> bool:
    """Return whether a path is one of the websocket addresses."""
    return _PATH.fullmatch(path) is not None


def digits_of(instrument: Instrument) -> Digits:
    """Return how numbers of an instrument are printed: to its steps, amounts of the quote currency to both together."""
    price, size = (len(step.partition(".")[2]) for step in (instrument.tick_size, instrument.lot_size))
    return Digits(price, size, price + size)


class BinanceUsdmSession(BinanceSession):
    """A connection to one of the addresses: single fills are on `/public`, aggregates and klines on `/market`.

    A stream on the wrong one is acknowledged like any other, and silent.
    """

    ping_seconds: ClassVar[float | None] = 180.0

    def __init__(self, question: Question) -> None:
        found = _PATH.fullmatch(question.path)
        assert found is not None, "only these paths have such a session"
        self._root = found.group(1)
        super().__init__(question, self._root)

    @property
    def dialect(self) -> Dialect:
        """What the frames look like."""
        return USDM

    def carries(self, channel: str, market: Market) -> bool:  # noqa: ARG002
        """Return whether this address carries a channel."""
        return (channel == "trade") == (self._root == _PUBLIC) and channel not in _NO_INTERVALS


def _fill(trade: Trade, wire: str, number: int, digits: Digits) -> str:
    time, maker = trade.timestamp_us // 1000, "true" if trade.side is Side.SELL else "false"
    kind = "MARKET" if trade.count else "INSURANCE_FUND"  # or another that is no market trade: the tape's own word is not kept
    price, size = digits.price_text(trade.price), digits.size_text(trade.size)
    return (
        f'{{"e":"trade","E":{time},"T":{time},"s":"{wire}","t":{number},"p":"{price}","q":"{size}",'
        f'"X":"{kind}","m":{maker},"st":1}}'
    )


def _aggregate(trade: Trade, wire: str, number: int, digits: Digits) -> str:
    time, maker = trade.timestamp_us // 1000, "true" if trade.side is Side.SELL else "false"
    price, size = digits.price_text(trade.price), digits.size_text(trade.size)
    return (
        f'{{"e":"aggTrade","E":{time},"s":"{wire}","a":{number},"p":"{price}","q":"{size}","nq":"{size}",'
        f'"f":{trade.first_id},"l":{trade.trade_id},"T":{time},"m":{maker},"st":1}}'
    )


USDM = Dialect("binanceusdm", _fill, _aggregate, digits_of, SECOND_US // 4)
