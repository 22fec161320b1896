"""What charts read with one statement is what all others read with several."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import bulk, rollups
from market.candle import Candle, Origin
from market.timeframe import BASE, DAY_US, MINUTE_US, Timeframe
from tests.db.candles import candle

pytestmark = pytest.mark.postgres
SYMBOL = "OKX:BTC-USDT"
MONDAY_US = 1_722_816_000_000_000  # 2024-08-05T00:00:00Z
WIDTHS = [timeframe for timeframe in Timeframe if timeframe.width_us >= MINUTE_US]


def minutes(first: int, last: int, *, step: int = 1, symbol: str = SYMBOL, **changes) -> list[Candle]:
    return [
        msgspec.structs.replace(
            candle(number % 7, close=1.0 + number % 3), timestamp_us=MONDAY_US + number * MINUTE_US, symbol=symbol, **changes
        )
        for number in range(first, last + 1, step)
    ]


def imported(timeframe: Timeframe, *places: int, complete: bool = True) -> list[Candle]:
    whole = candle(0, origin=Origin.EXCHANGE, close=2.5, complete=complete)
    moments = [MONDAY_US + place * timeframe.width_us for place in places]
    return [msgspec.structs.replace(whole, timeframe=timeframe, timestamp_us=moment) for moment in moments]


def both(database, timeframe, start=None, end=None, symbol=SYMBOL) -> tuple[str, str]:
    with database.transaction() as store:
        several = store.market_data.get_candles(symbol, timeframe, start, end)
        one = store.market_data.get_bars(symbol, timeframe, start, end)
    return several.to_csv(), one.to_csv()


def closes(database, timeframe, newest, end=None) -> list[int]:
    found = database.market_data.get_bars(SYMBOL, timeframe, end=end, newest=newest)
    return [(moment.value // 1_000 - MONDAY_US) // MINUTE_US for moment in found["timestamp"]]


def mixed(database) -> None:
    """Store minutes that are rolled up in part, changed since in part, and beside them what was imported."""
    database.market_data.upsert_candles(minutes(1, 3 * 1440) + minutes(1, 100, symbol="OKX:ETH-USDT"))
    rollups.refresh(database.engine)
    database.market_data.upsert_candles(minutes(3 * 1440 + 1, 3 * 1440 + 400))
    database.market_data.upsert_candles(minutes(700, 702, revision=1) + minutes(1500, 1500, revision=2))
    database.market_data.upsert_candles(imported(Timeframe.H1, -30, -29, 5, 80) + imported(Timeframe.M15, -300, 3, complete=False))


def test_whatever_is_stored_it_is_the_same(database):
    mixed(database)

    for timeframe in WIDTHS:
        for start, end in [(None, None), (MONDAY_US + DAY_US, None), (MONDAY_US + 90 * MINUTE_US, MONDAY_US + 2 * DAY_US + 1)]:
            several, one = both(database, timeframe, start, end)
            assert one == several


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(st.data())
def test_any_window_is_the_same(plain_database, data):
    if not plain_database.market_data.symbols():
        mixed(plain_database)
    timeframe = data.draw(st.sampled_from(WIDTHS))
    moments = st.none() | st.integers(-2 * DAY_US, 5 * DAY_US).map(lambda offset: MONDAY_US + offset)

    several, one = both(plain_database, timeframe, data.draw(moments), data.draw(moments))

    assert one == several


@pytest.fixture
def plain_database(plain_engine):
    from db import DatabaseOperations

    return DatabaseOperations(plain_engine)


def test_nothing_is_stored(database):
    for timeframe in WIDTHS:
        assert database.market_data.get_bars(SYMBOL, timeframe, newest=10).empty
        assert database.market_data.get_bars(SYMBOL, timeframe).empty


def test_the_newest_are_counted_in_spans_and_not_in_rows(database):
    database.market_data.upsert_candles(minutes(1, 10) + minutes(15, 20))

    assert closes(database, BASE, 8) == [15, 16, 17, 18, 19, 20]
    assert closes(database, BASE, 8, MONDAY_US + 16 * MINUTE_US) == [9, 10, 15, 16]
    assert closes(database, "5m", 3) == [10, 15, 20]  # as wide as they are, the one that has one minute only among them


def test_the_newest_may_be_imported_ones(database):
    database.market_data.upsert_candles(minutes(1, 120) + imported(Timeframe.H1, 1, 4))

    assert closes(database, "1h", 2) == [240]
    assert closes(database, "1h", 4) == [60, 120, 240]


def test_the_first_may_be_of_any_width(database):
    assert database.market_data.first_us(SYMBOL) is None

    database.market_data.upsert_candles(minutes(1, 3))
    assert database.market_data.first_us(SYMBOL) == MONDAY_US + MINUTE_US

    database.market_data.upsert_candles(imported(Timeframe.H1, -30, 5))
    assert database.market_data.first_us(SYMBOL) == MONDAY_US - 30 * Timeframe.H1.width_us


def test_it_is_one_statement(database, monkeypatch):
    mixed(database)
    sent = []
    monkeypatch.setattr(bulk, "_cursor", counting(bulk._cursor, sent))

    database.market_data.get_bars(SYMBOL, "4h", newest=500)

    assert len(sent) == 1


def counting(cursor, sent):
    def made(connection):
        sent.append(connection)
        return cursor(connection)

    return made
