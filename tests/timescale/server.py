"""A real TimescaleDB for the tests: the server named in TCPDASH_TEST_TIMESCALE_URL, or the WebAssembly build behind a bridge."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import IO

import psycopg2
import pytest
import sqlalchemy as sa

from db import schema
from db.child import free_port
from db.engine import create_engine
from db.storage import storage_of
from db.tables import metadata
from db.wider import ROLLUPS, relation_of

HERE = Path(__file__).parent
NAMED = "TCPDASH_TEST_TIMESCALE_URL"
_DATABASE = "tcpdash_test"
_numbers = count(1)  # one for all tests that only write rows, and one for each that changes the schema


@contextmanager
def timescale_url() -> Iterator[str]:
    """Yield the address of a database with TimescaleDB and the newest schema; skip the test where none can be had."""
    named = os.environ.get(NAMED)
    with _own_database(named) if named else bridge() as url:
        schema.upgrade(url)
        _make_sure_of_timescale(url, named)
        yield url


def _make_sure_of_timescale(url: str, named: str | None) -> None:
    engine = create_engine(url)
    with engine.connect() as connection:
        kind = storage_of(connection).name
    engine.dispose()
    if kind != "timescale":
        raise RuntimeError(
            f"{NAMED if named else 'the bridge'} has no TimescaleDB with continuous aggregates; is its licence `timescale`?"
        )


def is_shared(engine: sa.Engine) -> bool:
    """Return whether all connections have one backend, so that nothing can be tried at once."""
    with engine.connect() as connection:
        first = connection.scalar(sa.text("select pg_backend_pid()"))
        connection.commit()
        with engine.connect() as other:
            return bool(other.scalar(sa.text("select pg_backend_pid()")) == first)


def skip_if_shared(engine: sa.Engine) -> None:
    """Skip a test that does two things at once where the server cannot."""
    if is_shared(engine):
        pytest.skip(f"all connections of the WebAssembly build have one backend; name another TimescaleDB in {NAMED}")


def empty(engine: sa.Engine) -> None:
    """Remove all rows."""
    with engine.begin() as connection:
        tables = [*metadata.tables, *map(relation_of, reversed(ROLLUPS))]
        for table in tables:
            connection.exec_driver_sql(f"truncate {table} cascade")


@contextmanager
def _own_database(url: str) -> Iterator[str]:
    name = f"{_DATABASE}_{os.getpid()}_{next(_numbers)}"
    address = sa.make_url(url)
    try:
        _administrate(address, f'create database "{name}"')
    except psycopg2.Error as error:
        raise RuntimeError(f"{NAMED}: {str(error).strip()}; name a user who may make databases") from error
    try:
        own = address.set(database=name)
        try:
            _administrate(own, "create extension if not exists timescaledb")
        except psycopg2.Error as error:
            raise RuntimeError(f"{NAMED}: {str(error).strip()}; name a server with TimescaleDB") from error
        yield own.render_as_string(hide_password=False)
    finally:
        _administrate(address, f'drop database "{name}" with (force)')


def _administrate(address: sa.URL, statement: str) -> None:
    plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(psycopg2.connect(plain)) as connection:
        connection.autocommit = True
        connection.cursor().execute(statement)


@contextmanager
def bridge(extension: str = "installed") -> Iterator[str]:
    """Yield the address of the WebAssembly build, on which TimescaleDB is installed or only offered; skip where there is none."""
    node = shutil.which("node")
    if node is None or not (HERE / "node_modules").is_dir():
        pytest.skip("no TimescaleDB: Node.js and `npm ci --prefix tests/timescale` are needed, or a server in " + NAMED)
    port = free_port()
    process = subprocess.Popen([node, HERE / "bridge.mjs", str(port), extension], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        _wait_until_ready(process.stdout)
        yield f"postgresql+psycopg2://postgres:postgres@127.0.0.1:{port}/postgres?sslmode=disable"
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()


def _wait_until_ready(output: IO[str]) -> None:
    if output.readline().strip() != "ready":
        raise RuntimeError("the bridge to TimescaleDB did not start; its reason is above")
