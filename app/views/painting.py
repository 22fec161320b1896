"""The order in which a browser draws: what people came for first, what is heavy behind it."""

import time

import streamlit as st

PAUSE_SECONDS = 0.5


def let_paint(part: str, *, times: int = 1) -> None:
    """Wait a moment, once a session, so that the browser draws what it has.

    The code of tables and of charts, a megabyte each, is loaded by the browser when the first of them comes; until that has run it
    draws nothing, also not what came before. On a busy computer the heavy part comes no later for the wait:
    what it waits for is the processor.

    Args:
        part: What comes next; each is waited for once.
        times: How many moments; behind a chart, whose code is loaded first, more than one.
    """
    key = f"painted before {part}"
    if not st.session_state.get(key):
        st.session_state[key] = True
        time.sleep(times * PAUSE_SECONDS)
