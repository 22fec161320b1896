"""The sections of a page: one is chosen, stands in the URL as `view`, and is all that is read and drawn."""

from collections.abc import Sequence

import streamlit as st

_KEY = "view"


def pick_section(names: Sequence[str]) -> str:
    """Show the choice and return what is chosen; what the URL asks for and is none falls back to the first.

    Args:
        names: As they are shown and stand in the URL: with a `format_func` Streamlit would want the words of that in the URL.
    """
    if st.session_state.get(_KEY, st.query_params.get(_KEY)) not in names:
        st.session_state[_KEY] = names[0]
    picked = st.segmented_control(
        "Section", names, key=_KEY, bind="query-params", required=True, label_visibility="collapsed"
    )  # fmt: skip
    return picked or names[0]
