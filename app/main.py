"""The entry of the Streamlit app: its pages, and what all of them share."""

import streamlit as st

from app.access import NOBODY, current_user
from app.data.connections import settings
from app.markdown import with_commands
from app.menu import PAGES
from app.views.navigation import page_at
from app.views.painting import let_paint, note_browser
from app.views.sidebar import pick_zone, show_sidebar
from app.views.style import show_style

st.set_page_config(  # a material icon as favicon is fetched from outside
    page_title="TCPDashboard", page_icon="🕯️", layout="wide", initial_sidebar_state="collapsed"
)
show_style()
note_browser()
try:
    settings()
except ValueError as error:
    why = with_commands(str(error))
    st.error(f"The settings cannot be used: {why}. Correct config/tcpdash.toml or the TCPDASH_ variable, and start again.")
    st.stop()
if current_user() is NOBODY:  # whose session ended just now; or Streamlit was not started by `tcpdash app`, and has no door
    st.text("Nobody is signed in here.")
    st.stop()
place = show_sidebar()
page = st.navigation([page_at(name) for name in PAGES], position="top")
try:
    page.run()
finally:  # also where a page ends early
    let_paint("sidebar")
    pick_zone(place)
