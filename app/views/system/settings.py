"""The settings that this page has, without secrets, and where each comes from."""

import pandas as pd
import streamlit as st

from app.data.system import explained, mask
from app.markdown import escaped
from app.views.choices import choose_flag
from app.words import NOTHING

_WIDTHS = {"setting": 200, "value": 240, "from": 190, "after a restart": 110}


def show_settings() -> None:
    """Show all settings, those first that somebody set."""
    st.subheader("Settings", anchor=False)
    found, problem = explained()
    if problem:
        st.warning(
            f"What the file or the variables say by now cannot be used: {escaped(mask()(problem))}. Shown is what the "
            "page was started with.",
            icon=":material/warning:",
        )
    waiting = [each.name for each in found if each.pending is not None]
    if waiting:
        st.warning(
            f"Changed since the page was started, in force after a restart: {escaped(', '.join(waiting))}.",
            icon=":material/warning:",
        )
    only = choose_flag("Only what somebody set", "set")
    shown = [each for each in found if not only or each.source != "default" or each.pending is not None]
    rows = [
        {
            "setting": each.name,
            "value": each.value,
            "from": each.source,
            "after a restart": each.pending or NOTHING,
            "what it is": each.description,
        }
        for each in shown
    ]
    if rows:
        config = {name: st.column_config.TextColumn(name, width=width) for name, width in _WIDTHS.items()}
        st.dataframe(
            pd.DataFrame(rows), hide_index=True, alt="Settings, their values and where they come from", height=560,
            column_config=config,
        )  # fmt: skip
    else:
        st.write("Nobody set anything: all settings are their defaults.")
    st.caption(
        "As this page has them: `tcpdash up` hands its own to all that it starts, as variables. Others are changed in "
        "config/tcpdash.toml or as TCPDASH_ variables. Of a secret only whether it is set is shown."
    )
