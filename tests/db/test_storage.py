"""A server is asked what it is: one that only offers TimescaleDB, or has its Apache edition, is used as plain PostgreSQL."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from db import rollups, schema
from db.engine import create_engine
from db.operations import DatabaseOperations
from db.storage import storage_of
from market.errors import SchemaError
from tests.db.candles import SYMBOL, candle
from tests.db.test_schema import migrate
from tests.timescale import server

pytestmark = pytest.mark.postgres

EXTENSION = "comment = 'Nothing, under the name of TimescaleDB'\ndefault_version = '2.17.2'\nrelocatable = false\n"


def execute(url: str, *statements: str) -> None:
    engine = create_engine(url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.fixture
def offering_url(empty_database_url: str, tmp_path: Path) -> str:
    """Return the address of a database that offers an extension with the name of TimescaleDB."""
    folder = tmp_path / "extension"
    folder.mkdir()
    (folder / "timescaledb.control").write_text(EXTENSION)
    for version in ("2.17.2", "2.22.0", "2.29.0"):
        (folder / f"timescaledb--{version}.sql").write_text("select 1;\n")
    for each in (tmp_path, *list(tmp_path.parents)[:2], folder):
        each.chmod(0o755)
    name = sa.make_url(empty_database_url).database
    execute(empty_database_url, f"alter database {name} set extension_control_path = '{tmp_path}:$system'")
    return empty_database_url


def kind_of(url: str) -> tuple[str, bool, str]:
    database = DatabaseOperations(create_engine(url))
    database.market_data.upsert_candles([candle(minute) for minute in range(1, 100)])
    rollups.refresh(database.engine)
    stats = database.get_stats()
    assert database.market_data.count(SYMBOL, "1m") == 99
    database.close()
    return stats["storage"], stats["timescale_available"], stats["timescale_unused"]


def test_a_server_that_offers_the_extension_but_has_not_got_it_installed_stays_plain(offering_url):
    schema.upgrade(offering_url)

    assert kind_of(offering_url) == (
        "plain",
        True,
        "it is not installed in this database; a new one would use it after `create extension timescaledb`",
    )


@pytest.mark.parametrize("licence", ["apache", ""])
def test_an_installed_extension_without_the_timescale_licence_stays_plain(offering_url, licence):
    name = sa.make_url(offering_url).database
    execute(offering_url, "create extension timescaledb", f"alter database {name} set timescaledb.license = '{licence}'")
    schema.upgrade(offering_url)

    assert kind_of(offering_url) == (
        "plain",
        True,
        "it is the Apache edition, which has no continuous aggregates and no columnstore",
    )


def test_a_database_that_was_made_plain_stays_so_when_the_extension_comes(offering_url):
    schema.upgrade(offering_url)
    name = sa.make_url(offering_url).database

    execute(offering_url, "create extension timescaledb", f"alter database {name} set timescaledb.license = 'timescale'")

    assert kind_of(offering_url) == ("plain", True, "it was installed after the schema was made; a new database would use it")
    engine = create_engine(offering_url)
    migrate(engine, "downgrade", "0004")
    schema.upgrade(offering_url)
    assert kind_of(offering_url)[0] == "plain"
    migrate(engine, "downgrade", "base")
    assert sa.inspect(engine).get_table_names() == ["alembic_version"]
    engine.dispose()


def test_a_server_without_the_extension_has_nothing_to_explain(database):
    stats = database.get_stats()

    assert (stats["timescale_available"], stats["timescale_unused"]) == (False, None)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ("version '2.17.2'", "2.19 or newer is needed, but not 2.22.0, and the database has 2.17.2; run `alter extension"),
        ("version '2.22.0'", "and the database has 2.22.0; run `alter extension timescaledb update`"),
        ("schema hidden version '2.29.0'", "in the schema 'hidden', which is not on the search path"),
    ],
)
def test_a_timescaledb_that_cannot_be_used_is_refused_before_anything_is_made(offering_url, made, message):
    name = sa.make_url(offering_url).database
    execute(offering_url, "create schema hidden", f"create extension timescaledb {made}")
    execute(offering_url, f"alter database {name} set timescaledb.license = 'timescale'")

    with pytest.raises(SchemaError, match=message):
        schema.upgrade(offering_url)
    engine = create_engine(offering_url)
    assert sa.inspect(engine).get_table_names() == []
    engine.dispose()


def test_what_a_database_is_before_it_has_tables_is_not_remembered(empty_database_url):
    engine = create_engine(empty_database_url)
    with engine.connect() as connection:
        before = storage_of(connection)
        connection.rollback()
        schema.upgrade(empty_database_url)
        after = storage_of(connection)

        assert (before is after, storage_of(connection) is after) == (False, True)
    engine.dispose()


# -- the server that a person names for the tests --------------------------------------------------------------------


def databases(url: str) -> set[str]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = set(connection.scalars(sa.text("select datname from pg_database")))
    engine.dispose()
    return found


def test_a_named_server_without_timescaledb_is_refused_and_left_as_it_was(postgres_server, monkeypatch):
    url = postgres_server.url
    before = databases(url)
    monkeypatch.setenv(server.NAMED, url)

    with pytest.raises(RuntimeError, match=f"{server.NAMED}: .*timescaledb.* is not available"), server.timescale_url():
        pass

    assert databases(url) == before


@pytest.fixture
def offering_server(offering_url, monkeypatch):
    """Return the address of a server that offers the extension in each of its databases, named for the tests."""
    engine = create_engine(offering_url)
    with engine.connect() as connection:
        path = connection.scalar(sa.text("show extension_control_path"))
        connection.rollback()
    engine.dispose()
    monkeypatch.setenv(server.NAMED, offering_url)
    execute(offering_url, f"alter role app set extension_control_path = '{path}'")
    yield offering_url
    execute(offering_url, "alter role app reset extension_control_path")


def test_a_named_server_with_the_apache_edition_is_refused_and_left_as_it_was(offering_server):
    before = databases(offering_server)

    with pytest.raises(RuntimeError, match="has no TimescaleDB with continuous aggregates"), server.timescale_url():
        pass

    assert databases(offering_server) == before


def test_each_that_asks_a_named_server_has_a_database_of_its_own(offering_server):
    before = databases(offering_server)
    with server._own_database(offering_server) as first, server._own_database(offering_server) as second:
        during = databases(offering_server)

    assert first != second
    assert during - before == {sa.make_url(first).database, sa.make_url(second).database}
    assert databases(offering_server) == before


def test_a_named_user_who_may_not_make_databases_is_refused(postgres_server, monkeypatch):
    url = postgres_server.url
    execute(url, "create role tester login")
    monkeypatch.setenv(server.NAMED, sa.make_url(url).set(username="tester").render_as_string())
    try:
        with pytest.raises(RuntimeError, match="permission denied to create database; name a user"), server.timescale_url():
            pass
    finally:
        execute(url, "drop role tester")


def test_servers_with_many_backends_are_told_from_those_with_one(plain_engine):
    assert not server.is_shared(plain_engine)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(server.skip_if_shared, plain_engine).result(timeout=30)


@pytest.mark.timescale
def test_the_webassembly_build_has_one_backend(timescale_engine):
    assert server.is_shared(timescale_engine) is (server.NAMED not in os.environ)
