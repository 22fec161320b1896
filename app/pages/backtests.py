"""The page of backtests: what was tried, a form for more, how a run goes, what came of it, and several beside each other."""

import streamlit as st

from app.backtests.links import COMPARED, FILLED, NEW, RUN, RUNS, STARTED
from app.views.choices import pick_section
from app.views.sidebar import zone
from market.clock import now_us

st.header("Backtests", anchor=False)
here = zone(now_us())
for name in (RUN, COMPARED, STARTED, FILLED):
    # A link from a page to itself changes what is shown, but the address in the browser only where this side sets it anew.
    if name in st.query_params:
        st.query_params[name] = st.query_params[name]
run, compared, started = (st.query_params.get(name) for name in (RUN, COMPARED, STARTED))
if run:
    from app.views.backtests.result import show_run  # numba comes along, which the list does without

    show_run(run, here)
elif compared:
    from app.views.backtests.comparison import show_comparison

    show_comparison(compared.split(","), here)
elif started:
    from app.views.backtests.progress import show_started

    show_started(started, here)
elif pick_section([RUNS, NEW]) == NEW:
    from app.views.backtests.new import show_form

    show_form(here)
else:
    from app.views.backtests.runs import show_runs

    show_runs(here)
