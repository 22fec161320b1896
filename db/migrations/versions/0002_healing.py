"""What healing needs: what is left of a gap, since when a tape is known, and the state of each feed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATES = "state in ('open', 'filled', 'never_existed', 'unrecoverable', 'alarm')"

# A tape of before this revision begins with its first candle of ours, which is not complete.
SINCE = """
update watermarks set since = (
    select min(timestamp) from market_data
    where market_data.symbol = watermarks.symbol and timeframe = '1m' and origin <> 'exchange'
)
"""


def upgrade() -> None:
    op.add_column("gaps", sa.Column("missing", JSONB))
    op.alter_column("gaps", "recovered", type_=sa.BigInteger)
    op.add_column("gaps", sa.Column("updated_at", TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.now()))
    op.drop_constraint("gaps_state", "gaps", type_="check")
    op.create_check_constraint("gaps_state", "gaps", STATES)
    _identify("symbol", "first_id", "last_id", "start", "end")
    op.add_column("watermarks", sa.Column("since", TIMESTAMP(timezone=True)))
    op.execute(SINCE)
    op.create_table(
        "feeds",
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("since", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("last_trade_id", sa.BigInteger),
        sa.Column("last_trade_at", TIMESTAMP(timezone=True)),
        sa.Column("updated_at", TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("symbol", name="feeds_key"),
        sa.CheckConstraint("state in ('live', 'quiet', 'stale', 'healing', 'down')", name="feeds_state"),
        comment="How the feed of each symbol is doing, as its worker said at the last change.",
    )


def downgrade() -> None:
    op.drop_table("feeds")
    op.drop_column("watermarks", "since")
    op.drop_constraint("gaps_state", "gaps", type_="check")
    op.create_check_constraint("gaps_state", "gaps", "state <> ''")
    _identify("symbol", "first_id", "last_id", "start")
    op.drop_column("gaps", "updated_at")
    op.drop_column("gaps", "missing")
    op.alter_column("gaps", "recovered", type_=sa.Integer)


def _identify(*columns: str) -> None:
    # Where ids prove nothing two holes may begin behind the same trade.
    op.drop_constraint("gaps_hole", "gaps", type_="unique")
    op.create_unique_constraint("gaps_hole", "gaps", list(columns), postgresql_nulls_not_distinct=True)
