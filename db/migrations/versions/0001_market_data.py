"""Candles, trades, points, gaps, watermarks and symbols."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import BYTEA, DOUBLE_PRECISION, JSONB, TIMESTAMP

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = ("symbols", "watermarks", "gaps", "raw_points", "raw_trades", "market_data")

# Where TimescaleDB is, it has functions of these names. The second is `stable`, as the minus in it is: only then can
# PostgreSQL inline the call.
TIME_BUCKET = """
do $do$ begin
  if to_regprocedure('time_bucket(interval, timestamptz)') is null then
    create function time_bucket(bucket_width interval, ts timestamptz) returns timestamptz
      language sql immutable strict parallel safe
      as $$ select date_bin($1, $2, timestamptz '2000-01-03 00:00:00+00') $$;
    create function time_bucket(bucket_width interval, ts timestamptz, "offset" interval) returns timestamptz
      language sql stable strict parallel safe
      as $$ select date_bin($1, $2 - $3, timestamptz '2000-01-03 00:00:00+00') + $3 $$;
  end if;
end $do$
"""


def upgrade() -> None:
    op.execute(TIME_BUCKET)
    _market_data()
    _raw_trades()
    _raw_points()
    _gaps()
    _watermarks()
    _symbols()


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _moment(name: str, *, nullable: bool = False, now: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=nullable, server_default=sa.func.now() if now else None)


def _market_data() -> None:
    op.create_table(
        "market_data",
        _text("symbol"),
        _text("timeframe"),
        _moment("timestamp"),
        *(sa.Column(name, DOUBLE_PRECISION, nullable=False) for name in ("open", "high", "low", "close", "volume")),
        sa.Column("quote_volume", DOUBLE_PRECISION),
        sa.Column("trades", sa.BigInteger),
        sa.Column("taker_buy_volume", DOUBLE_PRECISION),
        sa.Column("first_trade_id", sa.BigInteger),
        sa.Column("last_trade_id", sa.BigInteger),
        sa.Column("complete", sa.Boolean),
        _text("origin"),
        sa.Column("revision", sa.Integer, nullable=False),
        _moment("updated_at", now=True),
        sa.PrimaryKeyConstraint("symbol", "timeframe", "timestamp", name="market_data_key"),
        sa.CheckConstraint("origin in ('live', 'healed', 'exchange')", name="market_data_origin"),
        comment="Final candles; timestamp is the close of the span. Split by month.",
        postgresql_partition_by="range (timestamp)",
    )


def _raw_trades() -> None:
    op.create_table(
        "raw_trades",
        _text("symbol"),
        sa.Column("trade_id", sa.BigInteger, nullable=False),
        _moment("timestamp"),
        sa.Column("price", DOUBLE_PRECISION, nullable=False),
        sa.Column("size", DOUBLE_PRECISION, nullable=False),
        sa.Column("taker_buy", sa.Boolean, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("id_span", sa.Integer, nullable=False),
        _moment("received_at"),
        sa.PrimaryKeyConstraint("symbol", "timestamp", "trade_id", name="raw_trades_key"),
        comment="Trades as the venue printed them. Split by month.",
        postgresql_partition_by="range (timestamp)",
    )


def _raw_points() -> None:
    op.create_table(
        "raw_points",
        _text("symbol"),
        _text("data_type"),
        _moment("timestamp"),
        sa.Column("digest", BYTEA, nullable=False, comment="Of the payload: tells apart what came at the same moment."),
        sa.Column("payload", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("symbol", "data_type", "timestamp", "digest", name="raw_points_key"),
        comment="What a venue sent, kept as it came.",
    )


def _gaps() -> None:
    op.create_table(
        "gaps",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        _text("symbol"),
        sa.Column("first_id", sa.BigInteger),
        sa.Column("last_id", sa.BigInteger),
        _moment("start"),
        _moment("end"),
        _text("cause"),
        sa.Column("state", sa.Text, nullable=False, server_default="open"),
        sa.Column("recovered", sa.Integer, nullable=False, server_default="0"),
        sa.Column("evidence", JSONB),
        _moment("opened_at", now=True),
        _moment("closed_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="gaps_key"),
        sa.UniqueConstraint("symbol", "first_id", "last_id", "start", name="gaps_hole", postgresql_nulls_not_distinct=True),
        sa.CheckConstraint("cause <> ''", name="gaps_cause"),
        sa.CheckConstraint("state <> ''", name="gaps_state"),
        sa.CheckConstraint('start <= "end" and first_id <= last_id', name="gaps_order"),
        comment="Holes in the tape, and what became of them.",
    )
    op.create_index("gaps_by_state", "gaps", ["state", "symbol"])


def _watermarks() -> None:
    op.create_table(
        "watermarks",
        _text("symbol"),
        sa.Column("trade_id", sa.BigInteger, nullable=False),
        _moment("timestamp"),
        _moment("updated_at", now=True),
        sa.PrimaryKeyConstraint("symbol", name="watermarks_key"),
        comment="Up to which trade a symbol is stored.",
    )


def _symbols() -> None:
    op.create_table(
        "symbols",
        _text("symbol"),
        _text("exchange"),
        _text("base"),
        _text("quote"),
        sa.Column("tick_size", sa.Numeric),
        sa.Column("lot_size", sa.Numeric),
        _text("status"),
        _moment("first_seen", now=True),
        _moment("updated_at", now=True),
        sa.PrimaryKeyConstraint("symbol", name="symbols_key"),
        comment="What a venue lists.",
    )
