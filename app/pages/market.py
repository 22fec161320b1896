"""The page of the market: one symbol, its candles as they form and as they were, and how far they can be trusted."""

import streamlit as st

from app.data.live import known_symbols
from app.views.banner import show_lost
from app.views.market_chart import TICK_SECONDS, show_market
from app.views.market_overlays import pick_overlays
from app.views.market_pickers import pick_market, pick_span, show_moves
from app.views.market_trades import show_below


@st.fragment(run_every=2 * TICK_SECONDS)
def _wait_for_data() -> None:
    known = known_symbols()
    if known.symbols:
        st.rerun()
    show_lost(known.lost)
    if not known.lost:
        st.info(
            "Nothing is stored yet, and nothing is followed. Start `tcpdash demo` (an invented market, without account or "
            "network), or `tcpdash up --exchange okx --symbols BTC-USDT,ETH-USDT`. This page fills by itself."
        )


known = known_symbols()
symbol, timeframe, picked = pick_market(known)
if symbol is None:
    _wait_for_data()
    st.stop()
with st.container(horizontal=True, vertical_alignment="bottom"):
    show_moves()
    shown = pick_span(symbol, timeframe, picked)
    overlays = pick_overlays(symbol)
show_market(symbol, shown, overlays, lost_before=bool(known.lost))
show_below(symbol, overlays.bots)
