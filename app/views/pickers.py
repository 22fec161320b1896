"""Widgets that several pages share; what is picked stands in the URL."""

from collections.abc import Iterable, Mapping, Sequence

import streamlit as st

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
    options = sorted({*known.symbols, wanted}) if known.lost and wanted is not None and is_symbol(wanted) else known.symbols
    if not options:
        return None
    return choose_from("Symbol", "symbol", options, options[0], label_visibility="collapsed", width=_SYMBOL_WIDTH)


def pick_one(label: str, key: str, options: Sequence[str], default: str, *, help: str | None = None) -> str:  # noqa: A002 - as Streamlit
    """Return the picked one of a few options."""
    return choose(label, key, options, default, help=help)


def offered(known: Iterable[str], key: str, lost: Mapping[str, str]) -> list[str]:
    """Return what a field for several offers: what is known, and while the database is away what is chosen, which would be lost."""
    chosen = st.session_state.get(key, st.query_params.get_all(key)) if "database" in lost else ()
    return sorted({*known, *chosen})


def is_symbol(text: str) -> bool:
    """Return whether a text is one: what a URL asks for may be anything."""
    try:
        return bool(Symbol.parse(text))
    except SymbolError:
        return False
