"""A second database on the server of the first."""

import pytest
import sqlalchemy as sa

from db.databases import ensure_database
from db.engine import create_engine
from market.errors import StoreError, StoreUnreachable

pytestmark = pytest.mark.postgres


@pytest.fixture
def name(database_url: str, engine: sa.Engine):
    """Return a name that no database has, and remove what got it."""
    name = f"{sa.make_url(database_url).database}_second"
    yield name
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f'drop database if exists "{name}" with (force)'))


def test_it_is_made_once_and_kept(database_url: str, name: str):
    url = ensure_database(database_url, name)
    second = create_engine(url)
    with second.begin() as connection:
        connection.execute(sa.text("create table kept (number int)"))
    again = ensure_database(database_url, name)
    with second.connect() as connection:
        found = connection.scalar(sa.text("select count(*) from kept"))
    second.dispose()

    assert (url, found) == (again, 0)
    assert sa.make_url(url).database == name


def test_who_may_not_make_it_is_told_what_to_do(database_url: str, name: str, engine: sa.Engine):
    with engine.begin() as connection:
        connection.execute(sa.text("drop role if exists guest"))
        connection.execute(sa.text("create role guest login"))
    guest = sa.make_url(database_url).set(username="guest").render_as_string(hide_password=False)
    try:
        with pytest.raises(StoreError, match=r"'guest' may not make it .*TCPDASH_FLOWS__DATABASE_URL"):
            ensure_database(guest, name)
    finally:
        with engine.begin() as connection:
            connection.execute(sa.text("drop role guest"))


def test_without_a_server_that_is_said(name: str):
    with pytest.raises(StoreUnreachable):
        ensure_database("postgresql+psycopg2://app@127.0.0.1:1/app", name)
