"""The flows on a page: when each runs, how the last run ended, and where Prefect shows more."""

import pandas as pd
import streamlit as st

from app import words
from app.scheduled import HEADER, Scheduler, cells


def show_flows(found: Scheduler) -> None:
    """Show what there is to see of Prefect; until it answers, why there is nothing."""
    st.subheader("Flows", anchor=False)
    st.write(found.said)
    if found.page is not None:
        table = pd.DataFrame([cells(each, words.NOTHING) for each in found.flows], columns=list(HEADER))
        st.dataframe(table, hide_index=True, alt="Flows, their next and last runs")
        st.markdown(f"[Runs, logs and artifacts on the page of Prefect]({found.page}/dashboard)")
