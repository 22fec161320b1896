"""Monthly partitions are made when they are needed, once, by whoever comes first."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from db import rollups
from db.engine import create_engine
from db.plain import PlainStorage
from db.storage import storage_of
from market.clock import isoformat, now_us, parse_time, to_datetime
from tests.db.candles import candle

pytestmark = pytest.mark.postgres

PARTITIONS = "select relid::regclass::text from pg_partition_tree('raw_trades') where isleaf and level = 1 order by 1"


def partitions(engine):
    with engine.connect() as connection:
        return list(connection.scalars(sa.text(PARTITIONS)))


def ensure(engine, start, end, storage=None):
    with engine.begin() as connection:
        (storage or PlainStorage()).ensure_partitions(connection, "raw_trades", start_us=parse_time(start), end_us=parse_time(end))


def test_a_window_gets_a_partition_for_each_of_its_months(engine):
    ensure(engine, "2023-12-31T23:59:59.999999Z", "2024-02-01")

    assert partitions(engine) == ["raw_trades_2023_12", "raw_trades_2024_01", "raw_trades_2024_02"]


def test_a_partition_that_is_there_stays(engine):
    ensure(engine, "2024-01-05", "2024-01-05")
    ensure(engine, "2024-01-05", "2024-02-05")

    assert partitions(engine) == ["raw_trades_2024_01", "raw_trades_2024_02"]


def test_partitions_outlive_a_rollback(engine):
    storage = PlainStorage()
    with engine.connect() as connection:
        connection.execute(sa.text("select 1"))
        storage.ensure_partitions(connection, "raw_trades", start_us=0, end_us=0)
        connection.rollback()

    assert partitions(engine) == ["raw_trades_1970_01"]


def test_what_is_known_costs_no_statement(engine):
    storage, now = PlainStorage(), now_us()
    ensure(engine, isoformat(now), isoformat(now), storage)
    with engine.connect() as connection:
        statements = []
        sa.event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2]))

        storage.ensure_partitions(connection, "raw_trades", start_us=now, end_us=now)

        assert statements == []


def test_a_month_that_another_process_dropped_is_made_again(engine):
    storage = PlainStorage()
    ensure(engine, "2024-01-05", "2024-01-05", storage)
    with engine.begin() as connection:
        connection.exec_driver_sql("drop table raw_trades_2024_01")

    ensure(engine, "2024-01-05", "2024-01-05", storage)

    assert partitions(engine) == ["raw_trades_2024_01"]


def test_an_emptied_month_stays_while_somebody_is_about_to_write_to_it(engine):
    storage = PlainStorage()
    ensure(engine, "2024-01-05", "2024-01-05")
    with engine.connect() as connection:
        [part] = storage.old_trades(connection, to_datetime(parse_time("2024-03-01")))
    with engine.begin() as writer:
        storage.ensure_partitions(writer, "raw_trades", start_us=parse_time("2024-01-05"), end_us=parse_time("2024-01-05"))

        assert not storage.discard(engine, part)
    assert storage.discard(engine, part)
    assert partitions(engine) == []


def test_a_month_with_a_row_is_not_discarded(engine, database):
    from market.trade import Side, Trade

    database.raw_trades.insert_trades([Trade("A:B-C", 1, 1.0, 1.0, Side.BUY, parse_time("2024-01-05"), 0)])
    with engine.connect() as connection:
        [part] = PlainStorage().old_trades(connection, to_datetime(parse_time("2024-02-01")))

    assert not PlainStorage().discard(engine, part)
    assert database.raw_trades.contiguity("A:B-C").rows == 1


def test_many_processes_make_the_same_partitions_at_once(database_url):
    engines = [create_engine(database_url) for _ in range(4)]
    with ThreadPoolExecutor(len(engines)) as pool:
        list(pool.map(lambda one: ensure(one, "2024-01-01", "2024-06-01"), engines))

    assert len(partitions(engines[0])) == 6
    for one in engines:
        one.dispose()


def test_a_writer_does_not_hinder_a_new_partition(engine, database):
    from market.trade import Side, Trade

    with engine.connect() as writer:
        from db.store import Store

        Store(writer).raw_trades.append([Trade("A:B-C", 1, 1.0, 1.0, Side.BUY, parse_time("2024-01-01"), 0)])
        Store(writer).raw_trades.append([Trade("A:B-C", 2, 1.0, 1.0, Side.BUY, parse_time("2024-02-01"), 0)])
        writer.commit()

    assert database.raw_trades.contiguity("A:B-C").rows == 2


@pytest.mark.parametrize(
    ("width", "moment", "bucket"),
    [
        ("1 minute", "2024-08-09 23:55:59", "2024-08-09 23:55:00"),
        ("4 hours", "2024-08-09 23:55:00", "2024-08-09 20:00:00"),
        ("1 day", "2024-08-09 00:00:00", "2024-08-09 00:00:00"),
        ("1 week", "2024-08-11 23:59:59", "2024-08-05 00:00:00"),
    ],
)
def test_time_bucket_is_the_one_of_timescale(engine, width, moment, bucket):
    with engine.connect() as connection:
        query = "select time_bucket(cast(:width as interval), cast(:moment as timestamptz))::timestamp::text"
        assert connection.scalar(sa.text(query), {"width": width, "moment": moment}) == bucket


def test_time_bucket_can_be_right_aligned(engine):
    with engine.connect() as connection:
        call = """time_bucket('5 minutes', timestamptz '2024-08-09 09:05:00', "offset" => interval '1 microsecond')"""
        assert connection.scalar(sa.text(f"select {call}::timestamp::text")) == "2024-08-09 09:00:00.000001"


def test_a_server_is_asked_once_what_it_is(engine):
    with engine.connect() as connection:
        assert storage_of(connection) is storage_of(connection)
        assert storage_of(connection).name == "plain"


def test_changes_that_touch_are_rolled_up_at_once(database):
    database.market_data.upsert_candles([candle(minute) for minute in range(1, 101)])
    rollups.refresh(database.engine)
    for minute in (80, *range(41, 51)):
        database.market_data.upsert_candle(candle(minute, revision=1))
    statements = []
    sa.event.listen(database.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))

    done = rollups.refresh(database.engine)

    assert len(done.changes) == 11
    assert done.rows["candles_5m"] == 4
    assert len([each for each in statements if "insert into candles_5m" in each]) == 2
