"""How good the stored candles and trades are: suites of checks, what came of them, and what a backfill has to fetch."""

from db.repositories.quality import QualityResult, QualityRun
from history.quality.order import Order, Suite, VenueOf
from history.quality.rules import QualityError
from history.quality.run import NothingToCheck, recheck, run_quality

__all__ = [
    "NothingToCheck", "Order", "QualityError", "QualityResult", "QualityRun", "Suite", "VenueOf", "recheck",
    "run_quality",
]  # fmt: skip
