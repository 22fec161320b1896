"""The end of a log, by component, level and text."""

from pathlib import Path

import streamlit as st

from app import words
from app.data.connections import settings
from app.data.logs import entries_of, logs
from app.log_tail import LEVELS, MOST_BYTES, chosen
from app.views.choices import choose_from, choose_text

_MOST, _FEW = 200, 15


def show_log() -> None:
    """Show the newest lines of what is chosen, and more of them as they come."""
    st.subheader("Log", anchor=False)
    names = logs()
    if not names:
        _wait(settings().home)
        return
    columns = st.columns([3, 3, 4], vertical_alignment="bottom")
    with columns[0]:
        name = choose_from("Component", "log", names, "worker.log" if "worker.log" in names else names[0])
    with columns[1]:
        level = choose_from("Level, and above", "level", LEVELS, "INFO")
    with columns[2]:
        text = choose_text("With the text", "find", most=200, placeholder="gap, OKX:BTC-USDT, …")
    _show(name, level, text)


@st.fragment(run_every=2)
def _show(name: str, level: str, text: str) -> None:
    found = entries_of(name)
    newest = chosen(found, level=level, text=text, most=_MOST)
    about = f"the last {words.size(MOST_BYTES)} of logs/{name}, {_entries(len(found))}"
    if newest:
        st.code(
            "\n".join(each.text for each in newest), language=None, wrap_lines=True, height=520 if len(newest) > _FEW else "content"
        )
        st.caption(f"The newest first: {_entries(len(newest))}, {_MOST} at most, out of {about}. Passwords and tokens are hidden.")
    else:
        st.write(f"Nothing of this level and text in {about}.")


def _entries(count: int) -> str:
    return f"{count:,} entr{'y' if count == 1 else 'ies'}"


@st.fragment(run_every=5)
def _wait(home: Path) -> None:
    if logs():
        st.rerun()
    st.info(
        f"There are no logs in {home}: nothing ran on it yet, or each process writes elsewhere. Of containers, "
        "`docker compose logs -f worker` shows them; of other machines, look into the folder `logs` of their home."
    )
