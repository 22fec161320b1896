"""What is kept, as SQLAlchemy tables; migrations make them, tests hold the two equal."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, JSONB

from db.alert_tables import alerts
from db.backtest_tables import backtest_chunks, backtest_trades, backtests
from db.bot_tables import (
    bot_epochs,
    bot_events,
    bot_orders,
    bot_performance,
    bot_postings,
    bot_signals,
    bot_trades,
    bots,
)
from db.columns import metadata, moment, number
from db.wish_tables import wishes

__all__ = [
    "MONTHLY", "alerts", "backfill_spans", "backfills", "backtest_chunks", "backtest_trades", "backtests", "bot_epochs",
    "bot_events", "bot_orders", "bot_performance", "bot_postings", "bot_signals", "bot_trades", "bots", "candle_conflicts",
    "feeds", "gaps", "market_data", "metadata", "quality_results", "quality_runs", "raw_points", "raw_trades", "rollup_changes",
    "rollup_marks", "symbols", "watermarks", "wishes",
]  # fmt: skip

MONTHLY = ("market_data", "raw_trades", "bot_performance")
"""Tables that are split by month of their `timestamp`: partitions on plain PostgreSQL, chunks on TimescaleDB."""

market_data = sa.Table(
    "market_data",
    metadata,
    sa.Column("symbol", sa.Text, nullable=False),
    sa.Column("timeframe", sa.Text, nullable=False),
    moment("timestamp"),
    number("open"),
    number("high"),
    number("low"),
    number("close"),
    number("volume"),
    number("quote_volume", nullable=True),
    sa.Column("trades", sa.BigInteger),
    number("taker_buy_volume", nullable=True),
    sa.Column("first_trade_id", sa.BigInteger),
    sa.Column("last_trade_id", sa.BigInteger),
    sa.Column("complete", sa.Boolean),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    moment("updated_at", now=True),
    sa.PrimaryKeyConstraint("symbol", "timeframe", "timestamp", name="market_data_key"),
    sa.CheckConstraint("origin in ('live', 'healed', 'exchange')", name="market_data_origin"),
    comment="Final candles; timestamp is the close of the span. Split by month.",
    postgresql_partition_by="range (timestamp)",
)

raw_trades = sa.Table(
    "raw_trades",
    metadata,
    sa.Column("symbol", sa.Text, nullable=False),
    sa.Column("trade_id", sa.BigInteger, nullable=False),
    moment("timestamp"),
    number("price"),
    number("size"),
    sa.Column("taker_buy", sa.Boolean, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("id_span", sa.Integer, nullable=False),
    moment("received_at"),
    sa.PrimaryKeyConstraint("symbol", "timestamp", "trade_id", name="raw_trades_key"),
    comment="Trades as the venue printed them. Split by month.",
    postgresql_partition_by="range (timestamp)",
)

raw_points = sa.Table(
    "raw_points",
    metadata,
    sa.Column("symbol", sa.Text, nullable=False),
    sa.Column("data_type", sa.Text, nullable=False),
    moment("timestamp"),
    sa.Column("digest", BYTEA, nullable=False, comment="Of the payload: tells apart what came at the same moment."),
    sa.Column("payload", JSONB, nullable=False),
    sa.PrimaryKeyConstraint("symbol", "data_type", "timestamp", "digest", name="raw_points_key"),
    comment="What a venue sent, kept as it came.",
)

gaps = sa.Table(
    "gaps",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
    sa.Column("symbol", sa.Text, nullable=False),
    sa.Column("first_id", sa.BigInteger),
    sa.Column("last_id", sa.BigInteger),
    moment("start"),
    moment("end"),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="open"),
    sa.Column("recovered", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("evidence", JSONB(none_as_null=True)),
    moment("opened_at", now=True),
    moment("closed_at", nullable=True),
    sa.Column("missing", JSONB(none_as_null=True)),
    moment("updated_at", now=True),
    sa.PrimaryKeyConstraint("id", name="gaps_key"),
    sa.UniqueConstraint("symbol", "first_id", "last_id", "start", "end", name="gaps_hole", postgresql_nulls_not_distinct=True),
    sa.CheckConstraint("cause <> ''", name="gaps_cause"),
    sa.CheckConstraint("state in ('open', 'filled', 'never_existed', 'unrecoverable', 'alarm')", name="gaps_state"),
    sa.CheckConstraint('start <= "end" and first_id <= last_id', name="gaps_order"),
    sa.Index("gaps_by_state", "state", "symbol"),
    comment="Holes in the tape, and what became of them.",
)

watermarks = sa.Table(
    "watermarks",
    metadata,
    sa.Column("symbol", sa.Text, nullable=False),
    sa.Column("trade_id", sa.BigInteger, nullable=False),
    moment("timestamp"),
    moment("updated_at", now=True),
    moment("since", nullable=True),
    sa.PrimaryKeyConstraint("symbol", name="watermarks_key"),
    comment="Up to which trade a symbol is stored.",
)

rollup_marks = sa.Table(
    "rollup_marks",
    metadata,
    sa.Column("symbol", sa.Text, nullable=False),
    moment("until"),
    moment("updated_at", now=True),
    sa.PrimaryKeyConstraint("symbol", name="rollup_marks_key"),
    comment="Up to which close the 1m rows of a symbol are rolled up, but for the changes noted.",
)

rollup_changes = sa.Table(
    "rollup_changes",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
    sa.Column("symbol", sa.Text, nullable=False),
    moment("after"),
    moment("until"),
    sa.PrimaryKeyConstraint("id", name="rollup_changes_key"),
    sa.CheckConstraint("after < until", name="rollup_changes_order"),
    sa.Index("rollup_changes_by_symbol", "symbol", "after"),
    comment="1m rows that changed since the rollups were made of them.",
)

symbols = sa.Table(
    "symbols",
    metadata,
    sa.Column("symbol", sa.Text, nullable=False),
    sa.Column("exchange", sa.Text, nullable=False),
    sa.Column("base", sa.Text, nullable=False),
    sa.Column("quote", sa.Text, nullable=False),
    sa.Column("tick_size", sa.Numeric),
    sa.Column("lot_size", sa.Numeric),
    sa.Column("status", sa.Text, nullable=False),
    moment("first_seen", now=True),
    moment("updated_at", now=True),
    sa.PrimaryKeyConstraint("symbol", name="symbols_key"),
    comment="What a venue lists.",
)

feeds = sa.Table(
    "feeds",
    metadata,
    sa.Column("symbol", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    moment("since"),
    sa.Column("last_trade_id", sa.BigInteger),
    moment("last_trade_at", nullable=True),
    moment("updated_at", now=True),
    sa.PrimaryKeyConstraint("symbol", name="feeds_key"),
    sa.CheckConstraint("state in ('live', 'quiet', 'stale', 'healing', 'down')", name="feeds_state"),
    comment="How the feed of each symbol is doing, as its worker said at the last change.",
)

backfills = sa.Table(
    "backfills",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
    sa.Column("symbol", sa.Text, nullable=False),
    sa.Column("timeframe", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    moment("start"),
    moment("end"),
    sa.Column("state", sa.Text, nullable=False, server_default="running"),
    sa.Column("wanted", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("fetched", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("stored", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("requests", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("conflicts", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("error", sa.Text),
    moment("started_at", now=True),
    moment("updated_at", now=True),
    sa.PrimaryKeyConstraint("id", name="backfills_key"),
    sa.CheckConstraint("source in ('candles', 'trades')", name="backfills_source"),
    sa.CheckConstraint("state in ('running', 'done', 'failed', 'cancelled', 'interrupted')", name="backfills_state"),
    sa.CheckConstraint('start <= "end"', name="backfills_order"),
    sa.Index("backfills_by_symbol", "symbol", "timeframe"),
    comment="Each backfill and how far it came; who runs one writes every ten seconds.",
)

backfill_spans = sa.Table(
    "backfill_spans",
    metadata,
    sa.Column("symbol", sa.Text, nullable=False),
    sa.Column("timeframe", sa.Text, nullable=False),
    moment("start"),
    moment("end"),
    moment("updated_at", now=True),
    sa.PrimaryKeyConstraint("symbol", "timeframe", "start", name="backfill_spans_key"),
    sa.CheckConstraint('start < "end"', name="backfill_spans_order"),
    comment="Of which time the venue was asked for candles and answered: what is not stored of it the venue does not have.",
)

candle_conflicts = sa.Table(
    "candle_conflicts",
    metadata,
    sa.Column("symbol", sa.Text, nullable=False),
    sa.Column("timeframe", sa.Text, nullable=False),
    moment("timestamp"),
    sa.Column("ours", JSONB, nullable=False),
    sa.Column("theirs", JSONB, nullable=False),
    moment("noted_at", now=True),
    sa.PrimaryKeyConstraint("symbol", "timeframe", "timestamp", name="candle_conflicts_key"),
    comment="Candles that are proven whole and differ from the venue's own.",
)

quality_runs = sa.Table(
    "quality_runs",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
    sa.Column("symbol", sa.Text, nullable=False),
    sa.Column("timeframe", sa.Text),
    sa.Column("suite", sa.Text, nullable=False),
    moment("start"),
    moment("end"),
    sa.Column("state", sa.Text, nullable=False, server_default="running"),
    sa.Column("rows", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("success", sa.Boolean),
    sa.Column("error", sa.Text),
    moment("started_at", now=True),
    moment("ended_at", nullable=True),
    sa.PrimaryKeyConstraint("id", name="quality_runs_key"),
    sa.CheckConstraint("suite in ('candles', 'trades')", name="quality_runs_suite"),
    sa.CheckConstraint("state in ('running', 'done', 'failed', 'interrupted')", name="quality_runs_state"),
    sa.CheckConstraint('start <= "end"', name="quality_runs_order"),
    sa.Index("quality_runs_by_symbol", "symbol", "suite", "timeframe"),
    comment="Each run of a suite of checks over what is stored of a symbol.",
)

quality_results = sa.Table(
    "quality_results",
    metadata,
    sa.Column("run", sa.BigInteger, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("success", sa.Boolean),
    sa.Column("unexpected_count", sa.BigInteger, nullable=False),
    sa.Column("observed", JSONB, nullable=False),
    sa.Column("sample", JSONB, nullable=False),
    sa.Column("details", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("run", "rule", name="quality_results_key"),
    sa.CheckConstraint("severity in ('critical', 'warning')", name="quality_results_severity"),
    comment="What came of each rule of a run; success is null where it was not checked.",
)
