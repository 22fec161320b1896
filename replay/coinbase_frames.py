"""What Coinbase's two feeds say of trades, as text: made from the trades, or found among the recorded frames."""

import re
from collections.abc import Sequence
from itertools import groupby
from uuid import UUID

from exchanges.coinbase_rest import book_of
from market.clock import isoformat
from market.timeframe import SECOND_US
from market.trade import Side, Trade
from replay.fills import plain_text
from replay.source import Frame, Market, Slice

MATCHES, MARKET_TRADES = "matches", "market_trades"
_BATCH_US = SECOND_US // 4  # Advanced Trade gathers what happens in so long into one update
_MILLISECOND_US = 1000
_ID = re.compile(rb'"trade_id"\s*:\s*"?(\d+)')
_NUMBER = re.compile(rb'("sequence_num"\s*:\s*)\d+')


def maker_of(trade: Trade) -> str:
    """Return the maker's side of a trade: the opposite of the taker's."""
    return (Side.BUY if trade.side is Side.SELL else Side.SELL).value


def time_text(moment_us: int) -> str:
    """Return a moment as Coinbase prints it, always with microseconds."""
    text = isoformat(moment_us)
    return text if "." in text else f"{text[:-1]}.000000Z"


def wire_of(symbol: str) -> str:
    """Return Coinbase's spelling of a symbol."""
    return symbol.partition(":")[2]


def listed_as(wire: str, market: Market) -> str | None:
    """Return the symbol of a product; of a book that dollars and USDC share either name is good."""
    names = (wire, book_of(wire), f"{wire}C" if wire.endswith("-USD") else wire)
    symbols = (f"{market.source.venue}:{name}" for name in names)
    return next((symbol for symbol in symbols if symbol in market.source.instruments), None)


def newest_fill(symbol: str, market: Market) -> Trade | None:
    """Return the last trade that was played."""
    newest = newest_fills(symbol, market, 1)
    return newest[0] if newest else None


def newest_fills(symbol: str, market: Market, limit: int) -> list[Trade]:
    """Return the last trades that were played, oldest first."""
    fills = market.source.fills(symbol)
    return fills.newest(market.played(fills), limit)


def match_frames(span: Slice, symbol: str) -> list[Frame]:
    """Return the matches of a span: as recorded where that feed was, made from the trades elsewhere."""
    recorded = span.source.frames(symbol, MATCHES, span.start_us, span.now_us)
    if recorded is not None:
        return recorded
    trades, _ = span.trades(span.source.fills(symbol))
    return [(trade.timestamp_us, trade.trade_id, match_text(trade, "match")) for trade in trades]


def update_frames(span: Slice, symbol: str) -> list[Frame]:
    """Return the updates of a span with numbers that are not yet those of a connection; the rest likewise."""
    recorded = span.source.frames(symbol, MARKET_TRADES, span.start_us, span.now_us)
    if recorded is not None:
        return recorded
    trades, _ = span.trades(span.source.fills(symbol))
    batches = [list(batch) for _, batch in groupby(trades, lambda trade: trade.timestamp_us // _BATCH_US)]
    return [
        (batch[-1].timestamp_us, batch[-1].trade_id, market_trades_text("update", batch, symbol, batch[-1].timestamp_us))
        for batch in batches
    ]


def match_text(trade: Trade, kind: str) -> bytes:
    """Return a trade as a frame of Exchange; its order ids are made of its own id."""
    return (
        f'{{"type":"{kind}","trade_id":{trade.trade_id},"maker_order_id":"{UUID(int=2 * trade.trade_id)}",'
        f'"taker_order_id":"{UUID(int=2 * trade.trade_id + 1)}","side":"{maker_of(trade)}","size":"{plain_text(trade.size)}",'
        f'"price":"{plain_text(trade.price)}","product_id":"{wire_of(trade.symbol)}","sequence":{trade.trade_id},'
        f'"time":"{time_text(trade.timestamp_us)}"}}'
    ).encode()


def market_trades_text(kind: str, trades: Sequence[Trade], symbol: str, now_us: int) -> bytes:
    """Return trades, given oldest first, as a frame of Advanced Trade, which lists them newest first."""
    wire = book_of(wire_of(symbol))
    rows = ",".join(
        f'{{"product_id":"{wire}","trade_id":"{trade.trade_id}","price":"{plain_text(trade.price)}",'
        f'"size":"{plain_text(trade.size)}","time":"{time_text(trade.timestamp_us)}","side":"{maker_of(trade).upper()}"}}'
        for trade in reversed(trades)
    )
    return (
        f'{{"channel":"market_trades","timestamp":"{time_text(now_us)}","sequence_num":0,'
        f'"events":[{{"type":"{kind}","trades":[{rows}]}}]}}'
    ).encode()


def numbered(frame: bytes, number: int) -> bytes:
    """Return a frame of Advanced Trade with its number on a connection; nothing else of it changes."""
    return _NUMBER.sub(rb"\g<1>%d" % number, frame, count=1)


def recorded_frame(market: Market, symbol: str, channel: str, trade_id: int) -> bytes | None:
    """Return the recorded frame whose newest trade has an id, None where none of those played has."""
    frames = market.source.frames(symbol, channel, 0, market.now_us + _MILLISECOND_US) or []  # the clock has no microseconds
    found = next((frame for _, _, frame in reversed(frames) if newest_id(frame) <= trade_id), b"")
    return found if newest_id(found) == trade_id else None


def newest_id(frame: bytes) -> int:
    """Return the highest trade id in a frame, -1 when it has none."""
    return max((int(number) for number in _ID.findall(frame)), default=-1)


def repeats(frame: bytes, told_id: int) -> bool:
    """Return whether a recorded frame tells a new subscriber the past, and this one already knows it."""
    return (b'"last_match"' in frame or b'"snapshot"' in frame) and newest_id(frame) <= told_id
