"""Compares our candles with the venue's own over a window: how many are the same, and which are not."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from db.operations import DatabaseOperations
from db.repositories.backfills import Conflict
from db.series import ORIGINS, CandleSeries, series_of
from history.backfill import patience
from history.backfill.keep import conflicts_between
from history.backfill.plan import pages_of
from history.backfill.venue import CandleVenue
from market.candle import Candle, Origin
from market.clock import isoformat
from market.errors import InputError
from market.timeframe import BASE, SECOND_US
from market.window import Window

_EXCHANGE = ORIGINS.index(Origin.EXCHANGE)
_HOUR_US = 3_600 * SECOND_US


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """How the minutes of one symbol compare with those of its venue.

    Attributes:
        symbol: `EXCHANGE:BASE-QUOTE`.
        start_us: Where the window begins, UTC epoch microseconds.
        end_us: Where it ends.
        compared: Minutes of ours that are proven whole, and that the venue has.
        differing: Of those, how many are not the venue's; each is in `candle_conflicts`.
        unproven: Minutes made of trades that are not proven whole; nothing is said of them.
        missing: Minutes that the venue has and we have not.
    """

    symbol: str
    start_us: int
    end_us: int
    compared: int
    differing: int
    unproven: int
    missing: int

    @property
    def match_rate(self) -> float | None:
        """Share of the compared minutes that are the same; None where none could be compared."""
        return 1 - self.differing / self.compared if self.compared else None

    def row(self) -> dict[str, Any]:
        """Return it as a row of a table for a person."""
        window = {"from": isoformat(self.start_us), "to": isoformat(self.end_us)}
        counts = {"compared": self.compared, "differing": self.differing, "match_rate": self.match_rate}
        return {"symbol": self.symbol, **window, **counts, "unproven": self.unproven, "missing": self.missing}


def own_symbols(db: DatabaseOperations, hours: float, now_us: int) -> list[str]:
    """Return the symbols of which a minute was made of trades within the last hours."""
    since_us = now_us - round(hours * _HOUR_US)
    newest = {symbol: db.market_data.get_last_traded(symbol, BASE) for symbol in db.market_data.symbols()}
    return [symbol for symbol, candle in newest.items() if candle is not None and candle.timestamp_us > since_us]


async def reconcile(db: DatabaseOperations, venue: CandleVenue, symbols: Sequence[str], *, hours: float = 24.0) -> list[Reconciled]:
    """Compare the last hours of some symbols of a venue with its own candles, and note where they differ.

    Args:
        db: The store.
        venue: Who is asked; it is opened and closed here.
        symbols: Of this venue.
        hours: How far back, from the newest minute that the venue does not change any more.

    Raises:
        InputError: If that is no time.
        VenueError: If the venue does not answer.
    """
    if not 0 < hours <= 24 * 366:
        raise InputError(f"hours {hours:g} is not above 0 and at most {24 * 366}; 24 compares the last day")
    async with venue:
        end_us = BASE.open_of(await venue.server_time() - int(venue.candle_delay_seconds * SECOND_US))
        window = Window(BASE.open_of(end_us - round(hours * _HOUR_US)), end_us)
        return [await _compare(db, venue, symbol, window) for symbol in symbols]


async def _compare(db: DatabaseOperations, venue: CandleVenue, symbol: str, window: Window) -> Reconciled:
    theirs = await _theirs(venue, symbol, window)
    ours = await asyncio.to_thread(db.market_data.get_series, symbol, BASE, window.start_us + BASE.width_us, window.end_us)
    differing = conflicts_between(ours, theirs, decimals=venue.decimals)
    await asyncio.to_thread(_note, db, differing)
    made, proven = ours.columns["origin"] != _EXCHANGE, ours.columns["complete"] == 1
    return Reconciled(
        symbol=symbol, start_us=window.start_us, end_us=window.end_us, differing=len(differing),
        compared=int(np.isin(ours.columns["timestamp"][made & proven], theirs.columns["timestamp"]).sum()),
        unproven=int((made & ~proven).sum()),
        missing=int((~np.isin(theirs.columns["timestamp"], ours.columns["timestamp"])).sum()),
    )  # fmt: skip


async def _theirs(venue: CandleVenue, symbol: str, window: Window) -> CandleSeries:
    """Return what the venue says of a window, page by page."""
    candles: list[Candle] = []
    for page in pages_of([window], BASE.width_us, venue.candle_page):
        candles += await patience.ask(lambda page=page: venue.candles(symbol, BASE, page.window, _uncounted), _unheard)  # type: ignore[misc]
    found = series_of(candles)
    return found[0] if found else CandleSeries.empty(symbol, BASE)


def _note(db: DatabaseOperations, differing: Sequence[Conflict]) -> None:
    with db.transaction() as store:
        store.backfills.note_conflicts(differing)


def _uncounted() -> None:
    pass


def _unheard(_why: str) -> None:
    pass
