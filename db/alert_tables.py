"""What is kept of alerts: each happening that a person is told of, once, and how far the telling is."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from db.columns import metadata, moment

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
    sa.Column("key", sa.Text, nullable=False, comment="The same for the same happening, whoever finds it."),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    moment("happened_at"),
    moment("noted_at"),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("told", ARRAY(sa.Text), nullable=False, server_default="{}", comment="Services that took it; never an address."),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("error", sa.Text, comment="What the last try failed with; without any secret."),
    moment("retry_at"),
    sa.Column("sender", sa.Text, comment="Who sends it now, until retry_at."),
    sa.Column("message", sa.BigInteger, comment="Alerts with the same number and moment were told in one message."),
    moment("message_at", nullable=True),
    moment("sent_at", nullable=True),
    sa.PrimaryKeyConstraint("id", name="alerts_id"),
    sa.UniqueConstraint("key", name="alerts_key"),
    sa.CheckConstraint("state in ('waiting', 'sent', 'given-up', 'old')", name="alerts_state"),
    sa.Index("alerts_to_send", "state", "kind", "retry_at"),
    sa.Index("alerts_by_message", "kind", "message_at"),
    comment="Outbox of alerts: what is told to people through the services of the settings.",
)
