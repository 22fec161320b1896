"""A store without a fault, filled once and copied for each test."""

from collections.abc import Iterator

import pytest

from db.embedded import PostgresServer
from db.engine import create_engine
from db.operations import DatabaseOperations
from tests.conftest import _administrate, _url, copy_of
from tests.history.quality.damage import fill

_TEMPLATE = "whole"


@pytest.fixture(scope="session")
def whole_template(postgres_server: PostgresServer, template_database: str) -> str:
    """Return the name of a database that is filled."""
    _administrate(postgres_server, f'create database "{_TEMPLATE}" template "{template_database}"')
    database = DatabaseOperations(create_engine(_url(postgres_server, _TEMPLATE)))
    fill(database)
    database.close()
    return _TEMPLATE


@pytest.fixture
def whole(postgres_server: PostgresServer, whole_template: str) -> Iterator[DatabaseOperations]:
    """Return a store without a fault."""
    with copy_of(whole_template, postgres_server) as url:
        database = DatabaseOperations(create_engine(url))
        yield database
        database.close()
