"""Quality: each run of a suite over what is stored, and what came of each of its rules."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quality_runs",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("timeframe", sa.Text),
        sa.Column("suite", sa.Text, nullable=False),
        _moment("start"),
        _moment("end"),
        sa.Column("state", sa.Text, nullable=False, server_default="running"),
        sa.Column("rows", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("success", sa.Boolean),
        sa.Column("error", sa.Text),
        _moment("started_at", now=True),
        _moment("ended_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="quality_runs_key"),
        sa.CheckConstraint("suite in ('candles', 'trades')", name="quality_runs_suite"),
        sa.CheckConstraint("state in ('running', 'done', 'failed', 'interrupted')", name="quality_runs_state"),
        sa.CheckConstraint('start <= "end"', name="quality_runs_order"),
        comment="Each run of a suite of checks over what is stored of a symbol.",
    )
    op.create_index("quality_runs_by_symbol", "quality_runs", ["symbol", "suite", "timeframe"])
    op.create_table(
        "quality_results",
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


def downgrade() -> None:
    op.drop_table("quality_results")
    op.drop_table("quality_runs")


def _moment(name: str, *, nullable: bool = False, now: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=nullable, server_default=sa.func.now() if now else None)
