"""What a widget that stands in the URL begins with, and what was chosen last: Streamlit's back button forgets the URL of a page.

On the way to another page Streamlit 1.67 drops what is bound to widgets of this one from the URL before it goes there, and
leaves that as an entry of its own in the history: the first step back leads to the page without its selection.
"""

from collections.abc import Sequence

import streamlit as st


def begin_with(key: str, options: Sequence[str], default: str) -> None:
    """Set what a widget begins with where neither the session nor the URL asks for one of its options.

    That is what was chosen last in this session (`keep`), else the default.
    """
    if st.session_state.get(key, st.query_params.get(key)) not in options:
        last = st.session_state.get(_last(key))
        st.session_state[key] = last if last in options else default


def keep(key: str, chosen: str | None) -> None:
    """Note what is chosen, for when the page is opened again in this session without it in its URL."""
    if chosen is not None:
        st.session_state[_last(key)] = chosen


def _last(key: str) -> str:
    return f"last {key}"
