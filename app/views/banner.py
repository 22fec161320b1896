"""The banner of a page whose database or Redis is away."""

from collections.abc import Mapping

import streamlit as st

from app.markdown import with_commands

_MEANING = {
    "database": "**The database cannot be used.** Candles that this page has read already are still shown; newer ones and "
    "corrections follow when it is back.",
    "redis": "**Redis cannot be used.** There are no live prices and no states of feeds; stored candles are still shown.",
}


def show_lost(lost: Mapping[str, str]) -> None:
    """Say which stores are away, what that means, and that nobody has to do anything; nothing when none is."""
    if lost:
        said = [f"{_MEANING[store]}  \n{with_commands(f'{reason[0].upper()}{reason[1:]}.')}" for store, reason in lost.items()]
        st.warning("\n\n".join([*said, "This page recovers by itself."]), icon=":material/cloud_off:")
