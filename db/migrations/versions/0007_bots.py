"""Paper bots: what is wanted of each and what it does, and each signal, order, execution, posting, performance and event."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSON, TIMESTAMP

from db import timescale
from db.storage import storage_of

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_JSON = JSON(none_as_null=True)
TABLES = ("bot_events", "bot_performance", "postings", "trades", "orders", "signals", "bots")


def upgrade() -> None:
    op.execute("create sequence bot_epochs")
    _bots()
    _signals()
    _orders()
    _trades()
    _postings()
    _performance()
    _events()


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.execute("drop sequence bot_epochs")


def _bots() -> None:
    op.create_table(
        "bots",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("config", _JSON, nullable=False, comment="As the file said it last when it could be used."),
        sa.Column("config_digest", sa.Text, nullable=False),
        sa.Column("config_file", sa.Text, nullable=False),
        _moment("config_at", now=True),
        sa.Column("problem", sa.Text, comment="Why the file cannot be used as it is now; the last one that could be is in config."),
        sa.Column("wanted", sa.Text, nullable=False, server_default="stopped", comment="The wish: running or stopped."),
        sa.Column("from_now", sa.Boolean, nullable=False, server_default="false", comment="The start skips what was missed."),
        _moment("wanted_at", now=True),
        sa.Column("state", sa.Text, nullable=False, server_default="stopped"),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        _moment("state_at", now=True),
        sa.Column("run", sa.Integer, nullable=False, server_default="1"),
        _moment("acted_until", nullable=True),
        sa.Column("account", _JSON, comment="All that an account needs to go on; see trading.bots.account."),
        _amount("equity", nullable=True),
        _amount("cash", nullable=True),
        sa.Column("exposure", _JSON, comment="Value of what is held, by symbol, in the quote currency."),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_epoch", sa.BigInteger, nullable=False, server_default="0"),
        _moment("lease_until", nullable=True),
        _moment("heartbeat_at", nullable=True),
        _moment("retry_at", nullable=True),
        _moment("created_at", now=True),
        sa.PrimaryKeyConstraint("id", name="bots_key"),
        sa.CheckConstraint("id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'", name="bots_id"),
        sa.CheckConstraint("wanted in ('running', 'stopped')", name="bots_wanted"),
        sa.CheckConstraint(
            "state in ('stopped', 'starting', 'catching-up', 'running', 'waiting', 'crashed', 'parked')", name="bots_state"
        ),
        comment="Paper bots: what is wanted of each, what it does, and the account that it goes on with.",
    )


def _signals() -> None:
    op.create_table(
        "signals",
        *_of_bot("signals_of"),
        sa.Column("symbol", sa.Text, nullable=False),
        _moment("timestamp"),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("confidence", sa.Double),
        sa.Column("target", sa.Double),
        sa.Column("price", sa.Double),
        sa.Column("indicators", _JSON, nullable=False),
        sa.Column("reason", sa.Text, nullable=False, comment="What the strategy says."),
        sa.Column("acted", sa.Boolean, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False, comment="What became of it, and why nothing where nothing did."),
        sa.Column("revision", sa.Integer, nullable=False, comment="Sum of the revisions of the minutes of its candle."),
        sa.Column("caught_up", sa.Boolean, nullable=False, comment="Whether newer candles were there when it was acted on."),
        _moment("written_at", now=True),
        sa.PrimaryKeyConstraint("bot", "run", "timestamp", "symbol", name="signals_key"),
        sa.CheckConstraint("action in ('buy', 'sell', 'hold', 'refused')", name="signals_action"),
        comment="What strategies of bots said after each candle, acted on or not; timestamp is the close.",
    )
    op.create_index("signals_by_time", "signals", ["timestamp"], postgresql_using="brin")


def _orders() -> None:
    op.create_table(
        "orders",
        *_of_bot("orders_of"),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("target", sa.Double, comment="The position that it works towards, a fraction of what the sizing allows."),
        _amount("price", nullable=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        _amount("filled"),
        _amount("value"),
        _moment("made_at"),
        _moment("ended_at", nullable=True),
        sa.Column("caught_up", sa.Boolean, nullable=False),
        _moment("written_at", now=True),
        sa.PrimaryKeyConstraint("bot", "run", "number", name="orders_key"),
        sa.CheckConstraint("kind in ('market', 'limit', 'stop', 'take-profit', 'trailing-stop')", name="orders_kind"),
        sa.CheckConstraint("side in ('buy', 'sell')", name="orders_side"),
        sa.CheckConstraint("state in ('working', 'filled', 'cancelled', 'refused')", name="orders_state"),
        comment="Orders of bots; times are those of the market. What is filled of one is in trades.",
    )


def _trades() -> None:
    op.create_table(
        "trades",
        *_of_bot("trades_of"),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("order", sa.BigInteger, nullable=False),
        sa.Column("symbol", sa.Text, nullable=False),
        _moment("timestamp"),
        sa.Column("side", sa.Text, nullable=False),
        _amount("price"),
        _amount("size"),
        _amount("value"),
        _amount("fee"),
        _amount("profit", nullable=True),
        _amount("position"),
        _amount("cash"),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False, comment="Of the minute inside which it was filled."),
        sa.Column("caught_up", sa.Boolean, nullable=False, comment="Whether newer candles were there when it was filled."),
        _moment("written_at", now=True),
        sa.PrimaryKeyConstraint("bot", "run", "number", name="trades_key"),
        sa.CheckConstraint("side in ('buy', 'sell')", name="trades_side"),
        sa.CheckConstraint("price >= 0 and size > 0", name="trades_positive"),
        comment="Virtual executions; timestamp is the close of the minute inside which one was filled.",
    )
    op.create_index("trades_by_time", "trades", ["bot", "timestamp"])


def _postings() -> None:
    op.create_table(
        "postings",
        *_of_bot("postings_of"),
        sa.Column("entry", sa.BigInteger, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        _amount("amount"),
        sa.Column("trade", sa.BigInteger, comment="Of which execution; null for the first, the capital."),
        _moment("timestamp"),
        sa.PrimaryKeyConstraint("bot", "run", "entry", "account", name="postings_key"),
        comment="The ledger, double entry in the quote currency: the postings of an entry add up to 0.",
    )


def _performance() -> None:
    op.create_table(
        "bot_performance",
        *_of_bot(None),
        _moment("timestamp"),
        _amount("equity"),
        _amount("cash"),
        _amount("exposure"),
        _amount("fees"),
        _amount("profit"),
        sa.Column("drawdown", sa.Double, nullable=False, comment="Fall from the highest equity, a fraction of it."),
        sa.PrimaryKeyConstraint("bot", "run", "timestamp", name="bot_performance_key"),
        comment="What accounts of bots were worth at closes and after executions; in the quote currency. Split by month.",
        postgresql_partition_by="range (timestamp)",
    )
    connection = op.get_bind()
    if storage_of(connection).name == timescale.TimescaleStorage.name:
        timescale.make_hypertable(connection, "bot_performance")


def _events() -> None:
    op.create_table(
        "bot_events",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("bot", sa.Text, sa.ForeignKey("bots.id", ondelete="cascade", name="bot_events_of")),
        sa.Column("epoch", sa.BigInteger, nullable=False, comment="Of the lease under which it was written, 0 without one."),
        _moment("at", now=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("details", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="bot_events_key"),
        comment="What happened to bots, and what was done about it.",
    )
    op.create_index("bot_events_by_bot", "bot_events", ["bot", "id"])
    op.create_index("bot_events_by_kind", "bot_events", ["kind", "at"])


def _of_bot(key: str | None) -> list[sa.Column[Any]]:
    owner = [] if key is None else [sa.ForeignKey("bots.id", ondelete="cascade", name=key)]
    return [
        sa.Column("bot", sa.Text, *owner, nullable=False),
        sa.Column("run", sa.Integer, nullable=False, comment="Accounts of a bot, from 1; one ends when the bot is reset."),
        sa.Column("epoch", sa.BigInteger, nullable=False, comment="Of the lease under which it was written."),
    ]


def _moment(name: str, *, nullable: bool = False, now: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=nullable, server_default=sa.func.now() if now else None)


def _amount(name: str, *, nullable: bool = False) -> sa.Column[Decimal]:
    return sa.Column(name, sa.Numeric(asdecimal=True), nullable=nullable)
