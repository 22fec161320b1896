"""What bots write, made for tests: an account that follows the rows of a backtest minute by minute, and what is stored of them."""

from dataclasses import dataclass, replace
from decimal import Decimal
from math import isnan
from typing import Any

import numpy as np
import pandas as pd

from db.bot_rows import SignalRow
from market.timeframe import MINUTE_US, Timeframe
from tests.trading.markets import frame_of, random_market
from trading.backtest.backtest import Backtest, Result
from trading.bots.account import Account
from trading.bots.evidence import minutes_of
from trading.bots.explain import Explanation, Told, explain
from trading.bots.orders import Moment
from trading.position import Bar
from trading.rules import Listing, Rules, Sizing

Frames = dict[str, pd.DataFrame]
BALANCE = Decimal("10000.5")
SYMBOLS = ("OKX:C0-USDT", "OKX:C1-USDT")
WIDTH = Timeframe.M5


@dataclass(frozen=True, kw_only=True)
class Run:
    """A bot and a backtest over the same time."""

    told: Told
    result: Result
    minutes: Frames

    def explained(self, **changes: Any) -> Explanation:
        """Explain it, with other values of what the bot told."""
        stored = {symbol: minutes_of(frame) for symbol, frame in self.minutes.items()}
        return explain(replace(self.told, **changes), self.result, stored)

    def revised(self, symbol: str, minute_us: int) -> "Run":
        """Return the run with a minute that was revised once more in the store."""
        frame = self.minutes[symbol].copy()
        frame.loc[frame["timestamp"] == pd.Timestamp(minute_us, unit="us", tz="UTC"), "revision"] += 1
        return replace(self, minutes={**self.minutes, symbol: frame})


def stored_minutes(seed: int, count: int, *, symbols: int = 1, quiet: float = 0.1) -> Frames:
    """Return minutes by chance, by symbol, that begin where a candle of five minutes does."""
    market = random_market(seed, count + 1, symbols, quiet=quiet)
    return {
        symbol: frame_of(market, number).iloc[1:].assign(complete=True, revision=0)
        for number, symbol in enumerate(SYMBOLS[:symbols])
    }


def wider(minutes: Frames) -> Frames:
    """Return the candles of five minutes that minutes are made of, where all five are there."""
    return {symbol: _wider(frame) for symbol, frame in minutes.items()}


def _wider(frame: pd.DataFrame) -> pd.DataFrame:
    bins = frame.set_index("timestamp").resample("5min", closed="right", label="right")
    made = bins.agg({"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"})
    return made[bins["open"].count() == WIDTH.width_us // MINUTE_US].reset_index()


def run_of(
    minutes: Frames, test: Backtest, *, bot_rules: Rules | None = None, bot_minutes: Frames | None = None
) -> Run:  # fmt: skip
    """Return a backtest inside minutes, and a bot that traded the same ones, or others, under the same rules, or others."""
    result = test.run(wider(minutes), finer=minutes)
    seen = result if bot_minutes is None else test.run(wider(bot_minutes), finer=bot_minutes)
    return Run(told=_told(seen, bot_rules or test.rules), result=result, minutes=minutes)


def _told(result: Result, rules: Rules) -> Told:
    """Trade the rows of a backtest in an account of a bot."""
    assert result.finer is not None
    market, decides, symbols = result.finer.market, result.finer.decides, result.market.symbols
    listings = {symbol: result.test.listings.get(symbol, Listing()) for symbol in symbols}
    account = Account(rules, listings, BALANCE, at_us=int(market.closes_us[0]) - MINUTE_US)
    decision, signals = 0, []
    for row, close_us in enumerate(market.closes_us.tolist()):
        moment, bars = Moment(close_us, False), [_bar(market, row, number) for number in range(len(symbols))]
        account.trade(bars, [0] * len(bars), moment)
        for number in np.flatnonzero(market.ends[row]).tolist():
            account.leave(number, moment)
            bars[number] = None
        if decides[row]:
            targets = result.targets[decision].tolist()
            signals += [
                _signal(symbol, close_us, target, bar) for symbol, target, bar in zip(symbols, targets, bars, strict=True) if bar
            ]
            scales = None if rules.sizing is not Sizing.VOLATILITY else _scales(result)[decision].tolist()
            account.decide(bars, targets, scales, moment, day=int(market.days[row]))
            decision += 1
    rows = account.take_rows()
    return Told(balance=BALANCE, trades=rows.trades, signals=signals, performance=[account.value(int(market.closes_us[-1]))])


def _scales(result: Result) -> np.ndarray:
    """Return what targets are multiplied with."""
    from trading.backtest.volatility import volatility_scales

    return volatility_scales(result.market, result.test.rules)


def _bar(market: Any, row: int, number: int) -> Bar | None:
    columns = (market.open, market.high, market.low, market.close, market.volume)
    return Bar(*(float(column[row, number]) for column in columns)) if market.there[row, number] else None


def _signal(symbol: str, close_us: int, target: float, bar: Bar) -> SignalRow:
    action = "hold" if isnan(target) else "buy" if target > 0.0 else "sell"
    return SignalRow(
        symbol=symbol, timestamp_us=close_us, action=action, confidence=1.0, target=None if isnan(target) else target,
        price=bar.close, indicators={}, reason="", acted=True, outcome="acted on", revision=0, caught_up=False,
    )  # fmt: skip
