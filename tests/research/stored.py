"""Minutes in a store for the tests of research: whole ones, of which some may be taken out."""

from collections.abc import Iterable

from db.operations import DatabaseOperations
from tests.history.quality.damage import SYMBOL, minutes

DAY = 1_440
__all__ = ["DAY", "SYMBOL", "fill"]


def fill(db: DatabaseOperations, *symbols: str, without: Iterable[int] = ()) -> None:
    """Store three days of minutes of each symbol, but for those of some numbers, from 0."""
    lacking = set(without)
    for number, symbol in enumerate(symbols or (SYMBOL,), start=1):
        series = minutes(symbol, seed=number)
        kept = series.take([place for place in range(len(series)) if place not in lacking])
        with db.transaction() as store:
            store.market_data.upsert_series(kept)
