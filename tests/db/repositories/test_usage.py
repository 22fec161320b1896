"""How much is stored, how far back, and how much comes in a day."""

import msgspec
import pytest
import sqlalchemy as sa

from db import rollups
from db.engine import transaction
from db.usage import RATE_DAYS, SAMPLE, usage
from market.candle import Origin
from market.timeframe import DAY_US
from market.trade import Side, Trade
from tests.db.candles import MINUTE_US, START_US, SYMBOL, candle

pytestmark = pytest.mark.postgres
OTHER = "OKX:ETH-USDT"


def used(database, at_us: int):
    with database.engine.connect() as connection:
        return usage(connection, at_us)


def trade(number: int, count: int) -> Trade:
    at_us = START_US + number * 1_000
    return Trade(SYMBOL, number, 100.0, 0.5, Side.BUY, at_us, at_us, count, 1)


class TestUsage:
    def test_an_empty_store_has_tables_and_no_symbol(self, database):
        found = database.get_usage()

        assert found.symbols == ()
        assert found.bytes > 0
        names = [each.name for each in found.tables]
        assert {"market_data", "raw_trades", "gaps", "candles_1d"} <= set(names)
        assert [each.bytes for each in found.tables] == sorted((each.bytes for each in found.tables), reverse=True)

    def test_each_symbol_says_from_when_to_when_it_is_stored(self, database):
        database.market_data.upsert_candles([candle(1), candle(9), msgspec.structs.replace(candle(4), symbol=OTHER)])

        one, other = database.get_usage().symbols

        assert (one.symbol, one.first_us, one.last_us) == (SYMBOL, START_US + MINUTE_US, START_US + 9 * MINUTE_US)
        assert (other.symbol, other.first_us, other.first_trade_us) == (OTHER, START_US + 4 * MINUTE_US, None)

    def test_what_comes_in_a_day_is_the_mean_of_the_days_before_this_one(self, database):
        own = [candle(minute) for minute in range(1, 71)]
        fetched = [candle(100 + minute, origin=Origin.EXCHANGE) for minute in range(70)]
        last = candle(3 * 1440)  # a day is kept once it is over
        other = [msgspec.structs.replace(each, symbol=OTHER) for each in (*fetched, last)]
        database.market_data.upsert_candles([*own, last, *other])
        rollups.refresh(database.engine)

        after = used(database, START_US + 2 * DAY_US)
        later = used(database, START_US + 30 * DAY_US)

        assert RATE_DAYS == 7
        assert [(each.minutes_a_day, each.trades_a_day) for each in after.symbols] == [(10, 20), (10, 0)]
        assert [(each.minutes_a_day, each.trades_a_day) for each in later.symbols] == [(0, 0), (0, 0)]

    def test_a_row_of_trades_counts_once_however_many_fills_it_holds(self, database):
        database.market_data.upsert_candles([candle(minute) for minute in (*range(1, 71), 3 * 1440)])
        old = [trade(number, count=500) for number in range(1, 11)]
        database.raw_trades.insert_trades([*old, *(trade(100 + number, count=number % 2 * 8) for number in range(SAMPLE))])
        rollups.refresh(database.engine)

        [one] = used(database, START_US + 2 * DAY_US).symbols

        assert (one.trades_a_day, one.rows_a_day) == (20, 5)

    def test_without_a_row_of_trades_none_comes(self, database):
        database.market_data.upsert_candles([candle(minute) for minute in (*range(1, 71), 3 * 1440)])
        rollups.refresh(database.engine)

        [one] = used(database, START_US + 2 * DAY_US).symbols

        assert (one.trades_a_day, one.rows_a_day) == (20, 0)

    def test_four_statements_are_enough(self, database):
        database.market_data.upsert_candles([candle(1)])
        sent: list[str] = []
        sa.event.listen(database.engine, "before_cursor_execute", lambda *told: sent.append(told[2]))
        with transaction(database.engine) as store:
            usage(store.market_data._connection, START_US)

        assert len(sent) <= 4
