"""The flow that heals holes of symbols which no worker follows: a second line behind the live healer."""

import asyncio
from typing import Any

from prefect import flow

from flows.results import show_table
from tasks.gaps import find_holes, heal


@flow
async def sweep_gaps() -> list[dict[str, Any]]:
    """Heal what can be healed of symbols that nobody follows; return the open holes of each before and after.

    A venue that fails does not keep the others from being swept; the flow has failed then.
    """
    found = await find_holes()
    swept = await asyncio.gather(*(heal(exchange, symbols) for exchange, symbols in found.items()), return_exceptions=True)
    ended = [each for venue in swept if not isinstance(venue, BaseException) for each in venue]
    rows = [{"symbol": each.symbol, "before": each.before, "after": each.after, "followed": each.followed} for each in ended]
    if rows:
        await show_table("gaps", rows, f"{sum(each.before - each.after for each in ended):,} holes ended")
    for error in (each for each in swept if isinstance(each, BaseException)):
        raise error
    return rows
