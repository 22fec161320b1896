"""Stores what a venue answered: candles, flat ones between them, contradictions, and that it answered, in one transaction."""

from collections.abc import Sequence

import msgspec
import numpy as np

from db.repositories.backfills import Conflict
from db.series import ORIGINS, PRICES, CandleSeries, series_of
from db.store import Store
from market.candle import Candle, Origin
from market.timeframe import Timeframe
from market.window import Window

_EXCHANGE = ORIGINS.index(Origin.EXCHANGE)


class Answer(msgspec.Struct, frozen=True):
    """What a venue said of one page.

    Attributes:
        symbol: `EXCHANGE:BASE-QUOTE`.
        timeframe: Width of the candles.
        candles: Those it has.
        window: Of which time it was asked.
        settled: The part of it that will not be answered otherwise later; None when nothing is.
    """

    symbol: str
    timeframe: Timeframe
    candles: Sequence[Candle]
    window: Window
    settled: Window | None


class Kept(msgspec.Struct, frozen=True):
    """What a transaction changed: rows added or changed, and candles that differ."""

    stored: int
    conflicts: int


def keep_answer(store: Store, answer: Answer, *, decimals: int, skips_quiet: bool) -> Kept:
    """Store an answer; candles made of trades stay, and where the venue's differ from them that is noted.

    Args:
        store: Of a transaction.
        answer: What the venue said.
        decimals: Digits after the point to which it prints volumes.
        skips_quiet: Whether it has no candle of a span in which nobody traded; those become flat candles.
    """
    symbol, timeframe, window = answer.symbol, answer.timeframe, answer.window
    stored, differing = 0, list[Conflict]()
    for series in series_of(answer.candles):
        ours = store.market_data.get_series(symbol, timeframe, window.start_us + timeframe.width_us, window.end_us)
        differing = conflicts_between(ours, series, decimals=decimals)
        stored += store.market_data.upsert_series(series)
    store.backfills.note_conflicts(differing)
    if answer.settled is not None:
        store.backfills.answered(symbol, timeframe, answer.settled)
    if skips_quiet:
        stored += fill_quiet(store, symbol, timeframe, window)
    return Kept(stored, len(differing))


def fill_quiet(store: Store, symbol: str, timeframe: Timeframe, window: Window) -> int:
    """Store flat candles of spans in which nobody traded; return how many.

    The rule: the venue leaves out such spans; it answered for all the time from one stored candle to the next; and it has
    nothing between them. Then each span between gets the close of the candle before, volume 0, and is as complete as the
    venue's own candles are. A hole of which only one side is stored stays a hole.
    """
    filled = 0
    for quiet in store.backfills.quiet(symbol, timeframe, window):
        labels = np.arange(quiet.before_us + timeframe.width_us, quiet.behind_us, timeframe.width_us)
        flat = dict.fromkeys(("open", "high", "low", "close"), np.full(len(labels), quiet.price))
        none = dict.fromkeys(("volume", "quote_volume", "trades", "taker_buy_volume"), np.zeros(len(labels)))
        columns = {"timestamp": labels, **flat, **none, "complete": np.ones(len(labels))}
        filled += store.market_data.upsert_series(CandleSeries.of(symbol, timeframe, columns))
    return filled


def conflicts_between(stored: CandleSeries, theirs: CandleSeries, *, decimals: int) -> list[Conflict]:
    """Return where candles of ours that are proven whole differ from the venue's, beyond the digits that it prints.

    Args:
        stored: Rows of the store; only those made of trades and complete count.
        theirs: The venue's candles.
        decimals: Digits after the point to which volumes are printed; prices are compared as they are.
    """
    proven = (stored.columns["complete"] == 1) & (stored.columns["origin"] != _EXCHANGE)
    _, mine, other = np.intersect1d(stored.columns["timestamp"][proven], theirs.columns["timestamp"], return_indices=True)
    left, right = stored.take(np.flatnonzero(proven)[mine]), theirs.take(other)
    differs = np.zeros(len(left), bool)
    for name in PRICES:
        ours, said = left.columns[name], right.columns[name]
        # Half of the last digit; of large numbers a double has fewer digits than that.
        allowed = np.maximum(0.5 * 10.0**-decimals if name == "volume" else 0.0, 8 * np.spacing(np.abs(said)))
        differs |= np.abs(ours - said) > allowed
    return [_conflict(left, right, row) for row in np.flatnonzero(differs).tolist()]


def _conflict(ours: CandleSeries, theirs: CandleSeries, row: int) -> Conflict:
    mine, other = ({name: float(series.columns[name][row]) for name in PRICES} for series in (ours, theirs))
    moment_us = int(ours.columns["timestamp"][row])
    return Conflict(symbol=ours.symbol, timeframe=ours.timeframe, timestamp_us=moment_us, ours=mine, theirs=other)
