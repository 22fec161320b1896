"""What becomes of a wish, on the page: a word when it is carried out, and why when it is not."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from app.access import current_user
from app.markdown import with_commands
from market.errors import PlatformError

MAY_NOT = "You may look, but not act; an operator can do this."


def may_act() -> bool:
    """Return whether who looks may act, for what is greyed out; `app.actions` asks again."""
    return current_user().may_act


@contextmanager
def told(done: str = "") -> Iterator[None]:
    """Say that something was done, nothing where the block says it, or why it was not: expected, found, and what to do."""
    try:
        yield
    except PlatformError as error:
        st.error(with_commands(f"{str(error)[:1].upper()}{str(error)[1:]}."), icon=":material/error:")
    else:
        if done:
            st.toast(done, icon=":material/check:")
