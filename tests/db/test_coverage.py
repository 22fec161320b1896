"""How much of each day is stored: the query against a plain count, and the borders of a day by hand."""

from itertools import count

import msgspec
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import coverage
from db.engine import transaction
from db.repositories.gaps import Gap
from market.candle import Candle, Origin
from market.clock import parse_time
from market.timeframe import DAY_US, Timeframe
from tests.db.candles import MINUTE_US, SYMBOL, candle, stored_candles

pytestmark = pytest.mark.postgres
MIDNIGHT_US = parse_time("2024-08-09")
OTHER = "OKX:ETH-USDT"
_numbers = count()


def minute(number: int, **changes) -> Candle:
    """Return the candle of the minute that opens so many minutes after midnight."""
    return msgspec.structs.replace(candle(0), timestamp_us=MIDNIGHT_US + (number + 1) * MINUTE_US, **changes)


def rows(table: pd.DataFrame) -> list[tuple]:
    return [(f"{day:%m-%d}", *counts) for _, day, *counts in table.itertuples(index=False)]


def hole(start: str, end: str, **changes) -> Gap:
    whole = {"symbol": SYMBOL, "first_id": 1, "last_id": 2, "cause": "stall", **changes}
    return Gap(start_us=parse_time(start), end_us=parse_time(end), **whole)


class TestCoverage:
    def test_minutes_are_counted_by_what_they_are(self, database):
        database.market_data.upsert_candles(
            [
                minute(0),
                minute(1, complete=None),
                minute(2, complete=False),
                minute(3, trades=0, volume=0.0),
                minute(4, trades=None, volume=0.0, complete=None, origin=Origin.EXCHANGE),
                minute(7, trades=None),
            ]
        )

        table = database.market_data.coverage(SYMBOL)

        assert table.columns.tolist() == ["symbol", "day", *coverage.COUNTS]
        assert table["symbol"].tolist() == [SYMBOL]
        #                     present complete unproven incomplete without_trades missing open_holes
        assert rows(table) == [("08-09", 6, 3, 2, 1, 2, 2, 0)]

    def test_the_minute_that_closes_at_midnight_belongs_to_the_day_before(self, database):
        database.market_data.upsert_candles([minute(-2), minute(-1), minute(0)])

        assert rows(database.market_data.coverage(SYMBOL)) == [("08-08", 2, 2, 0, 0, 0, 0, 0), ("08-09", 1, 1, 0, 0, 0, 0, 0)]

    def test_a_day_without_a_row_is_missing_whole(self, database):
        database.market_data.upsert_candles([minute(1438), minute(2 * 1440 + 1)])

        assert rows(database.market_data.coverage(SYMBOL)) == [
            ("08-09", 1, 1, 0, 0, 0, 1, 0),
            ("08-10", 0, 0, 0, 0, 0, 1440, 0),
            ("08-11", 1, 1, 0, 0, 0, 1, 0),
        ]

    def test_bounds_cut_what_is_expected(self, database):
        database.market_data.upsert_candles([minute(0), minute(100)])

        cut = database.market_data.coverage(SYMBOL, "2024-08-09T00:10", "2024-08-09T00:30")
        uneven = database.market_data.coverage(SYMBOL, "2024-08-09T00:10:01", "2024-08-09T00:30:59")
        beyond = database.market_data.coverage(SYMBOL, "2024-08-09T01:00", "2024-08-19")

        assert rows(cut) == [("08-09", 0, 0, 0, 0, 0, 20, 0)]
        assert rows(uneven) == [("08-09", 0, 0, 0, 0, 0, 19, 0)]
        assert rows(beyond) == [("08-09", 1, 1, 0, 0, 0, 40, 0)]

    @pytest.mark.parametrize("bounds", [("2024-08-10", None), (None, "2024-08-09"), ("2024-08-09T00:00:10", "2024-08-09T00:00:50")])
    def test_outside_of_what_is_stored_there_are_no_days(self, database, bounds):
        database.market_data.upsert_candles([minute(0), minute(1)])

        assert database.market_data.coverage(SYMBOL, *bounds).empty

    def test_a_symbol_without_minutes_has_no_days_but_the_columns(self, database):
        database.market_data.upsert_candle(minute(0, timeframe=Timeframe.H1))

        table = database.market_data.coverage(SYMBOL)

        assert table.empty
        assert [str(kind) for kind in table.dtypes] == ["str", "datetime64[us, UTC]", *["int64"] * len(coverage.COUNTS)]

    def test_all_symbols_come_in_the_order_of_the_alphabet(self, database):
        database.market_data.upsert_candles([minute(0, symbol=OTHER), minute(0), minute(2, symbol=OTHER)])

        table = database.market_data.coverage()

        assert table["symbol"].tolist() == [SYMBOL, OTHER]
        assert table["missing"].tolist() == [0, 1]
        assert str(table["day"].dtype) == "datetime64[us, UTC]"

    def test_open_holes_count_on_each_day_that_they_touch(self, database):
        database.market_data.upsert_candles([minute(-1440), minute(1), minute(1500)])
        database.gaps.open(hole("2024-08-08T23:50", "2024-08-09T00:10"))
        database.gaps.open(hole("2024-08-09T12:00", "2024-08-09T12:00", first_id=3, last_id=3))
        database.gaps.open(hole("2024-08-09T13:00", "2024-08-09T13:00", first_id=4, last_id=4, state="filled"))
        database.gaps.open(hole("2024-08-09T12:00", "2024-08-09T12:00", symbol=OTHER))

        assert database.market_data.coverage(SYMBOL)["open_holes"].tolist() == [1, 2, 0]
        assert database.market_data.coverage(SYMBOL, "2024-08-09T00:20")["open_holes"].tolist() == [1, 0]

    def test_an_open_hole_behind_the_last_minute_counts(self, database):
        database.market_data.upsert_candles([minute(0), minute(1)])
        database.gaps.open(hole("2024-08-09T00:02:10", "2024-08-09T00:05"))

        assert rows(database.market_data.coverage(SYMBOL)) == [("08-09", 2, 2, 0, 0, 0, 0, 1)]

    def test_the_zone_of_the_session_does_not_matter(self, database, engine):
        database.market_data.upsert_candles([minute(-1), minute(0), minute(700)])
        with engine.connect() as connection:
            connection.exec_driver_sql("set timezone = 'America/New_York'")
            table = coverage.select(connection, [SYMBOL], start_us=MIDNIGHT_US - 5 * MINUTE_US, end_us=None)

        assert rows(table) == [("08-08", 1, 1, 0, 0, 0, 0, 0), ("08-09", 2, 2, 0, 0, 0, 699, 0)]

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
    @given(stored_candles(longest_step=300), st.none() | st.integers(-2000, 4000), st.none() | st.integers(1, 4000))
    def test_counts_are_those_of_a_plain_loop(self, engine, candles, start, length):
        symbol = f"OKX:C{next(_numbers)}-USDT"  # a database for all examples
        candles = [msgspec.structs.replace(one, symbol=symbol) for one in candles]
        start_us = None if start is None else candles[0].timestamp_us + start * MINUTE_US // 2
        end_us = None if length is None else (start_us or candles[0].timestamp_us) + length * MINUTE_US
        with transaction(engine) as store:
            store.market_data.upsert_candles(candles)
            table = store.market_data.coverage(symbol, start_us, end_us)

        assert rows(table) == plain(candles, start_us, end_us)


def plain(candles: list[Candle], start_us: int | None, end_us: int | None) -> list[tuple]:
    stored = {one.timestamp_us: one for one in candles}
    days: dict[int, list[int]] = {}
    for label in range(candles[0].timestamp_us, candles[-1].timestamp_us + 1, MINUTE_US):
        open_us = label - MINUTE_US
        if (start_us is not None and open_us < start_us) or (end_us is not None and label > end_us):
            continue
        counts, one = days.setdefault(open_us // DAY_US, [0] * len(coverage.COUNTS)), stored.get(label)
        if one is None:
            counts[5] += 1
            continue
        counts[0] += 1
        counts[{True: 1, None: 2, False: 3}[one.complete]] += 1
        counts[4] += one.trades == 0 or (one.trades is None and one.volume == 0)
    return [(f"{pd.Timestamp(day * DAY_US, unit='us'):%m-%d}", *counts) for day, counts in days.items()]
