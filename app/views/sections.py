"""The sections of a page: one is chosen, stands in the URL as `view`, and is all that is read and drawn."""

from collections.abc import Mapping

import streamlit as st

_KEY = "view"


def pick_section(names: Mapping[str, str], default: str) -> str:
    """Show the choice and return what is chosen; what the URL asks for and is none falls back to the default.

    Args:
        names: What each is called, by what the URL says.
        default: One of them.
    """
    if st.session_state.get(_KEY, st.query_params.get(_KEY)) not in names:
        st.session_state[_KEY] = default
    picked = st.segmented_control(
        "Section", list(names), format_func=lambda name: names[name], key=_KEY, bind="query-params", required=True,
        label_visibility="collapsed",
    )  # fmt: skip
    return picked or default
