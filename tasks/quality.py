"""The step that checks what is stored."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from history.quality import NothingToCheck, Order, QualityRun, run_quality
from tasks import resources
from tasks.retrying import DELAYS_SECONDS, worth_another_try


@task(retries=2, retry_delay_seconds=DELAYS_SECONDS[1:], retry_condition_fn=worth_another_try, cache_policy=NO_CACHE)
async def check(symbols: tuple[str, ...], start_us: int | None) -> list[QualityRun]:
    """Check candles and trades of some symbols, or of all; of an empty store nothing is said."""
    settings = resources.settings()
    order = Order(
        symbols=symbols, every_width=True, start_us=start_us, kept_days=settings.database.raw_trades_days,
        unproven=resources.unproven_venues(settings),
    )  # fmt: skip
    with resources.store() as db, resources.bus() as bus:
        try:
            return await run_quality(db, order, venue_of=lambda *named: resources.candle_venue(settings, *named), bus=bus)
        except NothingToCheck:
            return []
