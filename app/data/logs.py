"""What is read of the logs of this home: their ends, without secrets."""

import streamlit as st

from app.data.connections import settings
from app.data.system import mask
from app.log_tail import Entry, entries, log_files, read_end, shortened


def logs() -> list[str]:
    """Return the names of the logs that there are."""
    return log_files(settings().home / "logs")


def entries_of(name: str) -> list[Entry]:
    """Return what a log says last, oldest first, at most a second and a half old.

    Secrets are taken out before anybody can look for them: else whether a text is found would tell what is in them.

    Args:
        name: One of `logs()`; of any other nothing is told.
    """
    return _entries(str(settings().home.absolute()), name) if name in logs() else []


@st.cache_data(ttl=1.5, max_entries=16, show_spinner=False)
def _entries(home: str, name: str) -> list[Entry]:
    del home  # another home has other logs
    return [Entry(each.level, shortened(mask()(each.text))) for each in entries(read_end(settings().home / "logs" / name))]
