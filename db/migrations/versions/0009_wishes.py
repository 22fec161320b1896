"""Wishes: what people asked of the system on the page, who and when."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSON, TIMESTAMP

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "wishes",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("at", TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("by", sa.Text, nullable=False, comment="Who wished it, as they signed in."),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False, comment="Of what: the id of a bot, a symbol, a run."),
        sa.Column("details", JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="wishes_key"),
        comment="What people asked of the system on the page; written in the transaction that carries it out.",
    )


def downgrade() -> None:
    op.drop_table("wishes")
