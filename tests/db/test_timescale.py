"""What a server with TimescaleDB makes of the schema; what the program does with it, the tests of repositories hold equal."""

import pytest
import sqlalchemy as sa

from db import rollups, schema, timescale
from db.engine import create_engine
from db.maintenance import maintain
from db.operations import DatabaseOperations
from db.storage import storage_of
from db.wider import ROLLUPS, relation_of
from market import clock
from market.timeframe import MINUTE_US
from tests.db.candles import START_US, SYMBOL, candle
from tests.db.old_trades import Still, trade
from tests.db.test_schema import migrate
from tests.timescale.server import bridge, timescale_url

pytestmark = pytest.mark.timescale


def rows(engine, query):
    with engine.connect() as connection:
        return connection.execute(sa.text(query)).all()


def test_the_server_is_asked_what_it_is(timescale_engine):
    with timescale_engine.connect() as connection:
        assert storage_of(connection).name == "timescale"


def test_large_tables_are_hypertables_of_months_in_a_columnstore_by_symbol(timescale_engine):
    found = rows(
        timescale_engine,
        "select hypertable_name, time_interval, compression_enabled from timescaledb_information.hypertables"
        " join timescaledb_information.dimensions using (hypertable_schema, hypertable_name) where hypertable_schema = 'public'"
        " order by 1",
    )
    segments = rows(
        timescale_engine,
        "select hypertable::text, segmentby from timescaledb_information.hypertable_columnstore_settings"
        " where segmentby is not null order by 1",
    )

    assert [(each.hypertable_name, each.time_interval.days, each.compression_enabled) for each in found] == [
        ("bot_performance", 30, True),
        ("market_data", 30, True),
        ("raw_trades", 30, True),
    ]
    assert [tuple(each) for each in segments] == [
        ("bot_performance", "bot,run"),
        ("market_data", "symbol,timeframe"),
        ("raw_trades", "symbol"),
    ]


def test_rollups_are_real_time_continuous_aggregates_each_over_the_one_before_it(timescale_engine):
    found = rows(
        timescale_engine,
        "select view_name, materialized_only, hypertable_name from timescaledb_information.continuous_aggregates",
    )

    assert {each.view_name for each in found} == {relation_of(level) for level in ROLLUPS}
    assert not any(each.materialized_only for each in found)
    assert [each.hypertable_name for each in found].count("market_data") == 1


def test_rows_of_a_rollup_say_their_close_and_follow_minutes_that_were_never_refreshed(timescale_engine):
    database = DatabaseOperations(timescale_engine)
    first = 6  # 2024-08-09T00:00:00Z
    database.market_data.upsert_candles([candle(minute) for minute in range(first + 1, first + 11)])
    with timescale_engine.connect() as connection:
        found = connection.execute(sa.text("select timestamp, members, volume from candles_5m order by 1")).all()

    assert [(int(each.timestamp.timestamp() * 1e6) - START_US, each.members, each.volume) for each in found] == [
        ((first + 5) * MINUTE_US, 5, 2.5),
        ((first + 10) * MINUTE_US, 5, 2.5),
    ]


def test_a_long_history_is_refreshed_in_pieces_that_lose_nothing(timescale_engine):
    database = DatabaseOperations(timescale_engine)
    days = range(0, 400, 5)
    database.market_data.upsert_candles([candle(day * 1440 + 7) for day in days])
    calls: list[str] = []

    def note(_connection, _cursor, statement, *_):
        calls.extend([statement] if "refresh_continuous_aggregate" in statement else [])

    sa.event.listen(timescale_engine, "before_cursor_execute", note)
    before = {level: list(read(database, level)) for level in ("5m", "1d", "1w")}
    rollups.refresh(timescale_engine)
    sa.event.remove(timescale_engine, "before_cursor_execute", note)

    assert len(calls) == 5 * len(ROLLUPS)  # 400 days are a little more than four times thirteen weeks
    assert {level: list(read(database, level)) for level in before} == before
    kept = rows(timescale_engine, "select count(*) from candles_5m where members = 1")
    assert kept[0][0] == len(days)


def test_a_refresh_is_one_piece_where_the_server_would_cut_it_into_batches(timescale_engine):
    older, newer = (str(sa.text(timescale._refresh_statement(version))) for version in ("2.27.1", "2.28.2-dev"))

    assert "options" not in older
    assert newer == older[:-1] + """, options => '{"buckets_per_batch": 0}')"""
    compiled = sa.text(timescale._refresh_statement("3.0.0")).compile(timescale_engine)
    assert set(compiled.params) == {"relation", "start", "end"}
    assert """'{"buckets_per_batch": 0}'""" in str(compiled)


def test_compressed_minutes_can_be_read_revised_and_refreshed(timescale_engine):
    database = DatabaseOperations(timescale_engine)
    database.market_data.upsert_candles([candle(minute) for minute in range(1, 3000)])
    rollups.refresh(timescale_engine)
    with timescale_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for chunk in connection.scalars(sa.text("select show_chunks('market_data')::text")).all():
            connection.exec_driver_sql(f"call convert_to_columnstore('{chunk}')")

    changed = database.market_data.upsert_candles([candle(100, revision=1, close=2.75)])
    before = list(read(database, "1h"))
    rollups.refresh(timescale_engine)

    assert changed == 1
    assert list(read(database, "1h")) == before
    assert database.market_data.get_candle(SYMBOL, "1m", START_US + 100 * MINUTE_US).close == 2.75


def read(database, timeframe):
    with database.transaction() as store:
        yield from store.market_data.get_series(SYMBOL, timeframe).candles()


def test_sizes_count_chunks_and_what_aggregates_keep(timescale_engine):
    database = DatabaseOperations(timescale_engine)
    database.market_data.upsert_candles([candle(minute) for minute in range(1, 3000)])
    rollups.refresh(timescale_engine)
    with timescale_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("analyze")

    stats = database.get_stats()

    assert stats["storage"] == "timescale"
    assert stats["tables"]["market_data"]["rows"] == 2999
    assert stats["tables"]["market_data"]["bytes"] > 200_000
    assert stats["tables"]["candles_5m"]["bytes"] > 50_000
    assert stats["tables"]["candles_5m"]["rows"] > 500
    assert stats["tables"]["rollup_marks"]["bytes"] > 0


@pytest.fixture
def own_url():
    """Return the address of a database with TimescaleDB of which the schema may be changed."""
    with timescale_url() as url:
        yield url


def kind_of(engine, table):
    return rows(engine, f"select relkind from pg_class where oid = to_regclass('{table}')")[0][0]


def everything(engine):
    """Return all rows of the large tables, and the hours that the minutes make."""
    with DatabaseOperations(engine).transaction() as store:
        return (
            list(store.market_data.get_series(SYMBOL, "1m").candles()),
            list(store.market_data.get_series(SYMBOL, "1h").candles()),
            store.raw_trades.get_trades(SYMBOL, 0, START_US * 2),
        )


def test_a_migration_can_be_undone_with_all_rows_and_done_again(own_url):
    engine = create_engine(own_url)
    database = DatabaseOperations(engine)
    database.market_data.upsert_candles([candle(minute) for minute in (*range(1, 500), 60 * 24 * 40)])
    database.raw_trades.insert_trades([trade(1, START_US), trade(2, START_US + 60 * 24 * 40 * MINUTE_US)])
    rollups.refresh(engine)
    maintain(engine, raw_trades_days=None)  # rows in the columnstore come along
    before = everything(engine)

    migrate(engine, "downgrade", "0002")
    undone = kind_of(engine, "market_data"), kind_of(engine, "raw_trades")
    left = rows(engine, "select hypertable_name from timescaledb_information.jobs where hypertable_name is not null")
    counts = [rows(engine, f"select count(*) from {table}")[0][0] for table in ("market_data", "raw_trades")]
    engine.dispose()
    schema.upgrade(own_url)
    again = create_engine(own_url)

    assert (undone, left, counts) == (("p", "p"), [], [500, 2])
    assert (kind_of(again, "market_data"), kind_of(again, "raw_trades")) == ("r", "r")
    assert everything(again) == before
    assert len(rows(again, "select 1 from timescaledb_information.jobs where hypertable_name = 'market_data'")) == 1
    again.dispose()


PLAIN_ROWS = (
    "create table market_data_2024_07 partition of market_data for values from ('2024-07-01Z') to ('2024-08-01Z')",
    "create table market_data_2024_08 partition of market_data for values from ('2024-08-01Z') to ('2024-09-01Z')",
    """
    insert into market_data (symbol, timeframe, timestamp, open, high, low, close, volume, origin, revision)
        select 'OKX:BTC-USDT', '1m', day, 1, 2, 1, 2, 3, 'live', 4
        from generate_series(timestamptz '2024-07-10Z', '2024-08-20Z', '1 day') as day
    """,
)


def test_rows_of_a_plain_database_come_along_into_hypertables(own_url):
    engine = create_engine(own_url)
    migrate(engine, "downgrade", "0002")
    with engine.begin() as connection:
        for statement in PLAIN_ROWS:
            connection.exec_driver_sql(statement)
    migrate(engine, "upgrade", "head")
    engine.dispose()

    engine = create_engine(own_url)
    chunks = rows(engine, "select 1 from timescaledb_information.chunks where hypertable_name = 'market_data'")
    assert DatabaseOperations(engine).market_data.count(SYMBOL, "1m") == 42
    assert len(chunks) in {2, 3}
    engine.dispose()


def test_a_server_that_only_offers_the_extension_is_used_as_a_plain_one():
    with bridge("offered") as url:
        schema.upgrade(url)
        engine = create_engine(url)
        database = DatabaseOperations(engine)
        with clock.using(Still()):  # partitions that a writer lacks are made on a second connection, which here would wait for him
            maintain(engine, raw_trades_days=None)
        database.market_data.upsert_candles([candle(minute) for minute in range(1, 100)])
        rollups.refresh(engine)
        stats = database.get_stats()
        engine.dispose()

    assert (stats["storage"], stats["timescale_available"]) == ("plain", True)
    assert stats["tables"]["candles_5m"]["bytes"] > 0
