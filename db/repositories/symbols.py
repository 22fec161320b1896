"""What the venues list: one row for each symbol."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from db.tables import symbols

_STATED = ("exchange", "base", "quote", "tick_size", "lot_size", "status")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSymbol:
    """A symbol as its venue lists it.

    Attributes:
        symbol: `EXCHANGE:BASE-QUOTE`.
        exchange: The venue in upper case.
        base: What is traded.
        quote: What it is paid in.
        tick_size: Step of prices, in the quote currency; None where the venue does not say.
        lot_size: Step of sizes, in the base currency; None likewise.
        status: `live`, or the venue's word for why not.
    """

    symbol: str
    exchange: str
    base: str
    quote: str
    tick_size: Decimal | None = None
    lot_size: Decimal | None = None
    status: str = "live"


class SymbolRepository:
    """Symbols on one connection; who opened it commits."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def upsert(self, listed: Sequence[ListedSymbol]) -> int:
        """Store what a venue lists; return how many rows were added or changed."""
        if not listed:
            return 0
        # The last word on a symbol counts; one statement cannot touch a row twice.
        rows = {one.symbol: {"symbol": one.symbol, **{name: getattr(one, name) for name in _STATED}} for one in listed}
        new = insert(symbols).values(list(rows.values()))
        changed = sa.tuple_(*(new.excluded[name] for name in _STATED)).is_distinct_from(
            sa.tuple_(*(symbols.c[name] for name in _STATED))
        )
        merged = new.on_conflict_do_update(
            index_elements=["symbol"],
            set_={**{name: new.excluded[name] for name in _STATED}, "updated_at": sa.func.now()},
            where=changed,
        )
        return self._connection.execute(merged).rowcount

    def list(self, exchange: str | None = None) -> list[ListedSymbol]:
        """Return the symbols of a venue, or of all, in the order of the alphabet."""
        query = sa.select(symbols).order_by(symbols.c.symbol)
        if exchange is not None:
            query = query.where(symbols.c.exchange == exchange)
        rows = self._connection.execute(query).mappings()
        return [ListedSymbol(symbol=row["symbol"], **{name: row[name] for name in _STATED}) for row in rows]
