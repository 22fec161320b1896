"""What is read for the page of the market beside its live part: windows of the past, fills of bots, trades, indicators."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app.charts.fills import Fill
from app.data.backtests import spans
from app.data.connections import database, database_at, database_for_threads, redis, url_of
from app.data.coverage import SETTLE_US
from app.data.live import feed_of
from app.data.strategies import overlay_desk
from app.data.windows import stored_of
from app.ranges import Shown
from app.stores import Lost
from app.strategy_desk import Found
from app.words import is_of_now
from db.repositories.market_data import MarketDataRepository
from market.clock import from_datetime, monotonic, now_us
from market.timeframe import BASE, Timeframe
from trading.bots.hosts import Question
from trading.frames import PRICES, timestamps_us

MOST_FILLS = 500
TRADES = 1_000

_BEFORE = 1_000  # candles that a strategy sees before the first that is drawn, for its warm-up


@dataclass(frozen=True, slots=True, kw_only=True)
class Fills:
    """Fills on a chart.

    Attributes:
        bots: Ids of all bots that trade the symbol.
        fills: Those of the chosen ones, oldest first; the newest 500 at most.
    """

    bots: list[str]
    fills: list[Fill]


def window_candles(symbol: str, shown: Shown, lost: Lost) -> pd.DataFrame | None:
    """Return the candles of a window with the column `final`, half a minute old at most; None while it cannot be read."""
    ends = (shown.timeframe.close_of(shown.start_us or 0), shown.end_us or 0)
    return database().ask(lambda _: _window(url_of("database"), symbol, shown.timeframe, *ends), None, lost)


@st.cache_data(ttl=30, max_entries=64, show_spinner=False)
def _window(url: str | None, symbol: str, timeframe: Timeframe, first_us: int, last_us: int) -> pd.DataFrame:
    return database_at(url).market_data.get_bars(symbol, timeframe, first_us, last_us).assign(final=True)


def expected_in_window_us(symbol: str, shown: Shown, *, followed: bool, lost: Lost) -> tuple[int, int] | None:
    """Return from when to when there should be candles in a window of the past; None where there is no such time, or nobody knows.

    That is from the first that is stored of the symbol on, and up to the last; of one that is followed up to now.

    Returns:
        Begin of the first and end of the last, UTC epoch microseconds.
    """
    stored = stored_of(spans(lost) or [], [symbol], shown.timeframe)
    if stored is None:
        return None
    last_us = max(stored.last_us, now_us() - SETTLE_US) if followed else stored.last_us
    begin_us = _first_open(shown.timeframe, max(shown.start_us or 0, stored.first_us))
    end_us = shown.timeframe.open_of(min(shown.end_us or 0, last_us))
    return (begin_us, end_us) if begin_us < end_us else None


def expected_lately_us(symbol: str, shown: Shown, candles: pd.DataFrame, lost: Lost) -> tuple[int, int] | None:
    """Return the same for the newest candles: as far back as they were asked for; None where there are that many, or no more."""
    if candles.empty:
        return None
    first, last = (from_datetime(candles["timestamp"].iloc[place].to_pydatetime()) for place in (0, -1))
    width_us = shown.timeframe.width_us
    since_us = last - shown.bars * width_us
    oldest_us = first_us(symbol, lost) if first - width_us > since_us else None
    if oldest_us is None:
        return None
    return _first_open(shown.timeframe, max(since_us, oldest_us - BASE.width_us)), last


def _first_open(timeframe: Timeframe, moment_us: int) -> int:
    """Return where the first whole span behind a moment begins."""
    return timeframe.close_of(moment_us - 1)


def all_us(symbol: str, lost: Lost) -> tuple[int, int] | None:
    """Return from when to when there are candles of a symbol, of one that is followed up to now; None where none is known.

    Returns:
        Open of the first and end of the last, UTC epoch microseconds, as it was at most half a minute ago.
    """
    own = [each for each in spans(lost) or [] if each.symbol == symbol]
    if not own:
        return None
    begin_us, last_us = min(each.first_us - each.timeframe.width_us for each in own), max(each.last_us for each in own)
    return begin_us, max(last_us, now_us()) if is_of_now(feed_of(symbol, lost)) else last_us


def first_us(symbol: str, lost: Lost) -> int | None:
    """Return the close of the first stored candle, as it was at most ten minutes ago; None without any."""
    return database().ask(lambda _: _first(url_of("database"), symbol), None, lost)


@st.cache_data(ttl=600, max_entries=256, show_spinner=False)
def _first(url: str | None, symbol: str) -> int | None:
    return database_at(url).market_data.first_us(symbol)


def fills(symbol: str, chosen: tuple[str, ...], start_us: int, end_us: int, lost: Lost) -> Fills:
    """Return the bots that trade a symbol and fills of chosen ones, at most twenty seconds old."""
    nothing = Fills(bots=[], fills=[])
    return database().ask(lambda _: _fills(url_of("database"), symbol, chosen, start_us, end_us), nothing, lost)


@st.cache_data(ttl=20, max_entries=64, show_spinner=False)
def _fills(url: str | None, symbol: str, chosen: tuple[str, ...], start_us: int, end_us: int) -> Fills:
    bots, found = database_at(url).bots.fills(symbol, chosen=chosen, start_us=start_us, end_us=end_us, most=MOST_FILLS)
    return Fills(bots=bots, fills=found)


def newest_trades(symbol: str, lost: Lost) -> Mapping[str, NDArray[Any]] | None:
    """Return the newest stored trades, newest first, read anew when a minute closes; None while they cannot be read.

    Columns are as in `RawTradeRepository.get_columns`, at most 1,000 rows.
    """
    edge = redis().ask(lambda bus: bus.latest(symbol, BASE), None, lost)
    moment = int(monotonic() // 30) if edge is None else edge.open_us  # of the minute that forms
    return database().ask(lambda _: _trades(url_of("database"), symbol, moment), None, lost)


@st.cache_data(ttl=60, max_entries=64, show_spinner=False)
def _trades(url: str | None, symbol: str, moment: int) -> Mapping[str, NDArray[Any]]:
    del moment  # another one has other trades
    return database_at(url).raw_trades.get_newest(symbol, TRADES)


def indicators(
    symbol: str, timeframe: Timeframe, candles: pd.DataFrame, *, strategy: str, parameters: Mapping[str, Any], version: Hashable
) -> Found | None:
    """Return what a strategy says of some candles, None while it is asked; it is never waited for.

    Args:
        symbol: Of the candles.
        timeframe: Likewise.
        candles: Those that are over, oldest first; it sees 1,000 more before them.
        strategy: Its name.
        parameters: Those that are given.
        version: Changes when the candles were read anew.
    """
    labels = timestamps_us(candles)
    first, last = int(labels[0]) - _BEFORE * timeframe.width_us, int(labels[-1])
    recipe = msgspec.json.encode(parameters, order="sorted")
    store = database_for_threads(url_of("database")).market_data  # the thread that reads has no session

    def make() -> Question | None:
        return _question(store, symbol, timeframe, strategy=strategy, parameters=parameters, window=(first, last))

    return overlay_desk().series((url_of("database"), symbol, timeframe, strategy, recipe, first, last, version), make)


def _question(
    store: MarketDataRepository, symbol: str, timeframe: Timeframe, *, strategy: str, parameters: Mapping[str, Any],
    window: tuple[int, int],
) -> Question | None:  # fmt: skip
    bars = store.get_bars(symbol, timeframe, *window)
    if bars.empty:
        return None
    return Question(
        bot=f"page {strategy}", strategy=strategy, parameters=parameters, symbol=symbol, timestamps_us=timestamps_us(bars),
        prices=np.column_stack([bars[name].to_numpy(np.float64) for name in PRICES]), series=True,
    )  # fmt: skip
