"""The flow that compares our candles with the venues' own, and says how many are the same."""

import asyncio
from typing import Any

from prefect import flow

from flows.results import show_table
from tasks.reconcile import compare, find_own


@flow
async def reconcile(symbol: str | None = None, hours: float = 24.0) -> list[dict[str, Any]]:
    """Compare the last hours of one symbol, or of all that are collected; what differs is in `candle_conflicts`.

    A venue that fails does not keep the others from being compared; the flow has failed then.
    """
    symbols = await find_own(hours) if symbol is None else [symbol.strip().upper()]
    venues = sorted({each.partition(":")[0] for each in symbols})
    shares = {venue: [each for each in symbols if each.startswith(f"{venue}:")] for venue in venues}
    found = await asyncio.gather(*(compare(venue, own, hours) for venue, own in shares.items()), return_exceptions=True)
    rows = [each.row() for venue in found if not isinstance(venue, BaseException) for each in venue]
    if rows:
        compared, differing = (sum(row[name] for row in rows) for name in ("compared", "differing"))
        await show_table("reconcile", rows, f"{differing:,} of {compared:,} minutes differ from the venues' own")
    for error in (each for each in found if isinstance(each, BaseException)):
        raise error
    return rows
