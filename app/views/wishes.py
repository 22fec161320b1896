"""What becomes of a wish, on the page: a word when it is carried out, and why when it is not."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from app.access import current_user
from market.errors import PlatformError

MAY_NOT = "You may look, but not act; an operator can do this."


def may_act() -> bool:
    """Return whether who looks may act, for what is greyed out; `app.actions` asks again."""
    return current_user().may_act


@contextmanager
def told(done: str) -> Iterator[None]:
    """Say that something was done, or why it was not: what was expected, what was found, and what to do."""
    try:
        yield
    except PlatformError as error:
        st.error(f"{str(error)[:1].upper()}{str(error)[1:]}.", icon=":material/error:")
    else:
        st.toast(done, icon=":material/check:")
