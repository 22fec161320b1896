"""What tables are made of: their metadata, and the columns that many of them have."""

from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION, TIMESTAMP

metadata = sa.MetaData()


def moment(name: str, *, nullable: bool = False, now: bool = False) -> sa.Column[datetime]:
    """Return a column of moments; with `now` the database fills in its own."""
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=nullable, server_default=sa.func.now() if now else None)


def number(name: str, *, nullable: bool = False) -> sa.Column[float]:
    """Return a column of float64."""
    return sa.Column(name, DOUBLE_PRECISION, nullable=nullable)


def amount(name: str, *, nullable: bool = False) -> sa.Column[Decimal]:
    """Return a column of exact decimal numbers, of any number of digits."""
    return sa.Column(name, sa.Numeric(asdecimal=True), nullable=nullable)
