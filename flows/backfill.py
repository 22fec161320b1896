"""The flow that fills what is missing of one symbol; nothing is fetched twice, however often it is run."""

from typing import Any

from prefect import flow

from flows.events import announce
from flows.results import show_table
from market.clock import isoformat, parse_time
from market.symbol import Symbol
from market.timeframe import parse_timeframe
from tasks.backfill import fill


@flow
async def backfill(
    symbol: str,
    timeframe: str = "1m",
    start: str | None = None,
    end: str | None = None,
    *,
    trades: bool = False,
    again: bool = False,
) -> dict[str, Any]:
    """Store the candles that are missing for one symbol, 30 days back if nothing else is said; return what came of it."""
    one = str(Symbol.parse(symbol.strip().upper()))
    first_us, last_us = parse_time(start) if start else None, parse_time(end) if end else None
    outcome = await fill(one, parse_timeframe(timeframe), first_us, last_us, trades=trades, again=again)
    done = outcome.standing
    row = {
        "symbol": one, "timeframe": timeframe, "from": isoformat(outcome.start_us), "to": isoformat(outcome.end_us),
        "wanted": done.wanted, "stored": done.stored, "missing": outcome.missing, "requests": done.requests,
        "conflicts": done.conflicts, "seconds": round(done.seconds, 1), "notes": "; ".join(outcome.notes),
    }  # fmt: skip
    await show_table("backfill", [row], f"{done.stored:,} rows of {one} stored, {outcome.missing:,} are missing still", symbol=one)
    announce("tcpdash.backfill.done", one, stored=done.stored, missing=outcome.missing)
    return row
