"""What is kept of backtests: each run, its trades, and the pieces of a search that are done."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSON

from db.columns import metadata, moment, number

# JSON as text, not JSONB: that would sort the keys, make 1e16 a whole number and -0.0 a 0.0.
_JSON = JSON(none_as_null=True)

backtests = sa.Table(
    "backtests",
    metadata,
    sa.Column("id", sa.Text, nullable=False, comment="32 hex digits of a digest of all that decides the result."),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("parent", sa.Text, comment="Of which backtest it is a part, or is made."),
    sa.Column("state", sa.Text, nullable=False, server_default="running"),
    sa.Column("strategy", sa.Text, nullable=False),
    sa.Column("parameters", _JSON, nullable=False),
    sa.Column("symbols", ARRAY(sa.Text), nullable=False),
    sa.Column("timeframe", sa.Text, nullable=False),
    moment("start"),
    moment("end"),
    sa.Column("settings", _JSON, nullable=False, comment="Rules, balance, listings, holes allowed; of a search its space."),
    sa.Column("fingerprint", sa.Text, nullable=False, comment="Of the candles."),
    sa.Column("code_version", sa.Text, nullable=False),
    sa.Column("seed", sa.BigInteger),
    sa.Column("coverage", _JSON, nullable=False),
    sa.Column("done", sa.BigInteger, nullable=False, server_default="0", comment="Sets of parameters, or windows."),
    sa.Column("total", sa.BigInteger, nullable=False, server_default="0"),
    number("final_value", nullable=True),
    number("total_return", nullable=True),
    sa.Column("metrics", _JSON),
    sa.Column("report", _JSON, comment="What else the document has: curve, months, counts, best sets, windows."),
    sa.Column("error", sa.Text),
    moment("started_at", now=True),
    moment("updated_at", now=True),
    moment("ended_at", nullable=True),
    sa.Column("flow_run", sa.Text, comment="Of Prefect, that last began it; null without one."),
    sa.PrimaryKeyConstraint("id", name="backtests_key"),
    sa.CheckConstraint("id ~ '^[0-9a-f]{32}$'", name="backtests_id"),
    sa.CheckConstraint("kind in ('backtest', 'sweep', 'walk-forward', 'monte-carlo')", name="backtests_kind"),
    sa.CheckConstraint("state in ('running', 'done', 'failed', 'cancelled', 'interrupted')", name="backtests_state"),
    sa.CheckConstraint('start <= "end"', name="backtests_order"),
    sa.CheckConstraint("done >= 0 and total >= 0", name="backtests_progress"),
    sa.Index("backtests_by_time", "started_at", "id"),
    sa.Index("backtests_by_kind", "kind", "started_at"),
    sa.Index("backtests_by_strategy", "strategy", "started_at"),
    sa.Index("backtests_by_parent", "parent"),
    sa.Index("backtests_by_flow_run", "flow_run"),
    comment="Each backtest, sweep, walk-forward and Monte Carlo: what decides its result, how far it is, what came of it.",
)

backtest_trades = sa.Table(
    "backtest_trades",
    metadata,
    sa.Column("backtest", sa.Text, sa.ForeignKey("backtests.id", ondelete="cascade", name="backtest_trades_of"), nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("symbol", sa.Text, nullable=False),
    sa.Column("side", sa.Text, nullable=False),
    moment("entered_at"),
    moment("left_at"),
    sa.Column("bars", sa.BigInteger, nullable=False),
    number("size"),
    number("entry_price"),
    number("exit_price"),
    number("profit"),
    number("return"),
    number("fees"),
    number("value"),
    sa.Column("reason", sa.Text, nullable=False),
    number("best"),
    number("worst"),
    sa.Column("touches_hole", sa.Boolean, nullable=False),
    sa.PrimaryKeyConstraint("backtest", "number", name="backtest_trades_key"),
    sa.CheckConstraint("side in ('long', 'short')", name="backtest_trades_side"),
    sa.CheckConstraint("reason <> ''", name="backtest_trades_reason"),
    sa.CheckConstraint("entered_at <= left_at", name="backtest_trades_order"),
    comment="Round trips of backtests; research is float64, the ledger of bots is not.",
)

backtest_chunks = sa.Table(
    "backtest_chunks",
    metadata,
    sa.Column("backtest", sa.Text, sa.ForeignKey("backtests.id", ondelete="cascade", name="backtest_chunks_of"), nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("sets", sa.BigInteger, nullable=False, comment="Sets of parameters, or windows, that it has."),
    sa.Column("payload", BYTEA, nullable=False),
    sa.PrimaryKeyConstraint("backtest", "number", name="backtest_chunks_key"),
    sa.CheckConstraint("number >= 0 and sets > 0", name="backtest_chunks_size"),
    comment="Pieces of a search that are done: it goes on behind them when it is started again.",
)
