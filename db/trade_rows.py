"""Trades as rows of `raw_trades`: how values become rows, and rows values or columns."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from db.binary import Column, decode, encode, from_postgres, to_postgres
from db.bulk import copy_out
from market.trade import Side, Trade

COLUMNS = ("symbol", "trade_id", "timestamp", "price", "size", "taker_buy", "count", "id_span", "received_at")

_KINDS = {
    "trade_id": "i8",
    "timestamp": "i8",
    "price": "f8",
    "size": "f8",
    "taker_buy": "?",
    "count": "i4",
    "id_span": "i4",
    "received_at": "i8",
}
_MOMENTS = ("timestamp", "received_at")


def encode_trades(trades: Sequence[Trade]) -> Iterator[bytes]:
    """Return trades of any symbols as a COPY BINARY file, in pieces."""
    return encode([_block(symbol, group) for symbol, group in _by_symbol(trades).items()])


def select(connection: sa.Connection, condition: str, parameters: Mapping[str, object]) -> dict[str, NDArray[Any]]:
    """Return the columns of stored trades but for the symbol; moments are UTC epoch microseconds.

    Args:
        connection: Of a transaction.
        condition: What follows `where`, with the order and the limit.
        parameters: Of the condition.
    """
    query = f"select {', '.join(_KINDS)} from raw_trades where {condition}"  # noqa: S608 - the condition is a constant of the caller
    columns = decode(copy_out(connection, query, parameters), list(_KINDS.items()))
    return {name: from_postgres(column) if name in _MOMENTS else column for name, column in columns.items()}


def trades_of(symbol: str, columns: Mapping[str, NDArray[Any]]) -> Iterator[Trade]:
    """Yield the rows of one symbol as values."""
    sides = [Side.BUY if taker_buy else Side.SELL for taker_buy in columns["taker_buy"].tolist()]
    cells = {name: column.tolist() for name, column in columns.items()}
    numbers = (cells[name] for name in ("trade_id", "price", "size"))
    rest = (cells[name] for name in ("timestamp", "received_at", "count", "id_span"))
    return map(Trade, repeat(symbol), *numbers, sides, *rest)


def _by_symbol(trades: Sequence[Trade]) -> dict[str, Sequence[Trade]]:
    symbols = {trade.symbol for trade in trades}
    if len(symbols) == 1:
        return {symbols.pop(): trades}
    groups: dict[str, Sequence[Trade]] = {symbol: [] for symbol in symbols}
    for trade in trades:
        groups[trade.symbol].append(trade)  # type: ignore[attr-defined]
    return groups


def _block(symbol: str, trades: Sequence[Trade]) -> Sequence[Column]:
    # One pass for each column: a tuple for each trade would set off the garbage collector, which costs more than all passes.
    buy = Side.BUY
    return [
        symbol,
        np.array([trade.trade_id for trade in trades], np.int64),
        to_postgres(np.array([trade.timestamp_us for trade in trades], np.int64)),
        np.array([trade.price for trade in trades], np.float64),
        np.array([trade.size for trade in trades], np.float64),
        np.array([trade.side == buy for trade in trades], np.bool_),
        np.array([trade.count for trade in trades], np.int32),
        np.array([trade.id_span for trade in trades], np.int32),
        to_postgres(np.array([trade.received_us for trade in trades], np.int64)),
    ]
