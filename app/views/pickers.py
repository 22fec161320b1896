"""Widgets that several pages share; what is picked stands in the URL."""

from collections.abc import Sequence

import streamlit as st

from app.data.live import KnownSymbols
from market.errors import SymbolError
from market.symbol import Symbol
from market.timeframe import Timeframe

TIMEFRAMES = tuple(timeframe for timeframe in Timeframe if timeframe.width_us >= Timeframe.M1.width_us)
BARS = ("60", "120", "240", "500", "2000")


def pick_symbol(known: KnownSymbols) -> str | None:
    """Return the picked symbol, None when there is none to pick."""
    asked = st.session_state.get("symbol", st.query_params.get("symbol"))
    # While a store is away it may have what the URL asks for.
    options = sorted({*known.symbols, asked}) if known.lost and _is_symbol(asked) else known.symbols
    if not options:
        return None
    _default("symbol", options, options[0])
    return st.selectbox(
        "Symbol", options, index=None, key="symbol", bind="query-params", required=True, label_visibility="collapsed"
    )


def pick_one(label: str, key: str, options: Sequence[str], default: str, *, help: str | None = None) -> str:  # noqa: A002 - as Streamlit
    """Return the picked one of a few options."""
    _default(key, options, default)
    picked = st.segmented_control(label, options, key=key, bind="query-params", required=True, help=help)
    return picked or default


def _default(key: str, options: Sequence[str], default: str) -> None:
    """Set what the widget begins with, if neither the session nor the URL asks for one of the options."""
    if st.session_state.get(key, st.query_params.get(key)) not in options:
        st.session_state[key] = default


def _is_symbol(text: str | None) -> bool:
    try:
        return text is not None and bool(Symbol.parse(text))
    except SymbolError:
        return False
