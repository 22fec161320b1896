"""Widgets that several pages share; what is picked stands in the URL."""

from collections.abc import Sequence

import streamlit as st

from app.data.live import KnownSymbols
from app.views.kept import begin_with, keep
from market.errors import SymbolError
from market.symbol import Symbol
from market.timeframe import Timeframe

TIMEFRAMES = tuple(timeframe for timeframe in Timeframe if timeframe.width_us >= Timeframe.M1.width_us)
_SYMBOL_WIDTH = 240
BARS = ("60", "120", "240", "500", "2000")


def pick_symbol(known: KnownSymbols) -> str | None:
    """Return the picked symbol, None when there is none to pick."""
    asked = st.session_state.get("symbol", st.query_params.get("symbol"))
    # While a store is away it may have what the URL asks for.
    options = sorted({*known.symbols, asked}) if known.lost and _is_symbol(asked) else known.symbols
    if not options:
        return None
    begin_with("symbol", options, options[0])
    picked = st.selectbox(
        "Symbol",
        options,
        index=None,
        key="symbol",
        bind="query-params",
        required=True,
        label_visibility="collapsed",
        width=_SYMBOL_WIDTH,
    )
    keep("symbol", picked)
    return picked


def pick_one(label: str, key: str, options: Sequence[str], default: str, *, help: str | None = None) -> str:  # noqa: A002 - as Streamlit
    """Return the picked one of a few options."""
    begin_with(key, options, default)
    picked = st.segmented_control(label, options, key=key, bind="query-params", required=True, help=help)
    keep(key, picked)
    return picked or default


def _is_symbol(text: str | None) -> bool:
    try:
        return text is not None and bool(Symbol.parse(text))
    except SymbolError:
        return False
