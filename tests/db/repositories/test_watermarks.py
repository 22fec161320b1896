"""A watermark only moves forward."""

import pytest

from db.repositories.watermarks import Watermark

pytestmark = pytest.mark.postgres
SYMBOL = "OKX:BTC-USDT"


class TestWatermarkRepository:
    def test_before_the_first_trade_there_is_none(self, database):
        assert database.watermarks.get(SYMBOL) is None

    def test_it_is_read_as_it_was_set(self, database):
        database.watermarks.set(SYMBOL, 7, 1_723_161_240_000_001)

        assert database.watermarks.get(SYMBOL) == Watermark(SYMBOL, 7, 1_723_161_240_000_001)

    def test_it_never_goes_back(self, database):
        database.watermarks.set(SYMBOL, 7, 700)
        database.watermarks.set(SYMBOL, 6, 800)
        assert database.watermarks.get(SYMBOL) == Watermark(SYMBOL, 7, 700)

        database.watermarks.set(SYMBOL, 8, 600)
        assert database.watermarks.get(SYMBOL) == Watermark(SYMBOL, 8, 600)

    def test_symbols_are_apart(self, database):
        database.watermarks.set(SYMBOL, 7, 700)

        assert database.watermarks.get("OKX:ETH-USDT") is None
