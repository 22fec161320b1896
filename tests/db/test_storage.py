"""A server is asked what it is: one that only offers TimescaleDB, or has its Apache edition, is used as plain PostgreSQL."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from db import rollups, schema
from db.engine import create_engine
from db.operations import DatabaseOperations
from tests.db.candles import SYMBOL, candle
from tests.timescale import server

pytestmark = pytest.mark.postgres

EXTENSION = "comment = 'Nothing, under the name of TimescaleDB'\ndefault_version = '1.0'\nrelocatable = false\nschema = public\n"


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
    (folder / "timescaledb--1.0.sql").write_text("select 1;\n")
    for each in (tmp_path, *list(tmp_path.parents)[:2], folder):
        each.chmod(0o755)
    name = sa.make_url(empty_database_url).database
    execute(empty_database_url, f"alter database {name} set extension_control_path = '{tmp_path}:$system'")
    return empty_database_url


def kind_of(url: str) -> tuple[str, bool]:
    database = DatabaseOperations(create_engine(url))
    database.market_data.upsert_candles([candle(minute) for minute in range(1, 100)])
    rollups.refresh(database.engine)
    stats = database.get_stats()
    assert database.market_data.count(SYMBOL, "1m") == 99
    database.close()
    return stats["storage"], stats["timescale_available"]


def test_a_server_that_offers_the_extension_but_has_not_got_it_installed_stays_plain(offering_url):
    schema.upgrade(offering_url)

    assert kind_of(offering_url) == ("plain", True)


@pytest.mark.parametrize("licence", ["apache", ""])
def test_an_installed_extension_without_the_timescale_licence_stays_plain(offering_url, licence):
    name = sa.make_url(offering_url).database
    execute(offering_url, "create extension timescaledb", f"alter database {name} set timescaledb.license = '{licence}'")
    schema.upgrade(offering_url)

    assert kind_of(offering_url) == ("plain", True)


def test_a_database_that_was_made_plain_stays_so_when_the_extension_comes(offering_url):
    schema.upgrade(offering_url)
    name = sa.make_url(offering_url).database

    execute(offering_url, "create extension timescaledb", f"alter database {name} set timescaledb.license = 'timescale'")

    assert kind_of(offering_url) == ("plain", True)


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


def test_a_named_server_with_the_apache_edition_is_refused_and_left_as_it_was(offering_url, monkeypatch):
    before = databases(offering_url)
    monkeypatch.setenv(server.NAMED, offering_url)
    path = "extension_control_path"
    engine = create_engine(offering_url)
    with engine.connect() as connection:
        value = connection.scalar(sa.text(f"show {path}"))
        connection.rollback()
    engine.dispose()
    execute(offering_url, f"alter role app set {path} = '{value}'")
    try:
        with pytest.raises(RuntimeError, match="has no TimescaleDB with continuous aggregates"), server.timescale_url():
            pass
    finally:
        execute(offering_url, f"alter role app reset {path}")

    assert databases(offering_url) == before


def test_servers_with_many_backends_are_told_from_those_with_one(plain_engine):
    assert not server.is_shared(plain_engine)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(server.skip_if_shared, plain_engine).result(timeout=30)


@pytest.mark.timescale
def test_the_webassembly_build_has_one_backend(timescale_engine):
    assert server.is_shared(timescale_engine) is (server.NAMED not in os.environ)
