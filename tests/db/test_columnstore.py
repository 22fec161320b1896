"""Old chunks of TimescaleDB go into the columnstore, by maintenance or by the server's own job, and read the same."""

from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest
import sqlalchemy as sa

from db import rollups
from db.maintenance import maintain
from db.operations import DatabaseOperations
from db.store import Store
from market import clock
from market.candle import Candle
from market.timeframe import DAY_US, MINUTE_US
from tests.db.bots import EXACT, WORTH, end_leases, leased, step
from tests.db.old_trades import NOW_US, OLD_US, SYMBOL, Still, candle, numbers, trade, trades

pytestmark = pytest.mark.timescale


@pytest.fixture(autouse=True)
def still() -> Iterator[None]:
    with clock.using(Still()):
        yield


def minutes(first: int, last: int) -> list[Candle]:
    of = [trade(number, OLD_US + number * MINUTE_US - 1) for number in range(first, last + 1)]
    return [candle(OLD_US + number * MINUTE_US, [each]) for number, each in zip(range(first, last + 1), of, strict=True)]


@pytest.fixture
def compressible(timescale_engine) -> DatabaseOperations:
    database = DatabaseOperations(timescale_engine)
    database.market_data.upsert_candles(minutes(1, 6000))
    database.raw_trades.insert_trades([*trades(1, 3000, OLD_US), *trades(9000, 10, NOW_US - DAY_US)])
    rollups.refresh(timescale_engine)
    return database


def test_old_chunks_go_into_the_columnstore_once_and_read_the_same(compressible):
    with compressible.transaction() as store:
        before = list(store.market_data.get_series(SYMBOL, "1h").candles())
    first = maintain(compressible.engine, raw_trades_days=None)
    second = maintain(compressible.engine, raw_trades_days=None)

    with compressible.transaction() as store:
        after = list(store.market_data.get_series(SYMBOL, "1h").candles())
    assert first.compressed == 2
    assert 0 < first.bytes_after * 3 < first.bytes_before
    assert second.compressed == 0
    assert after == before
    assert len(numbers(compressible)) == 3010


def test_a_compressed_chunk_in_which_rows_changed_is_compressed_again(compressible):
    maintain(compressible.engine, raw_trades_days=None)
    revised = msgspec.structs.replace(minutes(500, 500)[0], close=100.5, revision=1)
    compressible.market_data.upsert_candles([revised])

    again = maintain(compressible.engine, raw_trades_days=None)

    assert again.compressed == 1
    assert compressible.market_data.get_candle(SYMBOL, "1m", revised.timestamp_us) == revised


def test_as_many_compressed_rows_can_be_written_over_as_there_are(compressible):
    maintain(compressible.engine, raw_trades_days=None)
    revised = [msgspec.structs.replace(each, close=100.5, revision=1) for each in minutes(1, 2000)]

    with compressible.engine.begin() as connection:
        connection.exec_driver_sql("set local timescaledb.max_tuples_decompressed_per_dml_transaction = 100")
        store = Store(connection)
        changed = store.market_data.upsert_candles(revised)
        added = store.raw_trades.insert_trades(trades(1, 3100, OLD_US))

    assert (changed, added) == (2000, 100)
    assert compressible.market_data.get_candle(SYMBOL, "1m", revised[-1].timestamp_us).close == 100.5


def test_chunks_younger_than_asked_for_stay_as_they_are(compressible):
    assert maintain(compressible.engine, raw_trades_days=None, compress_after_days=365).compressed == 0


def test_old_trades_go_from_the_columnstore_too(compressible):
    compressible.watermarks.set(SYMBOL, 2999, OLD_US + 29_990_000_000)
    maintain(compressible.engine, raw_trades_days=None)

    done = maintain(compressible.engine, raw_trades_days=30)

    left = numbers(compressible)
    assert done.rows_deleted + len(left) == 3010
    assert left[-10:] == list(range(9000, 9010))


def test_sizes_say_how_much_smaller_the_columnstore_made_a_table(compressible):
    maintain(compressible.engine, raw_trades_days=None)

    tables = compressible.get_stats()["tables"]

    found = tables["market_data"]["columnstore"]
    assert (found["chunks"], found["compressed_chunks"]) == (1, 1)
    assert found["ratio"] == pytest.approx(found["bytes_before"] / found["bytes_after"], abs=0.01)
    assert found["ratio"] > 3
    assert "columnstore" not in tables["gaps"]
    assert tables["market_data"]["rows"] == pytest.approx(6000, rel=0.1)
    assert list(tables) == sorted(tables)


POLICIES = """
select job_id, hypertable_name, config ->> 'compress_after' as after from timescaledb_information.jobs
where config ? 'compress_after' order by hypertable_name
"""


def test_the_servers_own_job_compresses_at_the_same_age_and_leaves_nothing_to_do(compressible):
    maintain(compressible.engine, raw_trades_days=None, compress_after_days=400)
    with compressible.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        later = connection.execute(sa.text(POLICIES)).all()
        maintain(compressible.engine, raw_trades_days=None, compress_after_days=2)
        jobs = connection.execute(sa.text(POLICIES)).all()

    assert [each.after for each in later] == ["400 days"] * 3
    assert [(each.hypertable_name, each.after) for each in jobs] == [
        ("bot_performance", "2 days"),
        ("market_data", "2 days"),
        ("raw_trades", "2 days"),
    ]


def test_a_job_of_the_server_can_be_run_by_hand_and_leaves_nothing_to_do(compressible):
    with compressible.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for job in connection.execute(sa.text(POLICIES)).all():
            connection.exec_driver_sql(f"call run_job({job.job_id})")

    assert compressible.get_stats()["tables"]["market_data"]["columnstore"]["compressed_chunks"] == 1
    assert maintain(compressible.engine, raw_trades_days=None).compressed == 0


def test_performance_of_bots_is_compressed_to_the_last_digit_and_a_deleted_bot_leaves_it(timescale_engine):
    database = DatabaseOperations(timescale_engine)
    epochs = leased(database, "a", "b")
    worth = [replace(WORTH, timestamp_us=OLD_US + each * MINUTE_US) for each in range(2000)]
    database.bots.write([step(bot, epoch, 2000, performance=worth) for bot, epoch in epochs.items()])

    compressed = maintain(timescale_engine, raw_trades_days=None).compressed
    again = replace(worth[5], equity=EXACT)
    database.bots.write([step("a", epochs["a"], 2000, performance=[again])])
    before = {bot: database.bots.performance(bot) for bot in epochs}
    database.bots.wish("stopped", ["b"], by="me")
    end_leases(timescale_engine)
    database.bots.delete("b")

    assert compressed > 0
    assert before == {"a": [*worth[:5], again, *worth[6:]], "b": worth}
    assert (database.bots.performance("a"), database.bots.performance("b", run=1)) == (before["a"], [])
