"""Connections to PostgreSQL: how they are made, what a transaction is, and which failures are worth another try."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import msgspec
import psycopg2
import sqlalchemy as sa
from sqlalchemy import event

from db.patience import connect_arguments, settings_of
from db.store import Store
from market.errors import StoreBusy, StoreError, StoreUnreachable

CONNECT_SECONDS = 5

# https://www.postgresql.org/docs/current/errcodes-appendix.html: what time or an administrator mends. Class 08 breaks a
# connection, 53 is a lack of disk, memory or connections, 58 a failing system; then serialization, deadlock, lock, read-only
# (a failover), cancelled, time-outs, shut down, after a crash, not yet up.
_PASSING_CLASSES = ("08", "53", "58")
_PASSING_CODES = {"40001", "40P01", "55P03", "25006", "25P03", "57014", "57P01", "57P02", "57P03", "57P05"}
# A connection whose other end vanished is given up after about 15 seconds instead of the system's quarter of an hour.
_KEEP_ALIVE = {"keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 15_000}
_FORBIDDEN = {"42501"}  # insufficient privilege
# A refused login carries no code, only a text.
_REFUSALS = ("authentication failed", "no pg_hba.conf entry", "does not exist", "no password supplied", "permission denied")


def create_engine(url: str, *, application_name: str = "tcpdash", limit_seconds: float | None = None) -> sa.Engine:
    """Return an engine with a small pool; nothing is connected yet.

    Args:
        url: `postgresql+psycopg2://user:password@host:port/database`.
        application_name: What `pg_stat_activity` shows.
        limit_seconds: A statement that takes longer is given up, see `db.patience`; None to wait for as long as it takes.

    Raises:
        StoreError: If the address is none.
    """
    try:
        address = sa.make_url(url)
    except (ValueError, sa.exc.ArgumentError) as error:
        raise StoreError(
            "the address of the database is none; expected postgresql+psycopg2://user:password@host:5432/name"
        ) from error
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg2")  # SQLAlchemy 2.1 would take another driver
    own = {} if limit_seconds is None else connect_arguments(limit_seconds)
    engine = sa.create_engine(
        address,
        pool_pre_ping=True,
        pool_size=3,
        max_overflow=5,
        connect_args={"connect_timeout": CONNECT_SECONDS, "application_name": application_name, **_KEEP_ALIVE, **own},
        json_serializer=lambda value: msgspec.json.encode(value).decode(),
        json_deserializer=msgspec.json.decode,
    )
    event.listen(engine, "connect", partial(_prepare, {} if limit_seconds is None else settings_of(limit_seconds)))
    return engine


@contextmanager
def transaction(engine: sa.Engine) -> Iterator[Store]:
    """Yield all repositories on one connection; commit on a clean exit, roll back on an exception.

    Raises:
        StoreUnreachable: If PostgreSQL does not answer, or stops answering.
    """
    with reachable(engine), engine.begin() as connection:
        yield Store(connection)


@contextmanager
def reachable(engine: sa.Engine) -> Iterator[None]:
    """Report a lost or refused connection inside the block as an error fit for a person, and what else time mends.

    Raises:
        StoreUnreachable: If PostgreSQL does not answer, or stops answering.
        StoreBusy: If it cannot do it just now: a deadlock, a full disk, a lock or a statement that took too long, no connection
            left in the pool.
        StoreError: If it refuses the user, the password, the database or what the user wants of it.
    """
    try:
        yield
    except sa.exc.TimeoutError as error:
        raise StoreBusy(f"all connections to PostgreSQL of this process are in use ({error}); try again") from error
    except (sa.exc.DBAPIError, psycopg2.Error) as error:
        cause = _driver_error(error)
        where, reason = engine.url.render_as_string(hide_password=True), " ".join(str(cause).split()) or "connection lost"
        if getattr(cause, "pgcode", None) in _FORBIDDEN:
            raise StoreError(
                f"PostgreSQL at {where} does not allow this ({reason}); give {engine.url.username!r} the right to"
            ) from error
        if not _is_connection_failure(cause):
            if is_transient(cause):
                raise StoreBusy(f"PostgreSQL at {where} gave up ({reason}); try again, or change what limits it") from error
            raise
        if any(text in reason for text in _REFUSALS):
            raise StoreError(f"PostgreSQL refused {where} ({reason}); check user, password and database in the address") from error
        raise StoreUnreachable(
            f"PostgreSQL does not answer at {where} ({reason}); check that it runs (`tcpdash doctor`) and that the address is right"
        ) from error


def is_transient(error: BaseException) -> bool:
    """Return whether the same transaction may succeed when it is tried again."""
    if isinstance(error, StoreUnreachable | sa.exc.TimeoutError):  # the latter: the pool is empty
        return True
    cause = _driver_error(error)
    code = getattr(cause, "pgcode", None)
    if code is not None:
        return code in _PASSING_CODES or code.startswith(_PASSING_CLASSES)
    return _is_connection_failure(cause) and not any(text in str(cause) for text in _REFUSALS)


def _is_connection_failure(cause: BaseException) -> bool:
    if not isinstance(cause, psycopg2.OperationalError | psycopg2.InterfaceError | psycopg2.DatabaseError):
        return False
    code = cause.pgcode
    if code is not None:
        return code.startswith("08") or code in {"25P03", "53300", "57P01", "57P02", "57P03", "57P05"}
    # Without a code it did not come from the server: the connection is gone. A bare DatabaseError is how libpq reports a
    # COPY that broke off.
    return type(cause) in {psycopg2.OperationalError, psycopg2.InterfaceError, psycopg2.DatabaseError}


def _driver_error(error: BaseException) -> BaseException:
    """Return what psycopg2 raised, whether SQLAlchemy wrapped it or not."""
    return error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig is not None else error


def _prepare(limits: Mapping[str, int], connection: Any, _record: object) -> None:
    # As a statement and not as a startup option: poolers and the WASM server of the tests refuse those.
    with connection.cursor() as cursor:
        cursor.execute("set timezone = 'UTC'")
        for name, milliseconds in limits.items():
            cursor.execute(f"set {name} = {milliseconds:d}")
    connection.commit()
