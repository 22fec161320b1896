"""A watermark only moves forward, but where ids start over."""

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

    def test_symbols_are_listed_in_order(self, database):
        assert database.watermarks.symbols() == []

        for symbol in (SYMBOL, "OKX:ETH-USDT", "BYBIT:BTC-USDT"):
            database.watermarks.set(symbol, 7, 700)

        assert database.watermarks.symbols() == ["BYBIT:BTC-USDT", SYMBOL, "OKX:ETH-USDT"]

    def test_the_begin_of_the_tape_is_kept_where_none_is_given(self, database):
        database.watermarks.set(SYMBOL, 7, 700, 500)
        database.watermarks.set(SYMBOL, 8, 800)

        assert database.watermarks.get(SYMBOL) == Watermark(SYMBOL, 8, 800, 500)

    def test_the_begin_of_the_tape_may_move_while_nothing_new_came(self, database):
        database.watermarks.set(SYMBOL, 7, 700, 500)
        database.watermarks.set(SYMBOL, 7, 700, 600)
        database.watermarks.set(SYMBOL, 6, 600, 400)

        assert database.watermarks.get(SYMBOL) == Watermark(SYMBOL, 7, 700, 600)

    def test_a_restart_may_go_back_and_forgets_where_the_tape_began(self, database):
        database.watermarks.set(SYMBOL, 7, 700, 500)
        database.watermarks.set("OKX:ETH-USDT", 9, 900)

        database.watermarks.restart(SYMBOL, 1, 800)

        assert database.watermarks.get(SYMBOL) == Watermark(SYMBOL, 1, 800, None)
        assert database.watermarks.get("OKX:ETH-USDT") == Watermark("OKX:ETH-USDT", 9, 900)

    def test_it_goes_on_from_where_it_restarted(self, database):
        database.watermarks.set(SYMBOL, 7, 700)
        database.watermarks.restart(SYMBOL, 1, 800, 790)
        database.watermarks.set(SYMBOL, 2, 900)

        assert database.watermarks.get(SYMBOL) == Watermark(SYMBOL, 2, 900, 790)

    def test_a_restart_is_taken_back_with_its_transaction(self, database):
        database.watermarks.set(SYMBOL, 7, 700)

        with pytest.raises(KeyError):
            restart_and_fail(database)

        assert database.watermarks.get(SYMBOL) == Watermark(SYMBOL, 7, 700)


def restart_and_fail(database):
    with database.transaction() as store:
        store.watermarks.restart(SYMBOL, 1, 800)
        raise KeyError
