"""Backtests know the run of Prefect that works at them, so that who asked for it finds what came of it."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("backtests", sa.Column("flow_run", sa.Text, comment="Of Prefect, that last began it; null without one."))
    op.create_index("backtests_by_flow_run", "backtests", ["flow_run"])


def downgrade() -> None:
    op.drop_index("backtests_by_flow_run", "backtests")
    op.drop_column("backtests", "flow_run")
