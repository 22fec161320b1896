"""The step that fills what is missing of one symbol from its venue."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from history.backfill import Order, Outcome, run_backfill
from market.timeframe import Timeframe
from tasks import resources
from tasks.progress import shown
from tasks.retrying import DELAYS_SECONDS, worth_another_try


@task(
    retries=3,
    retry_delay_seconds=DELAYS_SECONDS,
    retry_jitter_factor=0.2,
    retry_condition_fn=worth_another_try,
    cache_policy=NO_CACHE,
)
async def fill(
    symbol: str, timeframe: Timeframe, start_us: int | None, end_us: int | None, *, trades: bool = False, again: bool = False
) -> Outcome:
    """Fill one symbol; what is stored is not asked for again, however often this is tried."""
    order = Order(symbols=(symbol,), timeframe=timeframe, start_us=start_us, end_us=end_us, trades=trades, again=again)
    venue = resources.candle_venue(resources.settings(), symbol.partition(":")[0], order.symbols)
    with resources.store() as db:
        async with shown(symbol) as progress:
            [outcome] = await run_backfill(db, venue, order, progress)
    if outcome.error is not None:
        raise outcome.error
    return outcome
