"""A bot as a row: what is read of it, its lock, how it becomes a value, and what an unknown one is called."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from db.bot_rows import StoredBot
from db.tables import bots
from market.clock import from_datetime
from market.errors import InputError, did_you_mean

CLOCK: sa.ColumnElement[Any] = sa.func.clock_timestamp()
"""Now, by the clock of the database; not the begin of the transaction, which may have waited for a lock."""

_HAS_LEASE = "coalesce(bots.lease_until > clock_timestamp(), false)"

STANDSTILL_SECONDS = 10.0
"""So long a transaction that has bots locked may do nothing; less than a lease, so that others can take these bots."""

HAS_LEASE: sa.ColumnElement[bool] = sa.literal_column(_HAS_LEASE, sa.Boolean)
"""Whether a runner has a bot."""

# A runner that died after the wish cannot say that it stopped.
_STATE = sa.literal_column(f"case when bots.wanted = 'stopped' and not {_HAS_LEASE} then 'stopped' else bots.state end", sa.Text)
_MOMENTS = {
    "config_at": "config_us", "state_at": "state_us", "acted_until": "acted_until_us", "lease_until": "lease_until_us",
    "heartbeat_at": "heartbeat_us", "retry_at": "retry_us", "created_at": "created_us",
}  # fmt: skip
_UNREAD = ("account", "wanted_at")
_READ = [_STATE.label("state") if column.name == "state" else column for column in bots.c if column.name not in _UNREAD]


def read(connection: sa.Connection, *where: sa.ColumnElement[bool], accounts: bool) -> list[StoredBot]:
    """Return the bots for which something is true, in the order of their ids."""
    rows = connection.execute(sa.select(*columns(accounts=accounts)).where(*where).order_by(bots.c.id)).mappings()
    return [stored(dict(row)) for row in rows]


def columns(*, accounts: bool) -> list[sa.ColumnElement[Any]]:
    """Return what is read of a bot, for `stored`."""
    return [*_READ, bots.c.account] if accounts else [*_READ]


def end_standstill(connection: sa.Connection) -> None:
    """Let the server end this transaction when its process does nothing for some seconds: it is frozen, or its machine is gone.

    Else bots that are locked could neither be stopped nor taken over before it wakes up.
    """
    most = str(round(STANDSTILL_SECONDS * 1000))
    connection.execute(sa.select(sa.func.set_config("idle_in_transaction_session_timeout", most, True)))


def lock(connection: sa.Connection, *where: sa.ColumnElement[bool]) -> dict[str, sa.RowMapping]:
    """Keep others from changing bots until the end of the transaction, and return those, without accounts, as they are then.

    All who change several bots lock them here, in the order of their ids: nobody can wait for another in a circle.
    """
    end_standstill(connection)
    own = [column for column in bots.c if column.name != "account"]
    query = sa.select(*own, HAS_LEASE.label("has_lease")).where(*where).order_by(bots.c.id)
    return {row["id"]: row for row in connection.execute(query.with_for_update(key_share=True)).mappings()}


def is_one(ids: Iterable[str]) -> sa.ColumnElement[bool]:
    """Return whether a bot is one of these."""
    return bots.c.id == sa.any_(sa.cast([*ids], sa.ARRAY(sa.Text)))


def known(connection: sa.Connection, ids: Iterable[str]) -> Sequence[str]:
    """Return ids as they are, without those given twice, in their order.

    Raises:
        InputError: If one is of no bot.
    """
    wanted = list(dict.fromkeys(ids))
    found = set(connection.scalars(sa.select(bots.c.id).where(is_one(wanted))))
    for one in wanted:
        if one not in found:
            raise unknown(connection, one)
    return wanted


def unknown(connection: sa.Connection, bot: str) -> InputError:
    """Return the error that says that there is no such bot."""
    ids = list(connection.scalars(sa.select(bots.c.id).order_by(bots.c.id)))
    hint = did_you_mean(bot, ids) or ("" if ids else "; there is none yet, each is a file of config/bots")
    return InputError(f"bot {bot!r} is not known{hint}")


def stored(row: Mapping[str, Any]) -> StoredBot:
    """Return a row of these columns as a value."""
    values = {_MOMENTS.get(name, name): value for name, value in row.items()}
    for name in _MOMENTS.values():
        values[name] = None if values[name] is None else from_datetime(values[name])
    return StoredBot(**values)
