"""The sidebar of all pages: the time zone of the screen, and who looks."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.access import current_user, sign_out, signed_in
from app.charts.zone import UTC, Zone, zone_at, zone_names
from app.data.connections import settings
from market.errors import InputError

_KEY = "tz"


def show_sidebar() -> DeltaGenerator:
    """Show who looks, and return where the time zone is to be picked."""
    user = current_user()
    with st.sidebar:
        place = st.container()
        if signed_in():
            st.text(f"Signed in as {user.name} ({user.role})")
            st.button("Sign out", on_click=sign_out, icon=":material/logout:")
        else:
            st.caption(f"{user.name}: {user.role}")
    return place


def pick_zone(place: DeltaGenerator) -> None:
    """Show the time zones, behind the page: a browser takes longer for hundreds of names than for all else that it begins with."""
    usual = settings().app.time_zone
    names = list(dict.fromkeys([*zone_names(), usual]))
    # The usual one is the default of the widget: set into the session, Streamlit puts it into the URL behind a step back, as
    # an entry of its own in the history, and the next step back would undo no more than that.
    place.selectbox("Time zone", names, index=names.index(usual), key=_KEY, bind="query-params", help=_MEANS)


def zone(at_us: int) -> Zone:
    """Return the time zone of the screen as it is at a moment, UTC epoch microseconds: that of the newest thing shown."""
    asked = st.session_state.get(_KEY) or st.query_params.get(_KEY)  # before the sidebar is there for the first time
    try:
        return zone_at(asked if asked in zone_names() else settings().app.time_zone, at_us)
    except InputError:  # the list of zones changed under a session
        return UTC


_MEANS = (
    "Of all times on these pages. What is stored, and what the command line prints, is UTC. Tables tell each moment as clocks "
    "showed it then; a chart keeps one offset from its left to its right, also where clocks changed in between."
)
