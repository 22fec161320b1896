"""Hypothesis strategies for our values."""

from hypothesis import strategies as st

from market.trade import Side, Trade

SYMBOL = "OKX:BTC-USDT"
START_US = 1_723_161_240_000_000  # 2024-08-08T23:54:00Z, a full minute
MINUTE_US = 60_000_000


def decimals(low: int, high: int, places: int) -> st.SearchStrategy[float]:
    """Return floats that a venue would print with so many places."""
    return st.integers(low, high).map(lambda units: float(f"{units}e-{places}"))


@st.composite
def trade_runs(draw: st.DrawFn, *, max_size: int = 60, longest_pause_us: int = 4 * MINUTE_US) -> list[Trade]:
    """Return trades of one symbol with ids without a gap and times that never go back."""
    first_id = draw(st.integers(1, 2**40))
    moment = START_US + draw(st.integers(0, 2 * MINUTE_US))
    trades = []
    pauses = st.one_of(
        st.just(0), st.integers(1, 10_000), st.sampled_from([MINUTE_US, 2 * MINUTE_US]), st.integers(0, longest_pause_us)
    )
    for number in range(draw(st.integers(1, max_size))):
        price, size = draw(decimals(1, 10_000_000, 2)), draw(decimals(1, 1_000_000_000, 8))
        side = draw(st.sampled_from(Side))
        trades.append(Trade(SYMBOL, first_id + number, price, size, side, moment, moment))
        moment += draw(pauses)
    return trades
