"""What is kept of wider candles is what the minutes make, whatever changed and whenever it was refreshed."""

from concurrent.futures import ThreadPoolExecutor
from random import Random

import msgspec
import pytest
import sqlalchemy as sa

from db import rollups
from db.wider import relation_of
from market.candle import Candle, Origin
from market.rollup import roll_up
from market.timeframe import BASE, MINUTE_US, Timeframe
from tests.timescale.server import skip_if_shared

pytestmark = pytest.mark.postgres
SYMBOL, OTHER = "OKX:BTC-USDT", "OKX:ETH-USDT"
MONDAY_US = 1_722_816_000_000_000  # 2024-08-05T00:00:00Z
WIDER = [timeframe for timeframe in Timeframe if timeframe.width_us > MINUTE_US]


def minute(number: int, *, revision: int = 0, symbol: str = SYMBOL, complete: bool | None = True) -> Candle:
    chance = Random(f"{symbol} {number} {revision}")
    open_, close = chance.uniform(90, 110), chance.uniform(90, 110)
    volume = chance.choice([0.0, round(chance.uniform(0, 5), 8)])
    return Candle(
        symbol, BASE, MONDAY_US + number * MINUTE_US, open_, max(open_, close) + 1, min(open_, close) - 1, close, volume,
        quote_volume=round(volume * close, 8), trades=int(volume * 3), taker_buy_volume=round(volume / 3, 8),
        first_trade_id=number * 10, last_trade_id=number * 10 + 9, complete=complete, origin=Origin.LIVE, revision=revision,
    )  # fmt: skip


def minutes(first: int, last: int, **changes) -> list[Candle]:
    return [minute(number, **changes) for number in range(first, last + 1)]


def read(database, timeframe, start=None, end=None, symbol=SYMBOL) -> list[Candle]:
    with database.transaction() as store:
        return list(store.market_data.get_series(symbol, timeframe, start, end).candles())


def made(database, timeframe, symbol=SYMBOL) -> list[Candle]:
    """Return the candles that the stored minutes make, without the one that is not over."""
    stored = read(database, BASE, symbol=symbol)
    return [candle for candle in roll_up(stored, timeframe) if candle.timestamp_us <= stored[-1].timestamp_us]


def kept(database, timeframe) -> dict[int, int]:
    """Return the number of 1m rows in each candle that is kept, by its close in minutes."""
    close = "extract(epoch from timestamp)::bigint * 1000000 as close"
    query = f"select {close}, members from {relation_of(timeframe)} where symbol = :symbol"
    with database.engine.connect() as connection:
        rows = connection.execute(sa.text(query), {"symbol": SYMBOL}).all()
    return {(row.close - MONDAY_US) // MINUTE_US: row.members for row in rows}


def changes(database, symbol=SYMBOL) -> list[tuple[int, int]]:
    with database.transaction() as store:
        return [
            ((each.after_us - MONDAY_US) // MINUTE_US, (each.until_us - MONDAY_US) // MINUTE_US)
            for each in store.rollups.changes(symbol)
        ]


def test_every_width_reads_the_same_before_and_after_a_refresh(database):
    database.market_data.upsert_candles([*minutes(-200, 3000), *minutes(20_000, 21_000), *minutes(-50, 70, symbol=OTHER)])
    before = {timeframe: read(database, timeframe) for timeframe in WIDER}

    done = rollups.refresh(database.engine)

    assert done is not None
    assert done.busy == []
    assert changes(database) == []
    for timeframe in WIDER:
        assert before[timeframe] == made(database, timeframe)
        assert read(database, timeframe) == before[timeframe]
    assert read(database, "5m", symbol=OTHER) == made(database, "5m", symbol=OTHER)


def test_nothing_kept_is_asked_for_before_it_is_over(database):
    database.market_data.upsert_candles(minutes(1, 67))

    rollups.refresh(database.engine)
    database.market_data.upsert_candles(minutes(68, 75))

    assert [candle.timestamp_us for candle in read(database, "1h")] == [MONDAY_US + 60 * MINUTE_US]
    for timeframe in WIDER:
        assert read(database, timeframe) == made(database, timeframe)


def test_new_minutes_are_seen_at_once_and_kept_by_the_next_refresh(database):
    database.market_data.upsert_candles(minutes(1, 1000))
    rollups.refresh(database.engine)

    database.market_data.upsert_candles(minutes(1001, 1500))
    between = {timeframe: read(database, timeframe) for timeframe in WIDER}
    noted = changes(database)
    rollups.refresh(database.engine)

    assert noted == []
    for timeframe in WIDER:
        assert between[timeframe] == read(database, timeframe) == made(database, timeframe)
    assert kept(database, Timeframe.H1)[1500] == 60


def test_a_revised_minute_is_seen_at_once_and_only_its_window_is_noted(database):
    database.market_data.upsert_candles(minutes(1, 3000))
    rollups.refresh(database.engine)

    database.market_data.upsert_candles([minute(777, revision=1)])

    assert changes(database) == [(776, 777)]
    for timeframe in WIDER:
        assert read(database, timeframe) == made(database, timeframe)
    done = rollups.refresh(database.engine)
    assert [(each.after_us, each.until_us) for each in done.changes][:1] == [
        (MONDAY_US + 776 * MINUTE_US, MONDAY_US + 777 * MINUTE_US)
    ]
    for timeframe in WIDER:
        assert read(database, timeframe) == made(database, timeframe)


def test_a_repeated_write_notes_nothing(database):
    database.market_data.upsert_candles(minutes(1, 100))
    rollups.refresh(database.engine)

    database.market_data.upsert_candles(minutes(1, 100))

    assert changes(database) == []


def test_history_written_behind_the_mark_by_copy_is_noted(database):
    from db.series import series_of

    database.market_data.upsert_candles(minutes(5000, 5100))
    rollups.refresh(database.engine)

    [series] = series_of(minutes(1, 2000))
    database.market_data.upsert_series(series)

    assert changes(database) == [(0, 2000)]
    rollups.refresh(database.engine)
    for timeframe in WIDER:
        assert read(database, timeframe) == made(database, timeframe)


def test_windows_read_the_same_as_the_whole(database):
    database.market_data.upsert_candles(minutes(1, 2000))
    rollups.refresh(database.engine)
    database.market_data.upsert_candles([minute(333, revision=1), minute(900, revision=2), *minutes(2001, 2100)])
    whole = read(database, "30m")
    chance = Random(7)

    for _ in range(40):
        first, last = sorted(chance.sample(range(len(whole)), 2))
        assert read(database, "30m", whole[first].timestamp_us, whole[last].timestamp_us) == whole[first : last + 1]


def test_many_changes_give_the_same_candles_as_none(database):
    chance = Random(11)
    database.market_data.upsert_candles(minutes(1, 4 * 1440))
    rollups.refresh(database.engine)

    for number in chance.sample(range(1, 4 * 1440), 60):
        database.market_data.upsert_candles([minute(number, revision=1, complete=chance.choice([True, False, None]))])

    for timeframe in WIDER:
        assert read(database, timeframe) == made(database, timeframe)
    rollups.refresh(database.engine)
    for timeframe in WIDER:
        assert read(database, timeframe) == made(database, timeframe)


def test_a_refresh_that_died_halfway_is_done_again(database, monkeypatch):
    database.market_data.upsert_candles(minutes(1, 500))
    storage = type(rollups.storage_of(database.engine.connect()))

    def dies(*_arguments):
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "roll_up", dies)
        with pytest.raises(RuntimeError, match="killed"):
            rollups.refresh(database.engine)
    half = {timeframe: read(database, timeframe) for timeframe in WIDER}
    rollups.refresh(database.engine)

    for timeframe in WIDER:
        assert half[timeframe] == read(database, timeframe) == made(database, timeframe)
    assert kept(database, Timeframe.M5)[500] == 5


def test_who_writes_is_waited_for_by_the_next_refresh(database):
    skip_if_shared(database.engine)
    database.market_data.upsert_candles(minutes(1, 100))

    with database.transaction() as store:
        store.market_data.upsert_candles(minutes(101, 200))
        with ThreadPoolExecutor(1) as pool:
            meanwhile = pool.submit(rollups.refresh, database.engine).result(timeout=30)
    afterwards = rollups.refresh(database.engine)

    assert (meanwhile.busy, afterwards.busy) == ([SYMBOL], [])
    assert kept(database, Timeframe.M5)[200] == 5


def test_who_writes_is_not_waited_for_where_nothing_is_new(database):
    skip_if_shared(database.engine)
    database.market_data.upsert_candles(minutes(1, 100))
    rollups.refresh(database.engine)
    database.market_data.upsert_candles(minutes(50, 51, revision=1))

    with database.transaction() as store:
        store.market_data.upsert_candles(minutes(52, 52, revision=1))
        with ThreadPoolExecutor(1) as pool:
            meanwhile = pool.submit(rollups.refresh, database.engine).result(timeout=30)
    noted = changes(database)
    rollups.refresh(database.engine)

    assert meanwhile.busy == []
    assert noted == [(51, 52)]
    assert read(database, "5m") == made(database, "5m")
    assert changes(database) == []


def test_only_one_refreshes_at_a_time(database):
    skip_if_shared(database.engine)
    with database.engine.connect() as other:
        other.execute(sa.text("select pg_advisory_lock(:lock)"), {"lock": rollups._LOCK})

        assert rollups.refresh(database.engine) is None


def test_a_symbol_without_minutes_costs_nothing(database):
    database.market_data.upsert_candles([msgspec.structs.replace(minute(60), timeframe=Timeframe.H1)])

    done = rollups.refresh(database.engine)

    assert (done.changes, done.rows) == ([], {})
