"""Alerts: what a person is told of, once, and how far the telling is."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("key", sa.Text, nullable=False, comment="The same for the same happening, whoever finds it."),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        _moment("happened_at"),
        _moment("noted_at"),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("told", ARRAY(sa.Text), nullable=False, server_default="{}", comment="Services that took it; never an address."),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("error", sa.Text, comment="What the last try failed with; without any secret."),
        _moment("retry_at"),
        sa.Column("sender", sa.Text, comment="Who sends it now, until retry_at."),
        sa.Column("message", sa.BigInteger, comment="Alerts with the same number and moment were told in one message."),
        _moment("message_at", nullable=True),
        _moment("sent_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="alerts_id"),
        sa.UniqueConstraint("key", name="alerts_key"),
        sa.CheckConstraint("state in ('waiting', 'sent', 'given-up', 'old')", name="alerts_state"),
        comment="Outbox of alerts: what is told to people through the services of the settings.",
    )
    op.create_index("alerts_to_send", "alerts", ["state", "kind", "retry_at"])
    op.create_index("alerts_by_message", "alerts", ["kind", "message_at"])


def downgrade() -> None:
    op.drop_table("alerts")


def _moment(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=nullable)
