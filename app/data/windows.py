"""The window of a new run: what is stored for it, and how much of it is there before anything runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.data.background import Done, Failed, Pending, background
from app.data.backtests import store
from app.stores import Lost
from db import DatabaseOperations
from db.stored_spans import Span
from market.clock import isoformat, now_us, parse_time
from market.timeframe import Timeframe

MOST_CANDLES = 700_000
"""More than this is not looked at before it runs; the run itself looks at all."""
_FRESH_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What is stored that candles of a width can be made of, for some symbols together.

    Attributes:
        first_us: Where the latest of them begins, UTC epoch microseconds.
        last_us: Where the earliest of them ends.
    """

    first_us: int
    last_us: int


def stored_of(spans: Sequence[Span], symbols: Sequence[str], timeframe: Timeframe) -> Stored | None:
    """Return from when to when all of some symbols are stored; None where one has nothing, or there is no such time."""
    firsts, lasts = [], []
    for symbol in symbols:
        own = [each for each in spans if each.symbol == symbol and each.timeframe.width_us <= timeframe.width_us]
        if not own:
            return None
        firsts.append(min(each.first_us - each.timeframe.width_us for each in own))
        lasts.append(max(each.last_us for each in own))
    if not firsts or timeframe.open_of(min(lasts)) <= max(firsts):
        return None
    return Stored(first_us=max(firsts), last_us=timeframe.open_of(min(lasts)))


def window_of(stored: Stored | None, length_us: int | None) -> tuple[str | None, str | None]:
    """Return begin and end of the newest so much of what is stored, ISO 8601, or all of it.

    The end is told, so that the window stays while more comes in; but not what lies ahead of this clock, as where a tape is played
    faster than time: a run leaves out what is still to come.
    """
    if stored is None:
        return None, None
    begin = None if length_us is None else isoformat(max(stored.first_us, stored.last_us - length_us))
    return begin, isoformat(stored.last_us) if stored.last_us <= now_us() else None


def looked_at(
    symbols: Sequence[str], timeframe: Timeframe, window: tuple[str | None, str | None], *, stored: Stored | None, lost: Lost
) -> "Pending | Done[list[dict[str, Any]]] | Failed | None":
    """Return how much of a window is there, symbol by symbol, as documents of runs say it; None where it is too much to look at.

    The candles are read in a thread as the run will read them, so that the numbers are the same; again half a minute later, because
    holes are healed.
    """
    start_us, end_us = (None if text is None else parse_time(text) for text in window)
    if stored is not None:
        begin, end = stored.first_us if start_us is None else start_us, stored.last_us if end_us is None else end_us
        if (end - begin) // timeframe.width_us * len(symbols) > MOST_CANDLES:
            return None
    db = store(lost)
    if db is None:
        return Failed(reason="the database is away")
    key = ("window", repr(db.engine.url), tuple(symbols), timeframe, window)
    call = partial(_coverage, db, tuple(symbols), timeframe, start_us, end_us)
    return background(key, call, fresh_seconds=_FRESH_SECONDS)


def _coverage(
    db: DatabaseOperations, symbols: Sequence[str], timeframe: Timeframe, start_us: int | None, end_us: int | None
) -> list[dict[str, Any]]:
    from research.candles import candles_of  # noqa: PLC0415 - brings numba along, which only this thread waits for
    from trading.backtest.coverage import coverage_of  # noqa: PLC0415 - see above
    from trading.backtest.document import coverage_document  # noqa: PLC0415 - see above

    frames = candles_of(db, symbols, timeframe, start_us=start_us, end_us=end_us)
    return [coverage_document(each) for each in coverage_of(frames, timeframe, start_us=start_us, end_us=end_us)]
