"""The revision of the schema: which one the database has, which one the program needs, and the way from one to the other."""

from pathlib import Path

import sqlalchemy as sa

from db import timescale
from db.engine import create_engine, reachable
from market.errors import SchemaError

_MIGRATIONS = Path(__file__).with_name("migrations")
# Any number that nobody else uses as an advisory lock of this database.
_LOCK = 7_226_411_900
# Something of that name is there already: a table, a function, an index or a type.
_IN_THE_WAY = {"42P07", "42723", "42710"}
_NO_TABLE = "42P01"


def upgrade(url: str) -> None:
    """Bring a database to the newest revision; of several processes one does it and the others wait.

    Raises:
        StoreUnreachable: If the database does not answer.
        StoreError: If the user may not make tables.
        SchemaError: If a newer program, or another one, has made its schema or has tables in the way.
    """
    engine = create_engine(url, application_name="tcpdash-upgrade")
    try:
        with reachable(engine), engine.connect() as connection:
            connection.execute(sa.text("select pg_advisory_lock(:lock)"), {"lock": _LOCK})
            connection.commit()
            found = _revision(connection)
            if found is not None and (found > head() or not _is_ours(found)):
                raise _mismatch(found)
            if found is None:
                timescale.is_available(connection)  # what has to be mended is said before anything is made
            if found != head():
                connection.rollback()
                _migrate(connection)
    finally:
        engine.dispose()  # closes the connection, and with it gives the lock back


def current(engine: sa.Engine) -> str | None:
    """Return the revision of the database, with one statement; None when it has no schema yet."""
    with reachable(engine), engine.connect() as connection:
        try:
            return _told(connection)
        except sa.exc.ProgrammingError as error:
            if getattr(error.orig, "pgcode", None) != _NO_TABLE:
                raise
            return None


def head() -> str:
    """Return the newest revision this program knows; a file of a migration begins with it."""
    return max(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def check(engine: sa.Engine) -> None:
    """Make sure that the database has the schema this program needs.

    Raises:
        SchemaError: If it has another one.
    """
    found = current(engine)
    if found != head():
        raise _mismatch(found)


def _is_ours(revision: str) -> bool:
    return revision.isdecimal() and len(revision) == len(head())


def _mismatch(found: str | None) -> SchemaError:
    if found is not None and not _is_ours(found):
        return SchemaError(
            f"the database has the schema of another program (alembic revision {found}); name a database of its own for this one"
        )
    if found is not None and found > head():
        return SchemaError(
            f"the database has schema revision {found}, this program knows {head()} at most; install the newer program"
        )
    return SchemaError(f"the database has schema revision {found or 'none'}, this program needs {head()}; run `tcpdash db upgrade`")


def _revision(connection: sa.Connection) -> str | None:
    if connection.scalar(sa.text("select to_regclass('alembic_version')")) is None:
        return None
    return _told(connection)


def _told(connection: sa.Connection) -> str | None:
    found = connection.scalar(sa.text("select version_num from alembic_version"))
    return None if found is None else str(found)


def _migrate(connection: sa.Connection) -> None:
    from alembic import command  # noqa: PLC0415 - slow to import, and never needed on the path of the data
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except sa.exc.ProgrammingError as error:
        if getattr(error.orig, "pgcode", None) not in _IN_THE_WAY:
            raise
        reason = str(error.orig).strip()
        connection.rollback()
        found = _revision(connection) or "none"
        raise SchemaError(
            f"the schema could not be made ({reason}), and is at revision {found}; what is in the way is not of this program:"
            " name a database of its own, or rename it"
        ) from error
    connection.commit()
