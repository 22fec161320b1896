"""The contract of the repositories holds on both kinds of server."""

import pytest
import sqlalchemy as sa

from db.operations import DatabaseOperations


@pytest.fixture(params=["plain", pytest.param("timescale", marks=pytest.mark.timescale)])
def engine(request: pytest.FixtureRequest) -> sa.Engine:
    """Return an engine on an empty database: on the embedded server, and on a TimescaleDB."""
    found: sa.Engine = request.getfixturevalue("plain_engine" if request.param == "plain" else "timescale_engine")
    return found


@pytest.fixture
def database(engine: sa.Engine) -> DatabaseOperations:
    """Return DatabaseOperations on it."""
    return DatabaseOperations(engine)
