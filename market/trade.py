"""A trade as every venue's codec hands it on, and a raw data point as a venue sent it."""

from enum import StrEnum
from typing import Any

import msgspec


class Side(StrEnum):
    """The side of the taker: who crossed the spread."""

    BUY = "buy"
    SELL = "sell"


class Trade(msgspec.Struct, frozen=True, gc=False):
    """One public trade, or several fills of one taker order that the venue merged into one message.

    Attributes:
        symbol: `EXCHANGE:BASE-QUOTE`.
        trade_id: The venue's id; of merged fills the last one.
        price: In the quote currency; finite and above zero.
        size: In the base currency; finite and above zero.
        side: The taker's side.
        timestamp_us: The venue's match time, UTC epoch microseconds.
        received_us: Our receipt, UTC epoch microseconds.
        count: Fills merged into this trade; 0 for what the venue reports but counts in no candle.
        id_span: Consecutive ids this trade stands for: `trade_id - id_span + 1` to `trade_id`.
    """

    symbol: str
    trade_id: int
    price: float
    size: float
    side: Side
    timestamp_us: int
    received_us: int
    count: int = 1
    id_span: int = 1

    @property
    def first_id(self) -> int:
        """The lowest id this trade stands for."""
        return self.trade_id - self.id_span + 1

    def agrees(self, other: "Trade") -> bool:
        """Return whether two reports of one id say the same: price, size and the taker's side."""
        return self.price == other.price and self.size == other.size and self.side is other.side


class MarketDataPoint(msgspec.Struct, frozen=True, gc=False):
    """Something a venue sent, kept as it came.

    Attributes:
        symbol: `EXCHANGE:BASE-QUOTE`.
        data_type: What it is, in the venue's word or ours: `trade`, `ticker`, `book`.
        timestamp: The venue's time, UTC epoch microseconds.
        payload: The venue's own JSON value.
    """

    symbol: str
    data_type: str
    timestamp: int
    payload: Any
