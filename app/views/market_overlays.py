"""What is picked to be drawn over the candles: a strategy with its parameters, and bots."""

import streamlit as st

from app.data import candles as reads
from app.data.strategies import overlay_desk
from app.markdown import escaped
from app.stores import Lost
from app.views.choices import choose_flag
from app.views.market_chart import Overlays
from app.views.parameters import parameter_form
from app.views.pickers import offered
from app.views.reading import wait_for_strategies
from trading.describing import Described
from trading.parameters import Value

_FIRST = "sma_cross"


def pick_overlays(symbol: str) -> Overlays:
    """Return what is picked behind one button; strategies are offered when they have been read elsewhere."""
    with st.popover("Indicators and fills", icon=":material/stacked_line_chart:", key="market_overlays"):
        lines = choose_flag("Indicators", "indicators", help="The lines that a strategy decides by")
        strategy = _pick_strategy() if lines else None
        parameters = _pick_parameters(strategy)
        fills = choose_flag("Fills of bots", "fills", help="Where bots bought and sold")
        bots = _pick_bots(symbol) if fills else None
    return Overlays(strategy=strategy.name if strategy else "", parameters=parameters, bots=bots)


def _pick_strategy() -> Described | None:
    found, pending = overlay_desk().catalogue()
    known = {each.name: each for each in found.strategies}
    asked = st.session_state.get("strategy", st.query_params.get("strategy"))
    # While they are being read, what the URL asks for may be among them.
    names = sorted({*known, asked}) if pending and asked else list(known)
    if names and asked not in names:
        st.session_state["strategy"] = _FIRST if _FIRST in names else names[0]
    picked = st.selectbox("Strategy", names, index=None, key="strategy", bind="query-params", required=True, width=220)
    for problem in found.problems:
        st.caption(f":material/error: {escaped(problem)}")
    if pending:
        wait_for_strategies(overlay_desk())
    return None if picked is None else known.get(picked)


def _pick_parameters(strategy: Described | None) -> dict[str, Value]:
    if strategy is None or not strategy.parameters:
        return {}
    with st.expander(f"Parameters of {escaped(strategy.name)}", icon=":material/tune:"):
        return parameter_form(strategy.parameters, f"i_{strategy.name}_", bind=True)


def _pick_bots(symbol: str) -> tuple[str, ...]:
    lost: Lost = {}
    known = offered(reads.fills(symbol, (), 0, 0, lost).bots, "bots", lost)
    return tuple(
        st.multiselect(
            "Bots", known, key="bots", bind="query-params", max_selections=10, placeholder="Bots of this symbol", width=360
        )
    )
