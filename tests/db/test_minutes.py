import msgspec
import pytest

from db.minutes import StoredMinute
from tests.db.candles import MINUTE_US, START_US, SYMBOL, candle

pytestmark = pytest.mark.postgres
ETH = "OKX:ETH-USDT"


def test_each_symbol_has_the_minutes_behind_its_own_moment_and_at_most_so_many(database):
    other = [msgspec.structs.replace(candle(minute), symbol=ETH) for minute in (1, 2)]
    database.market_data.upsert_candles([candle(3), candle(1), candle(2, complete=False, revision=2), candle(4), *other])
    found = database.market_data.minutes_after({SYMBOL: START_US + MINUTE_US, ETH: START_US, "OKX:NO-USDT": 0}, 2)

    prices = (2.0, 3.0, 1.0, 2.0, 0.5)
    assert found[SYMBOL] == [
        StoredMinute(START_US + 2 * MINUTE_US, prices, False, 2), StoredMinute(START_US + 3 * MINUTE_US, prices, True, 0),
    ]  # fmt: skip
    assert [minute.timestamp_us for minute in found[ETH]] == [START_US + MINUTE_US, START_US + 2 * MINUTE_US]
    assert set(found) == {SYMBOL, ETH}
