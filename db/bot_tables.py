"""What is kept of paper bots: what is wanted and what is, their accounts, and each signal, order, execution, posting and event."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSON

from db.columns import amount, metadata, moment

# JSON as text, not JSONB: that would sort the keys, make 1e16 a whole number and -0.0 a 0.0.
_JSON = JSON(none_as_null=True)


def _of_bot(key: str | None) -> list[sa.Column[Any]]:
    """Return the columns of what a bot writes: whose it is, of which account, and under which lease it was written."""
    owner = [] if key is None else [sa.ForeignKey("bots.id", ondelete="cascade", name=key)]
    return [
        sa.Column("bot", sa.Text, *owner, nullable=False),
        sa.Column("run", sa.Integer, nullable=False, comment="Accounts of a bot, from 1; one ends when the bot is reset."),
        sa.Column("epoch", sa.BigInteger, nullable=False, comment="Of the lease under which it was written."),
    ]


bot_epochs = sa.Sequence("bot_epochs", metadata=metadata)
"""Where lease epochs come from: no two leases of any bots have the same."""

# Without an index of leases: rows of which no indexed column changes are renewed in place, and all bots fit into a few pages.
bots = sa.Table(
    "bots",
    metadata,
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("config", _JSON, nullable=False, comment="As the file said it last when it could be used."),
    sa.Column("config_digest", sa.Text, nullable=False),
    sa.Column("config_file", sa.Text, nullable=False),
    moment("config_at", now=True),
    sa.Column("problem", sa.Text, comment="Why the file cannot be used as it is now; the last one that could be is in config."),
    sa.Column("wanted", sa.Text, nullable=False, server_default="stopped", comment="The wish: running or stopped."),
    sa.Column("from_now", sa.Boolean, nullable=False, server_default="false", comment="The start skips what was missed."),
    moment("wanted_at", now=True),
    sa.Column("state", sa.Text, nullable=False, server_default="stopped"),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    moment("state_at", now=True),
    sa.Column("run", sa.Integer, nullable=False, server_default="1"),
    moment("acted_until", nullable=True),
    sa.Column("account", _JSON, comment="All that an account needs to go on; see trading.bots.account."),
    amount("equity", nullable=True),
    amount("cash", nullable=True),
    sa.Column("exposure", _JSON, comment="Value of what is held, by symbol, in the quote currency."),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_epoch", sa.BigInteger, nullable=False, server_default="0"),
    moment("lease_until", nullable=True),
    moment("heartbeat_at", nullable=True),
    moment("retry_at", nullable=True),
    moment("created_at", now=True),
    sa.PrimaryKeyConstraint("id", name="bots_key"),
    sa.CheckConstraint("id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'", name="bots_id"),
    sa.CheckConstraint("wanted in ('running', 'stopped')", name="bots_wanted"),
    sa.CheckConstraint(
        "state in ('stopped', 'starting', 'catching-up', 'running', 'waiting', 'crashed', 'parked')", name="bots_state"
    ),
    comment="Paper bots: what is wanted of each, what it does, and the account that it goes on with.",
)

bot_signals = sa.Table(
    "signals",
    metadata,
    *_of_bot("signals_of"),
    sa.Column("symbol", sa.Text, nullable=False),
    moment("timestamp"),
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
    moment("written_at", now=True),
    sa.PrimaryKeyConstraint("bot", "run", "timestamp", "symbol", name="signals_key"),
    sa.CheckConstraint("action in ('buy', 'sell', 'hold', 'refused')", name="signals_action"),
    sa.Index("signals_by_time", "timestamp", postgresql_using="brin"),
    comment="What strategies of bots said after each candle, acted on or not; timestamp is the close.",
)

bot_orders = sa.Table(
    "orders",
    metadata,
    *_of_bot("orders_of"),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("symbol", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("side", sa.Text, nullable=False),
    sa.Column("target", sa.Double, comment="The position that it works towards, a fraction of what the sizing allows."),
    amount("price", nullable=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    amount("filled"),
    amount("value"),
    moment("made_at"),
    moment("ended_at", nullable=True),
    sa.Column("caught_up", sa.Boolean, nullable=False),
    moment("written_at", now=True),
    sa.PrimaryKeyConstraint("bot", "run", "number", name="orders_key"),
    sa.CheckConstraint("kind in ('market', 'limit', 'stop', 'take-profit', 'trailing-stop')", name="orders_kind"),
    sa.CheckConstraint("side in ('buy', 'sell')", name="orders_side"),
    sa.CheckConstraint("state in ('working', 'filled', 'cancelled', 'refused')", name="orders_state"),
    comment="Orders of bots; times are those of the market. What is filled of one is in trades.",
)

bot_trades = sa.Table(
    "trades",
    metadata,
    *_of_bot("trades_of"),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("order", sa.BigInteger, nullable=False),
    sa.Column("symbol", sa.Text, nullable=False),
    moment("timestamp"),
    sa.Column("side", sa.Text, nullable=False),
    amount("price"),
    amount("size"),
    amount("value"),
    amount("fee"),
    amount("profit", nullable=True),
    amount("position"),
    amount("cash"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False, comment="Of the minute inside which it was filled."),
    sa.Column("caught_up", sa.Boolean, nullable=False, comment="Whether newer candles were there when it was filled."),
    moment("written_at", now=True),
    sa.PrimaryKeyConstraint("bot", "run", "number", name="trades_key"),
    sa.CheckConstraint("side in ('buy', 'sell')", name="trades_side"),
    sa.CheckConstraint("price >= 0 and size > 0", name="trades_positive"),
    sa.Index("trades_by_time", "bot", "timestamp"),
    comment="Virtual executions; timestamp is the close of the minute inside which one was filled.",
)

bot_postings = sa.Table(
    "postings",
    metadata,
    *_of_bot("postings_of"),
    sa.Column("entry", sa.BigInteger, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    amount("amount"),
    sa.Column("trade", sa.BigInteger, comment="Of which execution; null for the first, the capital."),
    moment("timestamp"),
    sa.PrimaryKeyConstraint("bot", "run", "entry", "account", name="postings_key"),
    comment="The ledger, double entry in the quote currency: the postings of an entry add up to 0.",
)

# Without a foreign key: to make a partition of a table that has one, the server locks `bots` against all who write to it.
bot_performance = sa.Table(
    "bot_performance",
    metadata,
    *_of_bot(None),
    moment("timestamp"),
    amount("equity"),
    amount("cash"),
    amount("exposure"),
    amount("fees"),
    amount("profit"),
    sa.Column("drawdown", sa.Double, nullable=False, comment="Fall from the highest equity, a fraction of it."),
    sa.PrimaryKeyConstraint("bot", "run", "timestamp", name="bot_performance_key"),
    comment="What accounts of bots were worth at closes and after executions; in the quote currency. Split by month.",
    postgresql_partition_by="range (timestamp)",
)

bot_events = sa.Table(
    "bot_events",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
    sa.Column("bot", sa.Text, sa.ForeignKey("bots.id", ondelete="cascade", name="bot_events_of")),
    sa.Column("epoch", sa.BigInteger, nullable=False, comment="Of the lease under which it was written, 0 without one."),
    moment("at", now=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("details", _JSON, nullable=False),
    sa.PrimaryKeyConstraint("id", name="bot_events_key"),
    sa.Index("bot_events_by_bot", "bot", "id"),
    sa.Index("bot_events_by_kind", "kind", "at"),
    comment="What happened to bots, and what was done about it.",
)
