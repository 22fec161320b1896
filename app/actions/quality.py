"""Wishes about quality: a check now."""

from app.actions import flows
from market.symbol import Symbol

DEPLOYMENT = "data-quality"


def start_check(symbol: str | None) -> str:
    """Have what is stored of a symbol, or of all, checked now; return the number of the run. What is missing is fetched.

    Raises:
        SymbolError: If the text is no symbol.
        PlatformError: As `app.actions.flows.start` does.
    """
    named = None if symbol is None else str(Symbol.parse(symbol))
    parameters = {} if named is None else {"symbol": named}
    return flows.start(DEPLOYMENT, parameters, action="start check", subject=named or "all symbols")
