"""On a TimescaleDB the same rows get the same verdict; what it keeps of wider candles is held against the minutes."""

import pytest

from db import rollups
from db.operations import DatabaseOperations
from history.quality import Order, Suite, run_quality
from tests.history.quality.damage import NOW_US, SYMBOL, apply, fill, minute

pytestmark = [pytest.mark.postgres, pytest.mark.timescale]
ORDER = Order(symbols=(SYMBOL,), suite=Suite.ALL)


@pytest.fixture
def database(timescale_engine) -> DatabaseOperations:
    """Return an empty store on TimescaleDB."""
    return DatabaseOperations(timescale_engine)


async def test_a_whole_store_is_not_complained_about(database):
    fill(database)
    candles, trades = await run_quality(database, ORDER, at_us=NOW_US)

    assert (candles.failed, trades.failed) == ((), ())
    assert [each.rule for each in candles.results if each.success is None] == ["venue"]


async def test_damage_is_found(database):
    fill(database)
    apply(database, f"update market_data set close = high where timeframe = '1m' and timestamp = {minute(1000)}; "
                    f"update market_data set volume = -1 where timeframe = '1m' and timestamp = {minute(2000)}; "
                    f"delete from market_data where timeframe = '1m' and timestamp = {minute(3000)}")  # fmt: skip
    assert rollups.refresh(database.engine) is not None
    candles, _ = await run_quality(database, ORDER, at_us=NOW_US)

    assert {each.rule for each in candles.failed} >= {"volume", "spacing", "wider"}
