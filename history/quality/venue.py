"""A sample of stored candles against the venue's own, with the share that is the same."""

import asyncio
import random
from collections.abc import Sequence

import numpy as np

from db.operations import DatabaseOperations
from db.series import PRICES, CandleSeries, series_of
from history.backfill.venue import CandleVenue
from history.quality.order import Order
from history.quality.rules import VENUE
from history.quality.tally import Tally
from market.clock import isoformat
from market.errors import InputError, VenueError, WireError
from market.timeframe import SECOND_US
from market.window import Window

LEAST_MATCH = 0.99
"""Share of the compared candles that has to be the venue's own."""

_SPARE_ROWS = 5
_SHOWN = 20


async def compare(db: DatabaseOperations, venue: CandleVenue, order: Order, symbol: str, window: Window, tally: Tally) -> None:
    """Compare some windows of stored candles with what the venue says, and note the share that is the same.

    A venue that does not answer, or has nothing of that time, is noted as a check that was not done.
    """
    try:
        async with venue:
            await _compare(db, venue, order, symbol, window, tally)
    except (VenueError, WireError, InputError) as error:
        tally.skip(VENUE, str(error).rstrip("."))


async def _compare(db: DatabaseOperations, venue: CandleVenue, order: Order, symbol: str, window: Window, tally: Tally) -> None:
    reach = _reach(venue, order, window, await venue.server_time())
    if not reach.width_us:
        tally.skip(VENUE, f"{venue.name} hands out no settled {order.timeframe} candles of this time any more")
        return
    compared, wrong = 0, list[dict[str, str]]()
    for piece in sampled(reach, order, f"{symbol} {window.end_us}", venue.candle_page):
        found = series_of(await venue.candles(symbol, order.timeframe, piece, lambda: None))
        theirs = found[0] if found else CandleSeries.empty(symbol, order.timeframe)
        ours = await asyncio.to_thread(db.quality.candles, symbol, order.timeframe, piece.start_us, piece.end_us)
        count, differing = _differing(ours, theirs, venue)
        compared, wrong = compared + count, wrong + differing
    if not compared:
        tally.skip(VENUE, "no candle of the sample is stored that counts as whole")
        return
    rate = 1 - len(wrong) / compared
    observed = {"compared": compared, "differing": len(wrong), "match_rate": round(rate, 6)}
    tally.note(VENUE, len(wrong) if rate < LEAST_MATCH else 0, wrong[:_SHOWN], observed=observed)


def _reach(venue: CandleVenue, order: Order, window: Window, now_us: int) -> Window:
    """Return what of a window the venue hands out, and does not change any more."""
    timeframe = order.timeframe
    end_us = min(window.end_us, timeframe.open_of(now_us - int(venue.candle_delay_seconds * SECOND_US)))
    start_us = window.start_us
    if venue.candle_rows is not None:
        start_us = max(start_us, timeframe.open_of(now_us) - (venue.candle_rows - _SPARE_ROWS) * timeframe.width_us)
    return Window(start_us, max(start_us, end_us))


def sampled(window: Window, order: Order, seed: str, page: int) -> Sequence[Window]:
    """Return windows by chance, in the order of time; the same ones for the same seed, the whole where it is short."""
    width_us = order.timeframe.width_us
    rows, size = window.width_us // width_us, min(order.sample_rows, page)
    if rows <= size * order.samples:
        return list(window.split(size * width_us))
    chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
    slots = chance.sample(range(rows // size), order.samples)
    starts = [window.start_us + slot * size * width_us for slot in sorted(slots)]
    return [Window(start_us, start_us + size * width_us) for start_us in starts]


def _differing(ours: CandleSeries, theirs: CandleSeries, venue: CandleVenue) -> tuple[int, list[dict[str, str]]]:
    """Return how many candles were compared and those that differ; one with a known hole inside is not compared."""
    ours = ours.take(ours.columns["complete"] != 0)
    labels = ours.columns["timestamp"]
    known = np.isin(labels, theirs.columns["timestamp"])
    if venue.skips_quiet:
        ours = ours.take(known | (ours.columns["volume"] > 0))
        labels, known = ours.columns["timestamp"], np.isin(ours.columns["timestamp"], theirs.columns["timestamp"])
    same = known.copy()
    places = np.searchsorted(theirs.columns["timestamp"], labels[known])
    for name in PRICES:
        mine, other = ours.columns[name][known], theirs.columns[name][places]
        tolerance = 10.0**-venue.decimals + 1e-9 * np.abs(other) if name == "volume" else 0.0
        same[known] &= np.abs(mine - other) <= tolerance
    wrong = [
        {
            "timestamp": isoformat(int(labels[row])),
            "stored": _shown(ours, int(labels[row])),
            "venue": _shown(theirs, int(labels[row])),
        }
        for row in np.flatnonzero(~same).tolist()
    ]
    return len(labels), wrong


def _shown(series: CandleSeries, label: int) -> str:
    places = np.flatnonzero(series.columns["timestamp"] == label)
    return " ".join(f"{series.columns[name][places[0]]:.12g}" for name in PRICES) if len(places) else "absent"
