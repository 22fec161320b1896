"""Rollups: candles of wider spans that are kept, and what of them is out of date. Hypertables where TimescaleDB is."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

from db import plain, timescale
from db.storage import storage_of

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rollup_marks",
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("until", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("symbol", name="rollup_marks_key"),
        comment="Up to which close the 1m rows of a symbol are rolled up, but for the changes noted.",
    )
    op.create_table(
        "rollup_changes",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("after", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("until", TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="rollup_changes_key"),
        sa.CheckConstraint("after < until", name="rollup_changes_order"),
        comment="1m rows that changed since the rollups were made of them.",
    )
    op.create_index("rollup_changes_by_symbol", "rollup_changes", ["symbol", "after"])
    connection = op.get_bind()
    if timescale.is_available(connection):
        timescale.install(connection)
    else:
        plain.install(connection)


def downgrade() -> None:
    connection = op.get_bind()
    if storage_of(connection).name == timescale.TimescaleStorage.name:
        timescale.uninstall(connection)
    else:
        plain.uninstall(connection)
    op.drop_table("rollup_changes")
    op.drop_table("rollup_marks")
