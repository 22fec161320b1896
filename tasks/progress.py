"""Shows how far a backfill is: a progress artifact of Prefect, renewed every two seconds at most."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact

from history.backfill import Progress, Standing
from tasks.keys import artifact_key

_EVERY_SECONDS = 2.0


@asynccontextmanager
async def shown(symbol: str) -> AsyncIterator[Progress]:
    """Yield what is to be told of each step of a backfill; it returns at once."""
    shown_last = _Shown()
    artifact = await acreate_progress_artifact(0.0, key=artifact_key("backfill-progress", symbol), description=f"{symbol} begins")
    renewing = asyncio.create_task(_renew(artifact, shown_last))
    try:
        yield shown_last.take
    finally:
        renewing.cancel()
        await asyncio.wait([renewing])
        await _show(artifact, shown_last)


def percent(standing: Standing) -> float:
    """Return how far it is; what nobody wants is done."""
    return min(100.0 * standing.fetched / standing.wanted, 100.0) if standing.wanted else 100.0


def words(standing: Standing) -> str:
    """Return how far it is, how fast it goes and how long it still takes, for a person."""
    left = standing.left_seconds
    rest = "" if left is None else f", {left:,.0f} s left"
    waits = f"; waits: {standing.waits}" if standing.waits else ""
    counts = f"{standing.fetched:,} of {standing.wanted:,} missing candles"
    return f"{standing.symbol} {standing.timeframe}: {counts}, {standing.rate:,.0f} a second{rest}{waits}"


@dataclass(slots=True)
class _Shown:
    standing: Standing | None = None

    def take(self, standing: Standing) -> None:
        self.standing = standing


async def _renew(artifact: UUID, last: _Shown) -> None:
    before: Standing | None = None
    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        if last.standing is not before:
            before = last.standing
            await _show(artifact, last)


async def _show(artifact: UUID, last: _Shown) -> None:
    if last.standing is not None:
        await aupdate_progress_artifact(artifact, percent(last.standing), words(last.standing))
