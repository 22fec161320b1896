"""Servers for the tests that need one: real ones, started once, with a fresh database for each test."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings

from db.embedded import PostgresServer, RedisServer

# No test asserts a time, so examples have no deadline either; where a run must be repeatable the examples are always the same.
settings.register_profile(
    "project", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=bool(os.environ.get("CI")), print_blob=True
)
settings.load_profile("project")

# Names of databases and folders need not differ between the processes that share the tests: each has servers of its own.
_TEMPLATE = "migrated"
_numbers = count(1)
_BEGAN = pytest.StashKey[float]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest where several processes share the tests."""
    if hasattr(config, "workerinput"):
        from tests.shares import rank

        items.sort(key=lambda item: rank(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """Return what shares the tests out, unless `--dist` asks for another way."""
    if config.getoption("dist") != "load":
        return None
    from tests.shares import Shares

    config.option.loadscopereorder = False
    return Shares(config, log)


def pictures_folder(config: pytest.Config) -> Path:
    """Return the folder in which the tests leave pictures of pages: TCPDASH_TEST_PICTURES, or build/pictures."""
    return Path(os.environ.get("TCPDASH_TEST_PICTURES") or config.rootpath / "build" / "pictures")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Note when the run began."""
    session.config.stash[_BEGAN] = time.time()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say where pictures were left."""
    folder = pictures_folder(config)
    made = [each for each in folder.glob("*.png") if each.stat().st_mtime >= config.stash[_BEGAN]]
    if made:
        terminalreporter.write_line(f"{len(made)} pictures of pages: {folder}")


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Return a running PostgreSQL that gives up crash safety for speed."""
    server = PostgresServer(tmp_path_factory.mktemp("postgres") / "data", durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def template_database(postgres_server: PostgresServer) -> str:
    """Return the name of a database with the newest schema and no rows."""
    from db import schema

    _administrate(postgres_server, f'create database "{_TEMPLATE}"')
    schema.upgrade(_url(postgres_server, _TEMPLATE))
    return _TEMPLATE


@pytest.fixture
def empty_database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """Return the address of a database without any schema."""
    with copy_of("template1", postgres_server) as url:
        yield url


@pytest.fixture
def database_url(postgres_server: PostgresServer, template_database: str) -> Iterator[str]:
    """Return the address of a fresh database with the newest schema."""
    with copy_of(template_database, postgres_server) as url:
        yield url


@pytest.fixture
def plain_engine(database_url: str) -> Iterator[sa.Engine]:
    """Return an engine on a fresh database of the embedded server."""
    from db.engine import create_engine

    engine = create_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(plain_engine: sa.Engine) -> sa.Engine:
    """Return an engine on a fresh database; the tests of repositories have another one, for two servers."""
    return plain_engine


@pytest.fixture
def database(engine: sa.Engine):
    """Return DatabaseOperations on a fresh database."""
    from db.operations import DatabaseOperations

    return DatabaseOperations(engine)


@pytest.fixture(scope="session")
def timescale_server() -> Iterator[sa.Engine]:
    """Return an engine on a TimescaleDB with the newest schema; its rows are those of the test before."""
    from db.engine import create_engine
    from tests.timescale.server import timescale_url

    with timescale_url() as url:
        engine = create_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def timescale_engine(timescale_server: sa.Engine) -> sa.Engine:
    """Return an engine on an empty TimescaleDB."""
    from tests.timescale.server import empty

    empty(timescale_server)
    return timescale_server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Return a running Redis-compatible server that keeps nothing on disk."""
    server = RedisServer(tmp_path_factory.mktemp("redis") / "data", durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """Return the address of an empty Redis-compatible server."""
    from redis import Redis

    with Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@contextmanager
def copy_of(template: str, server: PostgresServer) -> Iterator[str]:
    """Yield the address of a copy of a database to which nobody is connected."""
    name = f"test_{next(_numbers)}"
    # Where crash safety is given up, to copy files is half the work of the default, to copy pages.
    _administrate(server, f'create database "{name}" template "{template}" strategy file_copy')
    yield _url(server, name)
    _administrate(server, f'drop database "{name}" with (force)')


def _url(server: PostgresServer, database: str) -> str:
    return f"{server.url.rpartition('/')[0]}/{database}"


def _administrate(server: PostgresServer, statement: str) -> None:
    connection = psycopg2.connect(host="127.0.0.1", port=server.port, user="app", dbname="postgres")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()
