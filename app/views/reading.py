"""What is said while a user's strategies are read elsewhere: a fragment that begins the page anew once they are there."""

import streamlit as st

from app.strategy_desk import StrategyDesk


@st.fragment(run_every=1.0)
def wait_for_strategies(desk: StrategyDesk) -> None:
    """Say that strategies are being read, until they are."""
    if not desk.catalogue()[1]:
        st.rerun()
    st.caption("Strategies are being read.")
