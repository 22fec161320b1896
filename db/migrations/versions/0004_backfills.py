"""Backfills: each one and how far it came, of which time the venues answered, and where they contradict the tape."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COUNTS = ("wanted", "fetched", "stored", "requests", "conflicts")


def upgrade() -> None:
    _backfills()
    op.create_table(
        "backfill_spans",
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("timeframe", sa.Text, nullable=False),
        _moment("start"),
        _moment("end"),
        _moment("updated_at", now=True),
        sa.PrimaryKeyConstraint("symbol", "timeframe", "start", name="backfill_spans_key"),
        sa.CheckConstraint('start < "end"', name="backfill_spans_order"),
        comment="Of which time the venue was asked for candles and answered: what is not stored of it the venue does not have.",
    )
    op.create_table(
        "candle_conflicts",
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("timeframe", sa.Text, nullable=False),
        _moment("timestamp"),
        sa.Column("ours", JSONB, nullable=False),
        sa.Column("theirs", JSONB, nullable=False),
        _moment("noted_at", now=True),
        sa.PrimaryKeyConstraint("symbol", "timeframe", "timestamp", name="candle_conflicts_key"),
        comment="Candles that are proven whole and differ from the venue's own.",
    )


def downgrade() -> None:
    for table in ("candle_conflicts", "backfill_spans", "backfills"):
        op.drop_table(table)


def _backfills() -> None:
    op.create_table(
        "backfills",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("timeframe", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        _moment("start"),
        _moment("end"),
        sa.Column("state", sa.Text, nullable=False, server_default="running"),
        *(sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in COUNTS),
        sa.Column("error", sa.Text),
        _moment("started_at", now=True),
        _moment("updated_at", now=True),
        sa.PrimaryKeyConstraint("id", name="backfills_key"),
        sa.CheckConstraint("source in ('candles', 'trades')", name="backfills_source"),
        sa.CheckConstraint("state in ('running', 'done', 'failed', 'cancelled', 'interrupted')", name="backfills_state"),
        sa.CheckConstraint('start <= "end"', name="backfills_order"),
        comment="Each backfill and how far it came; who runs one writes every ten seconds.",
    )
    op.create_index("backfills_by_symbol", "backfills", ["symbol", "timeframe"])


def _moment(name: str, *, now: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.now() if now else None)
