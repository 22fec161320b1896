"""Widgets that several pages share; what is picked stands in the URL."""

from collections.abc import Sequence

from app.data.live import KnownSymbols
from app.views.choices import choose, choose_from
from app.views.kept import asked
from market.errors import SymbolError
from market.symbol import Symbol
from market.timeframe import Timeframe

TIMEFRAMES = tuple(timeframe for timeframe in Timeframe if timeframe.width_us >= Timeframe.M1.width_us)
_SYMBOL_WIDTH = 240
BARS = ("60", "120", "240", "500", "2000")


def pick_symbol(known: KnownSymbols) -> str | None:
    """Return the picked symbol, None when there is none to pick."""
    wanted = next(iter(asked("symbol")), None)
    # While a store is away it may have what the URL asks for.
    options = sorted({*known.symbols, wanted}) if known.lost and wanted is not None and _is_symbol(wanted) else known.symbols
    if not options:
        return None
    return choose_from("Symbol", "symbol", options, options[0], label_visibility="collapsed", width=_SYMBOL_WIDTH)


def pick_one(label: str, key: str, options: Sequence[str], default: str, *, help: str | None = None) -> str:  # noqa: A002 - as Streamlit
    """Return the picked one of a few options."""
    return choose(label, key, options, default, help=help)


def _is_symbol(text: str) -> bool:
    try:
        return bool(Symbol.parse(text))
    except SymbolError:
        return False
