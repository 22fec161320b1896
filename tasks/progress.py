"""Shows how far something is: a progress artifact of Prefect, renewed every two seconds at most."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact

from history.backfill import Progress, Standing
from tasks.keys import artifact_key

_EVERY_SECONDS = 2.0
_T = TypeVar("_T")


@asynccontextmanager
async def shown(symbol: str) -> AsyncIterator[Progress]:
    """Yield what is to be told of each step of a backfill; it returns at once."""
    key, begin = artifact_key("backfill-progress", symbol), f"{symbol} begins"
    async with shown_as(key, begin, _far) as take:
        yield take


@asynccontextmanager
async def shown_as(key: str, begin: str, tell: Callable[[_T], tuple[float, str]]) -> AsyncIterator[Callable[[_T], None]]:
    """Yield what is to be told how far something is, from any thread; it returns at once.

    Args:
        key: Of the artifact.
        begin: What it says before anything is told.
        tell: Returns per cent and words of what was told.
    """
    last: list[_T] = []
    artifact = await acreate_progress_artifact(0.0, key=key, description=begin)

    async def show(said: _T) -> None:
        await aupdate_progress_artifact(artifact, *tell(said))

    renewing = asyncio.create_task(_renew(last, show))
    try:
        yield lambda said: last.__setitem__(slice(None), [said])
    finally:
        renewing.cancel()
        await asyncio.wait([renewing])
        if last:
            await show(last[0])


def _far(standing: Standing) -> tuple[float, str]:
    return percent(standing), words(standing)


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


async def _renew(last: list[_T], show: Callable[[_T], Awaitable[None]]) -> None:
    before: _T | None = None
    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        if last and last[0] is not before:
            before = last[0]
            await show(before)
