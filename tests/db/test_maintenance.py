"""Maintenance makes the database smaller, and nothing else: candles stay, and so does what starting again and healing need."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa

from db import maintenance, rollups
from db.maintenance import Maintained, maintain
from db.operations import DatabaseOperations
from db.repositories.gaps import Gap
from db.storage import storage_of
from db.store import Store
from exchanges.okx import OKX
from market import clock
from market.candle import Origin
from market.errors import InputError
from market.timeframe import DAY_US, MINUTE_US
from market.trade import Trade
from market.window import Window
from streaming.batch import Batch, Rebuild
from streaming.persistence import Persistence
from tests.db import bots
from tests.db.old_trades import NEW_US, NOW_US, OLD_US, SYMBOL, Still, candle, numbers, trade, trades
from tests.timescale.server import skip_if_shared

pytestmark = pytest.mark.postgres


@pytest.fixture(params=["plain", pytest.param("timescale", marks=pytest.mark.timescale)])
def engine(request: pytest.FixtureRequest) -> sa.Engine:
    found: sa.Engine = request.getfixturevalue("plain_engine" if request.param == "plain" else "timescale_engine")
    return found


@pytest.fixture
def database(engine) -> DatabaseOperations:
    return DatabaseOperations(engine)


@pytest.fixture(autouse=True)
def still() -> Iterator[None]:
    with clock.using(Still()):
        yield


def old_and_new(database) -> list[Trade]:
    """Store an hour of trades of March and one of August, with the candles of August."""
    new = trades(5000, 360, NEW_US)
    database.raw_trades.insert_trades(trades(1000, 360, OLD_US))
    database.raw_trades.insert_trades(new)
    database.market_data.upsert_candles([candle(NEW_US + number * MINUTE_US, new) for number in range(1, 60)])
    database.watermarks.set(SYMBOL, new[-1].trade_id, new[-1].timestamp_us, NEW_US)
    return new


def test_trades_older_than_asked_for_go_by_the_month_and_candles_stay(database, engine):
    new = old_and_new(database)
    old = trades(1000, 360, OLD_US)
    database.market_data.upsert_candles([candle(OLD_US + MINUTE_US, old)])

    done = maintain(engine, raw_trades_days=90)

    assert (done.dropped, done.rows_deleted, done.rows_kept, done.busy) == (1, 360, 0, [])
    assert numbers(database) == [each.trade_id for each in new]
    assert database.market_data.count(SYMBOL, "1m") == 60


def test_a_month_of_which_a_part_is_young_enough_stays_whole(database, engine):
    old_and_new(database)
    days = (NOW_US - OLD_US) // DAY_US  # all trades are older, but not the month

    done = maintain(engine, raw_trades_days=days)

    assert (done.dropped, done.rows_deleted) == (0, 0)
    assert len(numbers(database)) == 720


def test_without_a_number_of_days_every_trade_stays(database, engine):
    old_and_new(database)

    done = maintain(engine, raw_trades_days=None)

    assert (done.dropped, done.rows_deleted) == (0, 0)
    assert len(numbers(database)) == 720


def test_a_second_maintenance_finds_nothing_to_do(database, engine):
    old_and_new(database)
    maintain(engine, raw_trades_days=90)

    again = maintain(engine, raw_trades_days=90)

    assert again == Maintained(vacuumed=again.vacuumed)


def test_an_empty_database_is_maintained(engine):
    done = maintain(engine, raw_trades_days=90)

    assert (done.dropped, done.compressed, done.busy) == (0, 0, [])


def test_signals_that_were_not_acted_on_go_when_they_are_old(database, engine):
    epoch = bots.leased(database, "a")["a"]
    old_us, young_us = NOW_US - 30 * DAY_US - 1, NOW_US - 30 * DAY_US
    signals = [
        replace(bots.SIGNAL, timestamp_us=moment_us, symbol=symbol, acted=symbol == bots.ETH)
        for moment_us in (old_us, young_us) for symbol in (bots.BTC, bots.ETH)
    ]  # fmt: skip
    database.bots.write([bots.step("a", epoch, signals=signals)])

    kept = maintain(engine, raw_trades_days=90)
    done = maintain(engine, raw_trades_days=90, signals_days=30)

    assert (kept.signals, done.signals) == (0, 1)
    assert database.bots.signals("a") == signals[1:]


@pytest.mark.parametrize(
    "days", [{"raw_trades_days": 0}, {"raw_trades_days": 9, "compress_after_days": 0}, {"raw_trades_days": 9, "signals_days": 0}]
)
def test_a_number_of_days_that_is_not_positive_is_refused(engine, days):
    with pytest.raises(InputError, match="has to be at least 1 day, and is 0"):
        maintain(engine, **days)


# -- what starting again and healing need ----------------------------------------------------------------------------


def persistence(database) -> Persistence:
    return Persistence(database.transaction, OKX(["BTC-USDT"]))


def test_a_symbol_that_nobody_followed_for_months_starts_again_as_if_no_trade_had_gone(database, engine):
    old = trades(1000, 360, OLD_US)
    database.raw_trades.insert_trades(old)
    database.market_data.upsert_candles([candle(OLD_US + number * MINUTE_US, old) for number in range(1, 59)])
    database.watermarks.set(SYMBOL, old[-1].trade_id, old[-1].timestamp_us, OLD_US)
    before = persistence(database).resume(SYMBOL)

    done = maintain(engine, raw_trades_days=30)

    after = persistence(database).resume(SYMBOL)
    assert after == before
    assert after.trades[-1] == old[-1]
    assert (done.dropped, done.rows_deleted + done.rows_kept) == (0, 360)
    assert 0 < done.rows_kept < 120


def test_a_symbol_with_a_single_minute_starts_again_with_its_trades(database, engine):
    old = trades(1000, 3, OLD_US)
    database.raw_trades.insert_trades(old)
    database.watermarks.set(SYMBOL, 1002, old[-1].timestamp_us, OLD_US)
    before = persistence(database).resume(SYMBOL)

    done = maintain(engine, raw_trades_days=30)

    assert persistence(database).resume(SYMBOL) == before
    assert before.trades == old
    assert (done.dropped, done.rows_deleted) == (0, 0)


def test_a_hole_older_than_the_trades_kept_is_healed_with_the_trades_around_it(database, engine):
    whole = trades(1000, 360, OLD_US)
    lost = [each for each in whole if 1100 <= each.trade_id <= 1103]
    stored = [each for each in whole if each not in lost]
    database.raw_trades.insert_trades(stored)
    label_us = lost[0].timestamp_us // MINUTE_US * MINUTE_US + MINUTE_US
    database.market_data.upsert_candles([candle(label_us, stored, complete=False)])
    database.gaps.open(
        Gap(
            symbol=SYMBOL, first_id=1100, last_id=1103, start_us=whole[99].timestamp_us, end_us=whole[104].timestamp_us,
            cause="disconnect",
        )
    )  # fmt: skip
    database.watermarks.set(SYMBOL, 9000, NEW_US, OLD_US)
    database.market_data.upsert_candles([candle(NEW_US + MINUTE_US, trades(9000, 2, NEW_US))])

    done = maintain(engine, raw_trades_days=30)
    database.gaps.progress(filled(database))
    window = Window(label_us - MINUTE_US, label_us)
    written = persistence(database).write(Batch(trades=lost, rebuilds=[Rebuild(SYMBOL, window)]))

    healed = database.market_data.get_candle(SYMBOL, "1m", label_us)
    assert done.rows_deleted > 300
    assert written.short == []
    assert (healed.trades, healed.complete, healed.origin) == (6, True, Origin.HEALED)


def filled(database) -> Gap:
    return replace(database.gaps.list(SYMBOL)[0], state="filled", recovered=4, missing=())


def test_what_stayed_for_a_hole_goes_once_the_hole_has_ended(database, engine):
    old = trades(1000, 360, OLD_US)
    database.raw_trades.insert_trades(old)
    database.gaps.open(Gap(symbol=SYMBOL, first_id=1, last_id=2, start_us=OLD_US, end_us=OLD_US + MINUTE_US, cause="sequence"))
    first = maintain(engine, raw_trades_days=30)
    between = maintain(engine, raw_trades_days=30)

    database.gaps.progress(filled(database))
    last = maintain(engine, raw_trades_days=30)

    assert (first.dropped, first.rows_deleted, first.rows_kept) == (0, 348, 12)
    assert (between.dropped, between.rows_deleted, between.rows_kept) == (0, 0, 12)
    assert (last.dropped, last.rows_deleted, last.rows_kept) == (1, 12, 0)
    assert numbers(database) == []


def test_what_stays_is_not_written_again_each_time(plain_engine):
    database = DatabaseOperations(plain_engine)
    database.raw_trades.insert_trades(trades(1000, 360, OLD_US))
    database.gaps.open(Gap(symbol=SYMBOL, first_id=1, last_id=2, start_us=OLD_US, end_us=OLD_US + MINUTE_US, cause="sequence"))
    files = []
    for _ in range(2):
        maintain(plain_engine, raw_trades_days=30)
        with plain_engine.connect() as connection:
            files.append(connection.scalar(sa.text("select pg_relation_filenode('raw_trades_2024_03')")))

    assert files[0] == files[1]


def test_the_minute_in_which_a_tape_begins_stays_for_who_puts_earlier_trades_before_it(database, engine):
    old = trades(1000, 360, OLD_US + 30_000_000)
    database.raw_trades.insert_trades(old)
    database.watermarks.set(SYMBOL, 9000, NEW_US, OLD_US + 30_000_000)
    database.market_data.upsert_candles([candle(NEW_US + MINUTE_US, trades(9000, 2, NEW_US))])

    maintain(engine, raw_trades_days=30)

    assert numbers(database) == [1000, 1001, 1002]


def test_who_has_written_to_a_month_before_it_was_dropped_can_write_to_it_again(database, engine):
    old_and_new(database)
    maintain(DatabaseOperations(engine).engine, raw_trades_days=90)

    late = trade(1500, OLD_US + 5)
    database.raw_trades.insert_trades([late])

    assert 1500 in numbers(database)


def test_a_month_that_somebody_writes_to_is_left_to_the_next_time(database, engine):
    skip_if_shared(engine)
    old_and_new(database)
    with engine.connect() as writer:
        Store(writer).raw_trades.insert_trades([trade(1500, OLD_US + 5)])
        with ThreadPoolExecutor(1) as pool:
            meanwhile = pool.submit(maintain, engine, raw_trades_days=90).result(timeout=60)
        writer.commit()
    afterwards = maintain(engine, raw_trades_days=90)

    assert (meanwhile.dropped, len(meanwhile.busy)) == (0, 1)
    assert (afterwards.dropped, afterwards.rows_deleted, afterwards.busy) == (1, 361, [])


def test_a_month_that_somebody_is_about_to_write_to_is_left_to_the_next_time(plain_engine):
    database = DatabaseOperations(plain_engine)
    old_and_new(database)
    with plain_engine.begin() as writer:
        storage_of(writer).ensure_partitions(writer, "raw_trades", start_us=OLD_US, end_us=OLD_US)
        with ThreadPoolExecutor(1) as pool:
            meanwhile = pool.submit(maintain, plain_engine, raw_trades_days=90).result(timeout=60)
        Store(writer).raw_trades.append([trade(1500, OLD_US + 5)])

    assert (meanwhile.dropped, meanwhile.rows_deleted, len(meanwhile.busy)) == (0, 0, 1)
    assert 1500 in numbers(database)


def test_who_writes_while_months_are_dropped_loses_nothing(database, engine):
    skip_if_shared(engine)
    old_and_new(database)

    def write(number: int) -> None:
        with database.transaction() as store:
            store.raw_trades.append([trade(6000 + number, NEW_US + 7_200_000_000 + number)])
            store.raw_trades.insert_trades([trade(2000 + number, OLD_US + number)])

    with ThreadPoolExecutor(4) as pool:
        work = [pool.submit(write, number) for number in range(200)]
        for _ in range(10):
            maintain(engine, raw_trades_days=90)
        for each in work:
            each.result(timeout=60)

    assert [each for each in numbers(database) if each >= 6000] == [6000 + number for number in range(200)]


def test_of_two_at_once_one_waits_and_finds_nothing_left(database, engine):
    skip_if_shared(engine)
    old_and_new(database)
    with ThreadPoolExecutor(2) as pool:
        done = [each.result(timeout=60) for each in [pool.submit(maintain, engine, raw_trades_days=90) for _ in range(2)]]

    assert sorted(each.dropped for each in done) == [0, 1]


# -- the rest --------------------------------------------------------------------------------------------------------


def test_partitions_of_this_month_and_the_next_are_made_ahead_once(plain_engine):
    first, second = maintain(plain_engine, raw_trades_days=None), maintain(plain_engine, raw_trades_days=None)

    names = sa.inspect(plain_engine).get_table_names()
    assert (first.made_ahead, second.made_ahead) == (6, 0)
    assert {"market_data_2024_08", "market_data_2024_09", "raw_trades_2024_08", "raw_trades_2024_09"} <= set(names)


def test_tables_that_changed_much_are_vacuumed_once(plain_engine):
    maintain(plain_engine, raw_trades_days=None)  # makes the partition
    with plain_engine.begin() as connection:
        connection.exec_driver_sql("alter table raw_trades_2024_08 set (autovacuum_enabled = false)")
        Store(connection).raw_trades.insert_trades(trades(1, 5000, NEW_US, 1000))
        connection.exec_driver_sql("select pg_stat_force_next_flush()")  # else counts of changes are sent some time later

    first, second = maintain(plain_engine, raw_trades_days=None), maintain(plain_engine, raw_trades_days=None)

    assert first.vacuumed == ["raw_trades_2024_08"]
    assert second.vacuumed == []


def test_no_lock_number_is_used_twice():
    from db import plain, schema

    numbers = [maintenance._LOCK, rollups._LOCK, plain._LOCK, plain._OLD_MONTHS_LOCK, schema._LOCK]

    assert len(set(numbers)) == len(numbers)
