"""The flows: when each runs, how the last run ended, and where Prefect shows more."""

import streamlit as st

from app.data.system import scheduler
from app.views.flows import show_flows


@st.fragment(run_every=3)
def show_flow_runs() -> None:
    """Show what Prefect said last; it is asked beside the page."""
    show_flows(scheduler())
