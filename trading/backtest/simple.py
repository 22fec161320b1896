"""The entry point of scripts and notebooks: a strategy on candles, in one call."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from market.candle import Candle
from market.clock import isoformat
from market.errors import InputError
from market.timeframe import Timeframe, parse_timeframe
from trading.backtest.backtest import Backtest, Result, bars_of
from trading.backtest.metrics import AccountCurve
from trading.frames import timestamps_us
from trading.rules import Rules
from trading.signal import Signal
from trading.strategy import BaseStrategy

MarketData = pd.DataFrame | Sequence[Candle] | Sequence[Mapping[str, Any]]


def backtest_strategy_simple(
    strategy: BaseStrategy, market_data: MarketData, initial_balance: float = 10_000.0, *, rules: Rules | None = None,
    allow_holes: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Return what comes of a strategy on the candles of one symbol.

    Orders are filled at the open of the next candle, with a fee of 0.1 % and no slippage, unless `rules` say otherwise.

    Args:
        strategy: Any strategy, for example `SmaCross({"fast": 10, "slow": 30})`.
        market_data: Candles, oldest first: as `market_data.get_candles` gives them, a sequence of `Candle`, or of mappings; at
            least timestamp (the close), open, high, low, close and volume.
        initial_balance: In the quote currency.
        rules: How orders are made and filled.
        allow_holes: Whether the candles may have holes between them; nothing is held over one.

    Returns:
        final_value: Value of the account at the last close, what is still held at that price.
        total_return: Final value / balance - 1, a fraction.
        signals: What the strategy said wherever it wanted something new, oldest first, as `Signal`.
        portfolio_progression: Value of the account at each close, a list of floats that `calculate_performance_metrics` takes and
            that knows the width of a bar and the round trips.

    Raises:
        InputError: If there is no candle, a column is missing, or candles are not in their order or not of one width.
        HolesError: If there are holes that were not allowed.
    """
    frame = _frame(market_data)
    test = Backtest(strategy, _timeframe(frame), rules=rules or Rules(), balance=initial_balance, allow_holes=allow_holes)
    result = test.run(frame)
    return {
        "final_value": result.final_value,
        "total_return": result.total_return,
        "signals": signals_of(result),
        "portfolio_progression": AccountCurve(
            result.outcome.equity.tolist(), result.market.closes_us, bar_seconds=result.run.bar_seconds,
            initial_balance=initial_balance, trips=result.trips.closed, fees=result.run.fees, traded=result.run.traded,
        ),
    }  # fmt: skip


def signals_of(result: Result) -> list[Signal]:
    """Return what the strategy said at each wish that differs from the one before, in words and with its indicators."""
    strategy, market, found = result.test.strategy, result.market, []
    for number, symbol in enumerate(market.symbols):
        own = type(strategy)(dict(strategy.parameters))
        own.symbol = symbol
        begins = np.flatnonzero(market.there[:, number])
        bars = bars_of(market, number, begins)
        hole = np.concatenate([[0], np.flatnonzero(market.ends[begins, number]) + 1])
        for bar, _, _ in (each for each in result.signals if each[1] == number):
            place = int(np.searchsorted(begins, bar))
            first = max(place + 1 - own.lookback, int(hole[np.searchsorted(hole, place, side="right") - 1]))
            found.append(own.process_data(bars.iloc[first : place + 1]))
    return sorted(found, key=lambda signal: signal.timestamp_us)


def _frame(data: MarketData) -> pd.DataFrame:
    if isinstance(data, pd.DataFrame):
        return data
    rows = [_row(each) for each in data]
    if not rows:
        raise InputError("there is no candle to try the strategy on; give at least one")
    frame = pd.DataFrame(rows)
    if "timestamp" not in frame.columns:
        raise InputError(f"a candle needs its close as `timestamp`; found {', '.join(map(str, frame.columns))}")
    return frame.assign(timestamp=pd.to_datetime(frame["timestamp"], utc=True).astype("datetime64[us, UTC]"))


def _row(candle: Candle | Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(candle, Candle):
        return dict(candle)
    names = ("symbol", "open", "high", "low", "close", "volume", "complete")
    return {"timestamp": isoformat(candle.timestamp_us), **{name: getattr(candle, name) for name in names}}


def _timeframe(frame: pd.DataFrame) -> Timeframe:
    """Return the width of candles: what they say, or the distance between most of them."""
    named: Sequence[Any] = list(frame["timeframe"].unique()) if "timeframe" in frame.columns else []
    if len(named) == 1:
        return parse_timeframe(str(named[0]))
    steps = np.abs(np.diff(timestamps_us(frame)))
    if not len(steps):
        raise InputError("the width of one candle alone is not known; give two or more, or a column timeframe")
    widths, counts = np.unique(steps, return_counts=True)
    usual = int(widths[counts.argmax()])
    known = {each.width_us: each for each in Timeframe}
    if usual not in known:
        raise InputError(f"candles are {usual / 1e6:g} s apart; that is not the width of {', '.join(Timeframe)}")
    return known[usual]
