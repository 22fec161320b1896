"""The entry of the Streamlit app: its pages, and what all of them share."""

from pathlib import Path

import streamlit as st

from app import data

_PAGES = Path(__file__).parent / "pages"

st.set_page_config(page_title="TCPDashboard", page_icon="🕯️", layout="wide")  # a material icon as favicon is fetched from outside
st.html("<style>.stMainBlockContainer { padding-top: 4rem; padding-bottom: 1rem }</style>")
try:
    data.settings()
except ValueError as error:
    st.error(f"The settings cannot be used: {error}. Correct config/tcpdash.toml or the TCPDASH_ variable, and start again.")
    st.stop()
st.navigation(
    [
        st.Page(_PAGES / "live.py", title="Live", icon=":material/candlestick_chart:", default=True),
        st.Page(_PAGES / "system.py", title="System", icon=":material/monitor_heart:"),
    ],
    position="top",
).run()
