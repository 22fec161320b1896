"""The flow that brings the wider candles up to date with the minutes that are new or changed."""

from prefect import flow

from flows.events import announce
from flows.results import show_table
from tasks.aggregates import roll_up


@flow
async def refresh_aggregates(symbol: str | None = None) -> dict[str, int]:
    """Refresh the rollups of one symbol, or of all; return the rows touched by relation.

    Of one symbol it is announced, so that the next flow may go on from there.
    """
    refreshed = await roll_up(None if symbol is None else [symbol])
    rows = [{"relation": name, "rows": count} for name, count in sorted(refreshed.rows.items())]
    busy = f"; left to the next refresh: {', '.join(refreshed.busy)}" if refreshed.busy else ""
    await show_table("aggregates", rows, f"{len(refreshed.changes):,} changed windows{busy}", symbol=symbol)
    if symbol is not None:
        announce("tcpdash.aggregates.refreshed", symbol, rows=sum(refreshed.rows.values()))
    return refreshed.rows
