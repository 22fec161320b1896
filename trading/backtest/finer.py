"""Finer candles inside a bar: decisions at the closes of coarse candles, fills inside the fine ones that they are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from market.errors import InputError
from market.timeframe import Timeframe
from trading.backtest.market import Flags, Floats, Integers, Market, market_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Finer:
    """Coarse candles taken apart: rows that fill orders, and among them those at whose close is decided.

    What differs from a run over the coarse candles alone: whether a bar reached its stop or its target first is seen, not guessed
    (unless one fine candle reached both); a trailing stop follows the best price candle by candle; market orders are still
    filled where the next coarse bar opens, but what the volume of that fine candle leaves of them (`Rules.volume_share`) follows
    in the next ones instead of the next coarse bar, and a fine candle without trades is passed over; shares of the volume are
    those of the fine candle's, also of the last one for orders that are filled at the close. Whatever counts in bars (time exits,
    limits, cooldowns, pauses) counts decisions still, and equity and all sums are of decisions.

    A coarse bar is taken apart only where the fine candles of all its symbols are there, whole, and end at its close's price;
    else one symbol would trade on what of another is known later only. Else it fills orders itself, as it does without finer ones.

    Attributes:
        market: A row for each fine candle, or for the coarse one; `timeframe` is the coarse one, `ends` are where they were.
        decides: Whether a coarse bar closes there, shape (rows,).
        bars: Number of the coarse bar, shape (rows,): that of a fill is `bars[fill.bar]`, its time `market.closes_us[fill.bar]`.
        apart: How many coarse bars are taken apart.
    """

    market: Market
    decides: Flags
    bars: Integers
    apart: int

    @property
    def opens_us(self) -> Integers:
        """When each row opened, UTC epoch microseconds, shape (rows,)."""
        closes, coarse = self.market.closes_us, np.flatnonzero(self.decides)
        begins = np.r_[0, coarse[:-1] + 1]
        opens = np.r_[closes[:1], closes[:-1]]
        opens[begins] = closes[coarse] - self.market.timeframe.width_us
        return np.asarray(opens, np.int64)

    def placed(self, wanted: Floats) -> Floats:
        """Return targets or scales of coarse bars at the rows that decide, NaN at the others, shape (rows, symbols)."""
        rows = np.full((len(self.market), wanted.shape[1]), np.nan)
        rows[self.decides] = wanted
        return rows


def finer_of(market: Market, frames: Mapping[str, "pd.DataFrame"], timeframe: Timeframe) -> Finer:
    """Return a market with its bars taken apart where finer candles are stored.

    Args:
        market: The coarse candles.
        frames: Finer ones by symbol, as `market_of` takes them; what lies outside of the coarse candles is left out.
        timeframe: Their width.

    Raises:
        InputError: If whole coarse candles are not made of whole fine ones, or candles are not in their order.
    """
    check_finer(market.timeframe, timeframe)
    known = {symbol: frame for symbol, frame in frames.items() if symbol in market.symbols and len(frame)}
    if not known:
        return _merged(market, np.zeros(len(market), bool), None, parts=1)
    parts = market.timeframe.width_us // timeframe.width_us
    fine = market_of({symbol: known.get(symbol, _nothing(known)) for symbol in market.symbols}, timeframe)
    return _merged(market, _whole(market, fine, parts), fine, parts=parts)


def check_finer(timeframe: Timeframe, finer: Timeframe) -> None:
    """Refuse finer candles that coarse ones are not made of.

    Raises:
        InputError: If they are.
    """
    if finer.width_us >= timeframe.width_us or not finer.divides(timeframe):
        raise InputError(f"finer candles are of a timeframe that divides {timeframe}, found {finer}")


def _nothing(known: "Mapping[str, pd.DataFrame]") -> "pd.DataFrame":
    return next(iter(known.values())).iloc[:0]


def _whole(market: Market, fine: Market, parts: int) -> Flags:
    """Return which coarse bars have all fine candles of all their symbols, shape (bars,)."""
    last = np.searchsorted(fine.closes_us, market.closes_us)
    begin = np.searchsorted(fine.closes_us, market.closes_us - market.timeframe.width_us, side="right")
    exact: Flags = (last < len(fine)) & (last - begin == parts - 1)
    exact[exact] = fine.closes_us[last[exact]] == market.closes_us[exact]
    counts = np.vstack([np.zeros(len(market.symbols), int), np.cumsum(fine.there, axis=0)])
    ends = last[exact]
    there = market.there[exact]
    agree = (counts[ends + 1] - counts[ends + 1 - parts] == parts) & (fine.close[ends] == market.close[exact])
    exact[exact] = (agree | ~there).all(axis=1)
    return exact


def _merged(market: Market, apart: Flags, fine: Market | None, *, parts: int) -> Finer:
    """Return the rows of a market of which some are replaced by their parts."""
    bars = np.repeat(np.arange(len(market)), np.where(apart, parts, 1))
    decides = np.r_[bars[1:] != bars[:-1], True]
    columns = {name: getattr(market, name)[bars] for name in ("closes_us", "open", "high", "low", "close", "volume", "there")}
    if fine is not None:
        rows = np.searchsorted(fine.closes_us, market.closes_us[apart])[:, None] + np.arange(1 - parts, 1)
        for name, column in columns.items():
            column[apart[bars]] = getattr(fine, name)[rows.ravel()]
        columns["there"] &= market.there[bars]  # where a symbol has no coarse candle nothing is known of it
        for name in ("open", "high", "low", "close", "volume"):
            columns[name][~columns["there"]] = np.nan
    ends = market.ends[bars] & decides[:, None]
    merged = Market(symbols=market.symbols, timeframe=market.timeframe, ends=ends, **columns)
    return Finer(market=merged, decides=decides, bars=bars, apart=int(apart.sum()))
