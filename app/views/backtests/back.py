"""The way back to the list of runs."""

import streamlit as st

from app.backtests.links import RUNS
from app.views.navigation import page_at


def lead_back() -> None:
    """Lead back to the list; that its view is named makes the address in the browser follow."""
    st.page_link(page_at("backtests"), label="All runs", icon=":material/arrow_back:", query_params={"view": RUNS})
