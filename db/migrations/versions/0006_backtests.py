"""Research: backtests and what came of them, their trades, and the pieces of a search that are done."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, DOUBLE_PRECISION, JSON, TIMESTAMP

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_JSON = JSON(none_as_null=True)


def upgrade() -> None:
    _backtests()
    _trades()
    _chunks()


def downgrade() -> None:
    for table in ("backtest_chunks", "backtest_trades", "backtests"):
        op.drop_table(table)


def _backtests() -> None:
    op.create_table(
        "backtests",
        sa.Column("id", sa.Text, nullable=False, comment="32 hex digits of a digest of all that decides the result."),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("parent", sa.Text, comment="Of which backtest it is a part, or is made."),
        sa.Column("state", sa.Text, nullable=False, server_default="running"),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("parameters", _JSON, nullable=False),
        sa.Column("symbols", ARRAY(sa.Text), nullable=False),
        sa.Column("timeframe", sa.Text, nullable=False),
        _moment("start"),
        _moment("end"),
        sa.Column("settings", _JSON, nullable=False, comment="Rules, balance, listings, holes allowed; of a search its space."),
        sa.Column("fingerprint", sa.Text, nullable=False, comment="Of the candles."),
        sa.Column("code_version", sa.Text, nullable=False),
        sa.Column("seed", sa.BigInteger),
        sa.Column("coverage", _JSON, nullable=False),
        sa.Column("done", sa.BigInteger, nullable=False, server_default="0", comment="Sets of parameters, or windows."),
        sa.Column("total", sa.BigInteger, nullable=False, server_default="0"),
        _number("final_value", nullable=True),
        _number("total_return", nullable=True),
        sa.Column("metrics", _JSON),
        sa.Column("report", _JSON, comment="What else the document has: curve, months, counts, best sets, windows."),
        sa.Column("error", sa.Text),
        _moment("started_at", now=True),
        _moment("updated_at", now=True),
        _moment("ended_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="backtests_key"),
        sa.CheckConstraint("id ~ '^[0-9a-f]{32}$'", name="backtests_id"),
        sa.CheckConstraint("kind in ('backtest', 'sweep', 'walk-forward', 'monte-carlo')", name="backtests_kind"),
        sa.CheckConstraint("state in ('running', 'done', 'failed', 'cancelled', 'interrupted')", name="backtests_state"),
        sa.CheckConstraint('start <= "end"', name="backtests_order"),
        sa.CheckConstraint("done >= 0 and total >= 0", name="backtests_progress"),
        comment="Each backtest, sweep, walk-forward and Monte Carlo: what decides its result, how far it is, what came of it.",
    )
    op.create_index("backtests_by_time", "backtests", ["started_at", "id"])
    op.create_index("backtests_by_kind", "backtests", ["kind", "started_at"])
    op.create_index("backtests_by_strategy", "backtests", ["strategy", "started_at"])
    op.create_index("backtests_by_parent", "backtests", ["parent"])


def _trades() -> None:
    op.create_table(
        "backtest_trades",
        sa.Column(
            "backtest", sa.Text, sa.ForeignKey("backtests.id", ondelete="cascade", name="backtest_trades_of"), nullable=False
        ),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        _moment("entered_at"),
        _moment("left_at"),
        sa.Column("bars", sa.BigInteger, nullable=False),
        _number("size"),
        _number("entry_price"),
        _number("exit_price"),
        _number("profit"),
        _number("return"),
        _number("fees"),
        _number("value"),
        sa.Column("reason", sa.Text, nullable=False),
        _number("best"),
        _number("worst"),
        sa.Column("touches_hole", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("backtest", "number", name="backtest_trades_key"),
        sa.CheckConstraint("side in ('long', 'short')", name="backtest_trades_side"),
        sa.CheckConstraint("reason <> ''", name="backtest_trades_reason"),
        sa.CheckConstraint("entered_at <= left_at", name="backtest_trades_order"),
        comment="Round trips of backtests; research is float64, the ledger of bots is not.",
    )


def _chunks() -> None:
    op.create_table(
        "backtest_chunks",
        sa.Column(
            "backtest", sa.Text, sa.ForeignKey("backtests.id", ondelete="cascade", name="backtest_chunks_of"), nullable=False
        ),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("sets", sa.BigInteger, nullable=False, comment="Sets of parameters, or windows, that it has."),
        sa.Column("payload", BYTEA, nullable=False),
        sa.PrimaryKeyConstraint("backtest", "number", name="backtest_chunks_key"),
        sa.CheckConstraint("number >= 0 and sets > 0", name="backtest_chunks_size"),
        comment="Pieces of a search that are done: it goes on behind them when it is started again.",
    )


def _moment(name: str, *, nullable: bool = False, now: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=nullable, server_default=sa.func.now() if now else None)


def _number(name: str, *, nullable: bool = False) -> sa.Column[float]:
    return sa.Column(name, DOUBLE_PRECISION, nullable=nullable)
