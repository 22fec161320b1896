"""What venues say of symbols, from the lists of theirs that are stored: the steps of prices and sizes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trading.rules import Listing

if TYPE_CHECKING:
    from db.operations import DatabaseOperations


def listings_of(db: "DatabaseOperations", symbols: Sequence[str]) -> dict[str, Listing]:
    """Return the steps of prices and sizes of those symbols of which the venue's list is stored."""
    listed = {one.symbol: one for one in db.symbols.list()}
    return {
        symbol: Listing(tick=float(listed[symbol].tick_size or 0), lot=float(listed[symbol].lot_size or 0))
        for symbol in symbols
        if symbol in listed
    }
