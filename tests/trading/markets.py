"""Markets and rules for tests of backtests: bars with gaps, jumps, minutes without trades, and holes."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from market.timeframe import MINUTE_US, Timeframe
from trading.backtest.market import Market
from trading.broker import Broker
from trading.fills import Slippage
from trading.position import Bar
from trading.rules import FillAt, Listing, Rules, Sizing

START_US = 1_723_161_240_000_000
CHOICES = (0.0, 1.0, -1.0, 0.5, 0.25, np.nan)


def market_from(*symbols: Sequence[tuple[float, float, float, float, float] | None]) -> Market:
    """Return a market of bars (open, high, low, close, volume) by symbol; None is a bar that is missing."""
    bars = max(len(rows) for rows in symbols)
    table = np.full((5, bars, len(symbols)), np.nan)
    for number, rows in enumerate(symbols):
        for place, row in enumerate(rows):
            if row is not None:
                table[:, place, number] = row
    there = ~np.isnan(table[0])
    ends = np.zeros_like(there)
    ends[:-1] = there[:-1] & ~there[1:]
    names = tuple(f"OKX:C{number}-USDT" for number in range(len(symbols)))
    return Market(
        symbols=names, timeframe=Timeframe.M1, closes_us=START_US + MINUTE_US * np.arange(1, bars + 1), open=table[0],
        high=table[1], low=table[2], close=table[3], volume=table[4], there=there, ends=ends,
    )  # fmt: skip


def random_market(seed: int, bars: int, symbols: int, *, quiet: float = 0.2, missing: float = 0.0) -> Market:
    """Return bars by chance: walks with jumps, gaps at the open, bars without trades and bars that are missing."""
    chance = np.random.default_rng(seed)
    return market_from(*(_walk(chance, bars, quiet, missing) for _ in range(symbols)))


def _walk(
    chance: np.random.Generator, bars: int, quiet: float, missing: float
) -> list[tuple[float, float, float, float, float] | None]:
    step, last, rows = chance.choice([1e-3, 1e-2, 5e-2]), 100.0, []
    unknown = chance.random() < 0.1
    for _ in range(bars):
        if chance.random() < quiet:
            rows.append((last, last, last, last, 0.0))
            continue
        open_ = last * (1.0 + (chance.random() < 0.3) * chance.normal(0.0, step))
        close = open_ * np.exp(chance.normal(0.0, step) + (chance.random() < 0.03) * chance.normal(0.0, 0.2))
        high = max(open_, close) * (1.0 + abs(chance.normal(0.0, step)))
        low = min(open_, close) * (1.0 - min(abs(chance.normal(0.0, step)), 0.5))
        volume = np.nan if unknown else chance.exponential(20.0)
        rows.append((*(max(round(float(price), 4), 1e-4) for price in (open_, high, low, close)), float(volume)))
        last = rows[-1][3]
    return [None if chance.random() < missing else row for row in rows]


def random_targets(seed: int, market: Market, busy: float) -> np.ndarray:
    """Return wanted positions that change by chance."""
    chance = np.random.default_rng(seed)
    shape = market.open.shape
    return np.where(chance.random(shape) < busy, chance.choice(CHOICES, shape), np.nan)


def random_scales(seed: int, targets: np.ndarray) -> np.ndarray:
    """Return what targets are multiplied with, NaN here and there where nothing is wanted."""
    chance = np.random.default_rng(seed)
    unknown = (chance.random(targets.shape) < 0.3) & np.isnan(targets)
    return np.where(unknown, np.nan, chance.uniform(0.2, 1.5, targets.shape))


def frame_of(market: Market, number: int) -> pd.DataFrame:
    """Return the candles of a symbol as the store gives them."""
    there = market.there[:, number]
    columns = {name: getattr(market, name)[there, number] for name in ("open", "high", "low", "close", "volume")}
    return pd.DataFrame({"timestamp": pd.to_datetime(market.closes_us[there], unit="us", utc=True), **columns})


def by_broker(
    market: Market,
    targets: np.ndarray,
    broker: Broker,
    scales: np.ndarray | None = None,
    *,
    decides: np.ndarray | None = None,
) -> list[float]:
    """Return the equity at each close that decides, when bar after bar is traded."""
    equity = []
    for place in range(len(market)):
        rows = zip(
            *(column[place].tolist() for column in (market.open, market.high, market.low, market.close, market.volume)), strict=True
        )
        bars = [Bar(*row) if known else None for row, known in zip(rows, market.there[place], strict=True)]
        broker.trade(bars)
        broker.close(bars)
        for number in np.flatnonzero(market.ends[place]):
            broker.close_out(int(number), float(market.close[place, number]))
        if decides is not None and not decides[place]:
            continue
        equity.append(broker.equity)
        left = [None if ended else bar for bar, ended in zip(bars, market.ends[place], strict=True)]
        wanted = targets[place].tolist()
        broker.decide(left, wanted, scales=None if scales is None else scales[place].tolist(), day=int(market.days[place]))
    return equity


def _switch(high: float) -> st.SearchStrategy[float]:
    return st.just(0.0) | st.floats(0.0005, high)


def rules() -> st.SearchStrategy[Rules]:
    """Return rules of all kinds together."""
    return st.builds(
        Rules, fill_at=st.sampled_from(FillAt), maker_fee=st.floats(0, 0.002), taker_fee=st.floats(0, 0.003),
        slippage=st.sampled_from(Slippage), slippage_amount=st.floats(0, 0.5), volume_share=st.just(0.0) | st.floats(0.01, 1),
        limit_offset=_switch(0.02), limit_bars=st.integers(1, 5), stop_loss=_switch(0.05), take_profit=_switch(0.05),
        trailing_stop=_switch(0.05), time_exit=st.integers(0, 6), sizing=st.sampled_from(Sizing),
        size=st.just(1.0) | st.floats(0.1, 1.5) | st.floats(10, 20_000), short=st.booleans(), leverage=st.floats(0.5, 3),
        cooldown_bars=st.integers(0, 5), guard_stops=st.integers(0, 3), guard_within_bars=st.integers(0, 30),
        guard_pause_bars=st.integers(0, 20), max_drawdown=st.just(0.0) | st.floats(0.01, 0.5),
        drawdown_pause_bars=st.integers(0, 20), daily_loss=st.just(0.0) | st.floats(0.001, 0.2),
    )  # fmt: skip


def plain_rules() -> st.SearchStrategy[Rules]:
    """Return rules for which the kernel has a short way."""
    return st.builds(
        Rules, taker_fee=st.floats(0, 0.003), slippage=st.sampled_from(Slippage), slippage_amount=st.floats(0, 0.5),
        sizing=st.sampled_from([Sizing.FRACTION, Sizing.VALUE]), size=st.just(1.0) | st.floats(0.1, 1.5) | st.floats(10, 20_000),
        short=st.booleans(), leverage=st.floats(0.5, 3),
    )  # fmt: skip


def order_styles() -> dict[str, st.SearchStrategy[Rules]]:
    """Return rules by the kind of orders that they make; the last one has all of them, and all else, together."""
    fees = {"maker_fee": st.just(0.0), "taker_fee": st.sampled_from([0.0, 0.001]), "short": st.booleans()}
    share = st.floats(0.001, 0.05)
    return {
        "market-at-next-open": st.builds(Rules, **fees),
        "market-at-close": st.builds(Rules, fill_at=st.just(FillAt.CLOSE), **fees),
        "limit": st.builds(Rules, limit_offset=st.floats(0.0005, 0.02), limit_bars=st.integers(1, 4), **fees),
        "stop-loss": st.builds(Rules, stop_loss=share, fill_at=st.sampled_from(FillAt), **fees),
        "take-profit": st.builds(Rules, take_profit=share, fill_at=st.sampled_from(FillAt), **fees),
        "trailing-stop": st.builds(Rules, trailing_stop=share, fill_at=st.sampled_from(FillAt), **fees),
        "time-exit": st.builds(Rules, time_exit=st.integers(1, 6), fill_at=st.sampled_from(FillAt), **fees),
        "everything": rules(),
    }


def listings() -> st.SearchStrategy[list[Listing]]:
    """Return what venues say of one to three symbols."""
    one = st.builds(
        Listing, tick=st.sampled_from([0.0, 0.01, 0.5, 1.0, 5.0]), lot=st.sampled_from([0.0, 1e-8, 0.001, 0.25, 1.0, 3.0]),
        least_value=st.sampled_from([0.0, 5.0, 500.0]),
    )  # fmt: skip
    return st.lists(one, min_size=1, max_size=3)
