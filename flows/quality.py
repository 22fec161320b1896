"""The flow that checks what is stored, says what is wrong, and has exactly what is missing fetched."""

from typing import Any

from prefect import flow

from flows.events import announce
from flows.results import show_table
from market.clock import isoformat, now_us
from market.errors import PlatformError
from market.timeframe import DAY_US
from tasks.quality import check


class FoundWanting(PlatformError):
    """Raised, once all is said, when what is stored fails a check that counts."""


@flow
async def data_quality(symbol: str | None = None, days: float | None = None, *, heal: bool = True) -> list[dict[str, Any]]:
    """Check one symbol, or all, from the beginning or for the last days.

    What is missing is announced, so that a backfill fetches it; the check behind that does not heal, so it ends there.
    """
    runs = await check(
        () if symbol is None else (symbol.strip().upper(),), None if days is None else now_us() - round(days * DAY_US)
    )
    rows = [
        {"symbol": run.symbol, "suite": run.suite, "rule": each.rule, "severity": each.severity, "found": each.unexpected_count}
        for run in runs
        for each in run.failed
    ]
    failed = sorted({run.symbol for run in runs if run.success is False})
    sentence = f"{sum(run.rows for run in runs):,} rows checked; " + (f"wanting: {', '.join(failed)}" if failed else "all is well")
    await show_table("quality", rows, sentence, symbol=symbol)
    for run in (run for run in runs if run.missing and heal):
        start, end = isoformat(run.missing[0].start_us), isoformat(run.missing[-1].end_us)
        announce(f"tcpdash.quality.{run.suite}-missing", run.symbol, timeframe=run.timeframe, start=start, end=end)
    if failed:
        raise FoundWanting(f"{sentence}; the table among the artifacts and `tcpdash quality` say what")
    return rows
