"""The order in which a browser draws: what people came for first, what is heavy behind it."""

import time
from collections.abc import Mapping

import streamlit as st

from app.index_page import BEGAN
from market.clock import monotonic, now_us

PAUSE_SECONDS, LONGEST_SECONDS = 0.4, 1.5
_LOOK_SECONDS = 0.05
_PAUSE, _KEY = "pause to paint", "painted before {}"


def note_browser() -> None:
    """Note once a session, as it begins, how fast its browser is."""
    if _PAUSE not in st.session_state:
        st.session_state[_PAUSE] = pause_seconds(st.context.cookies, now_us())


def pause_seconds(cookies: Mapping[str, str], at_us: int) -> float:
    """Return how long a browser needs to draw something: as long as it took from its document to the begin of its session.

    Args:
        cookies: Of the browser; without that of its document, `PAUSE_SECONDS`.
        at_us: When the session began.
    """
    began = cookies.get(BEGAN, "")
    if not (began.isascii() and began.isdecimal() and len(began) <= len(str(at_us))):
        return PAUSE_SECONDS
    return min(max((at_us - int(began)) / 1e6, PAUSE_SECONDS), LONGEST_SECONDS)


def is_painted(part: str) -> bool:
    """Return whether a part was waited for already."""
    return bool(st.session_state.get(_KEY.format(part)))


def let_paint(part: str, *, times: int = 1) -> None:
    """Wait a moment, once a session, so that the browser draws what it has.

    The code of tables and of charts, a megabyte each, is loaded by the browser when the first of them comes; until that has run it
    draws nothing, also not what came before. On a busy computer the heavy part comes no later for the wait: what it waits for is
    the processor.

    Args:
        part: What comes next; each is waited for once.
        times: How many moments; behind a chart, whose code is loaded first, more than one.
    """
    if not is_painted(part):
        st.session_state[_KEY.format(part)] = True
        until = monotonic() + times * st.session_state.get(_PAUSE, PAUSE_SECONDS)
        while (left := until - monotonic()) > 0:
            time.sleep(min(left, _LOOK_SECONDS))
            st.session_state.get(_PAUSE)  # where Streamlit ends this run, if somebody chose something meanwhile
