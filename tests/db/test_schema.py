"""Migrations make what the tables say, once, and whoever has another revision is told."""

import subprocess
import sys
from dataclasses import replace

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from db import schema
from db.engine import create_engine
from db.operations import DatabaseOperations
from db.repositories.feeds import Feed
from db.repositories.gaps import Gap
from db.repositories.watermarks import Watermark
from db.tables import metadata
from db.wider import ROLLUPS, relation_of
from market.clock import parse_time
from market.errors import SchemaError, StoreError, StoreUnreachable

pytestmark = pytest.mark.postgres


@pytest.fixture
def empty(empty_database_url):
    engine = create_engine(empty_database_url)
    yield engine
    engine.dispose()


def context_of(connection):
    """Return what compares a database with the tables; the storages make the rollups, each in its own way."""

    def counts(name, kind, _parents):
        return kind != "table" or name not in map(relation_of, ROLLUPS)

    return MigrationContext.configure(connection, opts={"compare_server_default": True, "include_name": counts})


def test_a_migrated_database_is_what_the_tables_say(engine):
    with engine.connect() as connection:
        assert compare_metadata(context_of(connection), metadata) == []


def test_constraints_are_what_the_tables_say(engine):
    inspector = sa.inspect(engine)
    for table in metadata.sorted_tables:
        made = {one["name"] for one in inspector.get_check_constraints(table.name)}

        assert made == {one.name for one in table.constraints if isinstance(one, sa.CheckConstraint)}


def test_the_head_is_the_one_alembic_finds():
    assert ScriptDirectory(schema._MIGRATIONS).get_current_head() == schema.head()


def test_an_empty_database_is_reported_with_the_fix(empty):
    assert schema.current(empty) is None
    with pytest.raises(SchemaError, match=f"revision none, this program needs {schema.head()}; run `tcpdash db upgrade`"):
        schema.check(empty)


def test_an_upgraded_database_passes(empty, empty_database_url):
    schema.upgrade(empty_database_url)
    schema.upgrade(empty_database_url)

    schema.check(empty)
    assert schema.current(empty) == schema.head()


def test_the_schema_of_a_newer_program_is_left_alone(engine, database_url):
    with engine.begin() as connection:
        connection.execute(sa.text("update alembic_version set version_num = '9999'"))

    with pytest.raises(SchemaError, match="revision 9999, this program knows"):
        schema.check(engine)
    with pytest.raises(SchemaError, match="install the newer program"):
        schema.upgrade(database_url)


def test_the_schema_of_another_program_is_left_alone(empty, empty_database_url):
    with empty.begin() as connection:
        connection.execute(sa.text("create table alembic_version (version_num text)"))
        connection.execute(sa.text("insert into alembic_version values ('9f3c2a')"))

    for refuse in (lambda: schema.check(empty), lambda: schema.upgrade(empty_database_url)):
        with pytest.raises(SchemaError, match=r"schema of another program \(alembic revision 9f3c2a\)"):
            refuse()
    assert sa.inspect(empty).get_table_names() == ["alembic_version"]


def test_a_table_in_the_way_is_named_and_left_alone(empty, empty_database_url):
    with empty.begin() as connection:
        connection.execute(sa.text("create table symbols (id integer)"))

    with pytest.raises(SchemaError, match=r'relation "symbols" already exists\), and is at revision none; .* rename it'):
        schema.upgrade(empty_database_url)
    assert "market_data" not in sa.inspect(empty).get_table_names()
    assert [column["name"] for column in sa.inspect(empty).get_columns("symbols")] == ["id"]


def test_an_unrelated_table_stays_as_it_is(empty, empty_database_url):
    with empty.begin() as connection:
        connection.execute(sa.text("create table theirs as select 1 as number"))

    schema.upgrade(empty_database_url)

    with empty.connect() as connection:
        assert connection.scalar(sa.text("select number from theirs")) == 1


def test_who_may_not_make_tables_is_told_so(empty, empty_database_url):
    with empty.begin() as connection:
        connection.execute(sa.text("create role visitor login"))
    visitor = sa.make_url(empty_database_url).set(username="visitor").render_as_string(hide_password=False)
    try:
        with pytest.raises(
            StoreError, match=r"does not allow this .*permission denied for schema public.*give 'visitor' the right"
        ):
            schema.upgrade(visitor)
    finally:
        with empty.begin() as connection:
            connection.execute(sa.text("drop role visitor"))


def test_two_processes_upgrade_at_once(empty, empty_database_url):
    command = [sys.executable, "-c", "import sys; from db import schema; schema.upgrade(sys.argv[1])", empty_database_url]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [process.communicate(timeout=60)[1] for process in processes]

    assert [process.returncode for process in processes] == [0, 0], errors
    schema.check(empty)


def migrate(engine, direction, revision):
    """Bring a database to a revision: `upgrade` or `downgrade`."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(schema._MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        getattr(command, direction)(config, revision)
        connection.commit()


def test_a_migration_can_be_undone(engine):
    migrate(engine, "downgrade", "base")

    assert sa.inspect(engine).get_table_names() == ["alembic_version"]


OLD_ROWS = """
insert into gaps (symbol, first_id, last_id, start, "end", cause, evidence)
    values ('OKX:BTC-USDT', 5, 9, '2024-08-08T23:54:00Z', '2024-08-08T23:55:00Z', 'disconnect', '{"code": 1006}'),
           ('OKX:BTC-USDT', null, null, '2024-08-08T23:56:00Z', '2024-08-08T23:57:00Z', 'reset', null);
insert into watermarks (symbol, trade_id, timestamp) values ('OKX:BTC-USDT', 9, '2024-08-08T23:55:00Z')
"""
OLD_HOLE = Gap(
    symbol="OKX:BTC-USDT",
    first_id=5,
    last_id=9,
    start_us=parse_time("2024-08-08T23:54:00Z"),
    end_us=parse_time("2024-08-08T23:55:00Z"),
    cause="disconnect",
    evidence={"code": 1006},
)


@pytest.fixture
def old(empty):
    """Return a database as the first release left it, with rows."""
    migrate(empty, "upgrade", "0001")
    with empty.begin() as connection:
        connection.exec_driver_sql(OLD_ROWS)
    return empty


def test_what_was_noted_before_healing_is_open_and_can_be_healed(old):
    migrate(old, "upgrade", "head")

    database = DatabaseOperations(old)
    assert database.gaps.list()[0] == OLD_HOLE
    assert [(gap.state, gap.recovered, gap.missing) for gap in database.gaps.list()] == [("open", 0, None)] * 2
    assert database.watermarks.get("OKX:BTC-USDT") == Watermark("OKX:BTC-USDT", 9, OLD_HOLE.end_us)
    assert database.feeds.list() == []
    assert database.gaps.progress(replace(OLD_HOLE, state="filled", recovered=5, missing=()))
    database.watermarks.set("OKX:BTC-USDT", 9, OLD_HOLE.end_us, 7)
    assert database.watermarks.get("OKX:BTC-USDT").since_us == 7


OLD_CANDLES = """
create table market_data_old partition of market_data for values from ('2024-08-01Z') to ('2024-09-01Z');
insert into market_data (symbol, timeframe, timestamp, open, high, low, close, volume, origin, revision)
    select symbol, timeframe, timestamp::timestamptz, 1, 1, 1, 1, 1, origin, 0 from (values
        ('OKX:BTC-USDT', '1m', '2024-08-08T23:40:00Z', 'exchange'),
        ('OKX:BTC-USDT', '5m', '2024-08-08T23:45:00Z', 'live'),
        ('OKX:BTC-USDT', '1m', '2024-08-08T23:52:00Z', 'healed'),
        ('OKX:BTC-USDT', '1m', '2024-08-08T23:53:00Z', 'live'),
        ('OKX:ETH-USDT', '1m', '2024-08-08T23:10:00Z', 'exchange'),
        ('OKX:XRP-USDT', '1m', '2024-08-08T23:20:00Z', 'live')
    ) as rows (symbol, timeframe, timestamp, origin);
insert into watermarks (symbol, trade_id, timestamp) values
    ('OKX:ETH-USDT', 3, '2024-08-08T23:55:00Z'), ('OKX:XRP-USDT', 4, '2024-08-08T23:55:00Z')
"""


def test_a_tape_from_before_healing_begins_with_its_first_minute_of_ours(old):
    with old.begin() as connection:
        connection.exec_driver_sql(OLD_CANDLES)

    migrate(old, "upgrade", "head")

    database = DatabaseOperations(old)
    since = {symbol: database.watermarks.get(symbol).since_us for symbol in database.watermarks.symbols()}
    assert since == {
        "OKX:BTC-USDT": parse_time("2024-08-08T23:52:00Z"),
        "OKX:ETH-USDT": None,
        "OKX:XRP-USDT": parse_time("2024-08-08T23:20:00Z"),
    }


def test_healing_can_be_undone_and_what_the_old_program_knows_stays(old):
    migrate(old, "upgrade", "head")
    database = DatabaseOperations(old)
    database.gaps.progress(replace(OLD_HOLE, state="never_existed", missing=((5, 9),)))
    database.gaps.open(replace(OLD_HOLE, last_id=5, cause="conflict", state="alarm"))
    database.watermarks.set("OKX:BTC-USDT", 10, OLD_HOLE.end_us, 7)
    database.feeds.set(Feed("OKX:BTC-USDT", "live", "", 7))

    migrate(old, "downgrade", "0001")

    assert schema.current(old) == "0001"
    assert "feeds" not in sa.inspect(old).get_table_names()
    with old.connect() as connection:
        states = connection.execute(sa.text("select state from gaps order by id")).scalars().all()
        marks = connection.execute(sa.text("select * from watermarks")).mappings().one()
    assert states == ["never_existed", "open", "alarm"]
    assert (marks["trade_id"], set(marks)) == (10, {"symbol", "trade_id", "timestamp", "updated_at"})


def test_an_upgrade_over_an_undone_one_gives_the_same_tables(old):
    for direction, revision in (("upgrade", "head"), ("downgrade", "0001"), ("upgrade", "head")):
        migrate(old, direction, revision)

    with old.connect() as connection:
        assert compare_metadata(context_of(connection), metadata) == []
    assert DatabaseOperations(old).gaps.list()[0] == OLD_HOLE


def test_a_database_that_is_not_there_is_reported():
    with pytest.raises(StoreUnreachable, match="does not answer"):
        schema.upgrade("postgresql+psycopg2://app@127.0.0.1:1/app")


def test_the_schema_is_checked_with_one_statement(database):
    sent = []

    def note(*told):
        sent.append(told[2])

    database.engine.connect().close()  # what a new connection asks first
    sa.event.listen(database.engine, "before_cursor_execute", note)
    schema.check(database.engine)
    sa.event.remove(database.engine, "before_cursor_execute", note)

    assert len(sent) == 1
