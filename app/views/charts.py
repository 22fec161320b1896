"""A chart of ours on a page: as wide as the page, as high as it says plus title and axes, with words for who cannot see it."""

import altair as alt
import streamlit as st

from app.charts.house import fitted


def show_chart(chart: alt.LayerChart | alt.VConcatChart, *, alternative: str) -> None:
    """Show a chart of `app.charts`; `alternative` is what somebody is told who cannot see it."""
    st.altair_chart(fitted(chart), alt=alternative)
