"""What is kept of wishes: what a person asked of the system on the page, who and when."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSON

from db.columns import metadata, moment

wishes = sa.Table(
    "wishes",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
    moment("at", now=True),
    sa.Column("by", sa.Text, nullable=False, comment="Who wished it, as they signed in."),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False, comment="Of what: the id of a bot, a symbol, a run."),
    sa.Column("details", JSON(none_as_null=True), nullable=False),
    sa.PrimaryKeyConstraint("id", name="wishes_key"),
    comment="What people asked of the system on the page; written in the transaction that carries it out.",
)
