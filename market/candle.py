"""A candle: what happened to one symbol over one span, and how sure we are of it."""

from enum import StrEnum

import msgspec

from market.timeframe import Timeframe


class Origin(StrEnum):
    """Where a candle's numbers come from."""

    LIVE = "live"
    HEALED = "healed"
    EXCHANGE = "exchange"


class Candle(msgspec.Struct, frozen=True, gc=False):
    """What happened to one symbol over the `timeframe` that ends at `timestamp_us`.

    Attributes:
        symbol: `EXCHANGE:BASE-QUOTE`.
        timeframe: Width of the span.
        timestamp_us: Close of the span, UTC epoch microseconds; the span is [timestamp - width, timestamp).
        open: Price of the first trade, in the quote currency; of a span without trades the previous close.
        high: Highest price.
        low: Lowest price.
        close: Price of the last trade.
        volume: Sum of the base amounts traded; 0 in a span without trades.
        quote_volume: Sum of price times size, in the quote currency; None where the source does not say.
        trades: Number of fills; None where the source does not say.
        taker_buy_volume: The part of `volume` in which the taker bought, in the base currency; None likewise.
        first_trade_id: Lowest id inside, None in a span without trades.
        last_trade_id: Highest id inside, None in a span without trades.
        final: True when the span is over, False while it is forming.
        complete: True when proven whole, False with a known hole inside, None when the venue's ids prove nothing.
        origin: Where the numbers come from.
        revision: 0, then one more each time a final candle changes; consumers keep the highest.
    """

    symbol: str
    timeframe: Timeframe
    timestamp_us: int
    open: float
    high: float
    low: float
    close: float
    volume: float = 0.0
    quote_volume: float | None = 0.0
    trades: int | None = 0
    taker_buy_volume: float | None = 0.0
    first_trade_id: int | None = None
    last_trade_id: int | None = None
    final: bool = True
    complete: bool | None = True
    origin: Origin = Origin.LIVE
    revision: int = 0

    @property
    def open_us(self) -> int:
        """Begin of the span, UTC epoch microseconds."""
        return self.timestamp_us - self.timeframe.width_us


OHLCVCandle = Candle


def flat_candle(symbol: str, timeframe: Timeframe, timestamp_us: int, price: float, *, complete: bool | None) -> Candle:
    """Return the candle of a span in which nobody traded: the previous close, volume 0."""
    return Candle(symbol, timeframe, timestamp_us, price, price, price, price, complete=complete)
