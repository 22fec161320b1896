"""A chart of ours on a page: as wide as the page, as high as it says plus title and axes, with words for who cannot see it."""

import altair as alt
import streamlit as st

from app.charts.house import QUIET


def show_chart(chart: alt.LayerChart | alt.VConcatChart, *, alternative: str) -> None:
    """Show a chart of `app.charts`; `alternative` is what somebody is told who cannot see it."""
    # Streamlit would fit title and axes into the height of the chart, and cut them off where it is low.
    fitted = chart.properties(autosize=alt.AutoSizeParams(type="fit-x", contains="padding"))
    # Its theme knows nothing of subtitles, which would be black on black.
    st.altair_chart(fitted.configure_title(subtitleColor=QUIET), alt=alternative)
