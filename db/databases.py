"""A second database on the server that keeps the candles, for a program that has tables of its own."""

import sqlalchemy as sa

from db.engine import create_engine, reachable
from market.errors import StoreError


def ensure_database(url: str, name: str) -> str:
    """Make a database beside another one where it is missing; return its address.

    Args:
        url: Of a database on that server.
        name: Of the second one.

    Raises:
        StoreUnreachable: If the server does not answer.
        StoreError: If it does not let this user make databases.
    """
    engine = create_engine(url)
    try:
        with reachable(engine), engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if connection.scalar(sa.text("select 1 from pg_database where datname = :name"), {"name": name}) is None:
                _make(connection, name)
    finally:
        engine.dispose()
    return engine.url.set(database=name).render_as_string(hide_password=False)


def _make(connection: sa.Connection, name: str) -> None:
    try:
        connection.execute(sa.text(f'create database "{name}"'))
    except sa.exc.ProgrammingError as error:
        user = connection.engine.url.username
        raise StoreError(
            f"the database {name!r} is missing, and {user!r} may not make it ({str(error.orig).strip()}); "
            f'make it (create database "{name}" owner "{user}"), or name another one with TCPDASH_FLOWS__DATABASE_URL'
        ) from error
