"""Candles for the tests of the store."""

from hypothesis import strategies as st

from market.candle import Candle, Origin
from market.timeframe import Timeframe

SYMBOL = "OKX:BTC-USDT"
START_US = 1_723_161_240_000_000  # 2024-08-08T23:54:00Z
MINUTE_US = 60_000_000


def candle(
    minute: int, *, revision: int = 0, origin: Origin = Origin.LIVE, complete: bool | None = True, close: float = 2.0
) -> Candle:
    """Return the 1m candle that closes so many minutes after START_US."""
    return Candle(
        SYMBOL,
        Timeframe.M1,
        START_US + minute * MINUTE_US,
        2.0,
        3.0,
        1.0,
        close,
        volume=0.5,
        quote_volume=1.0,
        trades=2,
        taker_buy_volume=0.25,
        first_trade_id=minute * 10,
        last_trade_id=minute * 10 + 9,
        complete=complete,
        origin=origin,
        revision=revision,
    )


def amounts(places: int) -> st.SearchStrategy[float]:
    """Return sums as a venue would print them."""
    return st.integers(0, 10**12).map(lambda units: float(f"{units}e-{places}"))


@st.composite
def stored_candles(draw: st.DrawFn, *, max_size: int = 40, longest_step: int = 90) -> list[Candle]:
    """Return 1m candles in the order of time, with holes, and with everything that may be null being so at times."""
    minute = draw(st.integers(-10_000, 10_000))
    candles = []
    for _ in range(draw(st.integers(1, max_size))):
        minute += draw(st.integers(1, longest_step))
        low, open_, close, high = sorted(draw(st.lists(amounts(2).map(lambda price: price + 0.01), min_size=4, max_size=4)))
        ids = draw(st.none() | st.integers(1, 2**60))
        candles.append(
            Candle(
                SYMBOL,
                Timeframe.M1,
                START_US + minute * MINUTE_US,
                open_,
                high,
                low,
                close,
                draw(amounts(8)),
                draw(st.none() | amounts(8)),
                draw(st.none() | st.integers(0, 10_000)),
                draw(st.none() | amounts(8)),
                ids,
                None if ids is None else ids + draw(st.integers(0, 1_000)),
                final=True,
                complete=draw(st.sampled_from([True, True, True, None, False])),
                origin=draw(st.sampled_from(Origin)),
                revision=draw(st.integers(0, 3)),
            )
        )
    return candles
