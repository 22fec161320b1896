"""What a perfect collector would have, by the exchange itself: its trades, and the minutes they make."""

from collections.abc import Iterable, Sequence

import msgspec

from db.repositories.watermarks import Watermark
from market.timeframe import MINUTE_US
from market.trade import Trade
from replay.bars import Bar, bars_of_trades
from replay.source import Series, Source

_ALL = 1 << 40


def true_trades(source: Source, symbol: str, channel: str) -> list[Trade]:
    """Return all trades of a symbol with the ids that the channel gives them, each standing for one id."""
    if source.venue == "BINANCEUSDM" and channel == "aggTrade":
        series = source.aggregates(symbol)
        return [
            msgspec.structs.replace(trade, trade_id=number, id_span=1)
            for trade, number in zip(series.slice(0, _ALL), _numbers(series), strict=True)
        ]
    return source.fills(symbol).slice(0, _ALL)


def is_reached(mark: Watermark, last: Trade) -> bool:
    """Return whether a symbol is as far as its last trade; where ids prove nothing, times stand in their place."""
    return mark.trade_id >= last.trade_id if mark.trade_id != mark.timestamp_us else mark.timestamp_us >= last.timestamp_us


def true_minutes(trades: Iterable[Trade]) -> dict[int, Bar]:
    """Return the minutes with trades, by their close."""
    return {bar.open_us + MINUTE_US: bar for bar in bars_of_trades(trades, MINUTE_US)}


def _numbers(series: Series) -> Sequence[int]:
    return series.numbers(0, len(series.slice(0, _ALL)))


def first_heard(trades: Iterable[Trade]) -> dict[str, int]:
    """Return the last id of what came together before all else, by symbol."""
    first: dict[str, tuple[int, int]] = {}
    for trade in trades:
        received_us, last_id = first.get(trade.symbol, (trade.received_us, trade.trade_id))
        if trade.received_us < received_us:
            first[trade.symbol] = trade.received_us, trade.trade_id
        elif trade.received_us == received_us:
            first[trade.symbol] = received_us, max(last_id, trade.trade_id)
    return {symbol: last_id for symbol, (_, last_id) in first.items()}
