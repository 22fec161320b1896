"""The flows: when each runs, how the last run ended, and where Prefect shows more."""

import pandas as pd
import streamlit as st

from app.charts.zone import Zone
from app.data.system import scheduler
from app.markdown import with_commands
from app.scheduler.standings import Scheduler
from app.views.sidebar import zone
from app.words import NOTHING
from market.clock import now_us, parse_time

_SIGNS = {"Completed": "●", "Failed": "✖", "Crashed": "✖", "TimedOut": "✖", "Cancelled": "□", "Running": "◔", "Pending": "○"}


@st.fragment(run_every=3)
def show_flow_runs() -> None:
    """Show what Prefect said last; it is asked beside the page."""
    st.subheader("Flows", anchor=False)
    found = scheduler()
    st.markdown(with_commands(found.said))
    if found.flows:
        table = flow_table(found, zone(now_us()))
        st.dataframe(table, hide_index=True, alt="Flows, their next and last runs", height=38 + 35 * len(table))
    if found.page is not None and found.page.startswith(("http://", "https://")):
        st.link_button("Runs, logs and artifacts on the page of Prefect", f"{found.page}/dashboard", icon=":material/open_in_new:")


def flow_table(found: Scheduler, own: Zone) -> pd.DataFrame:
    """Return a row for each flow; its moments are told in a time zone, its schedule is cron in UTC."""
    return pd.DataFrame(
        [
            {
                "flow": flow.flow,
                "schedule (UTC)": flow.schedule or "on request",
                "rests": flow.rests or "no",
                f"next ({own.name})": _moment(flow.next, own),
                f"last ({own.name})": _moment(flow.last, own),
                "ended as": NOTHING if flow.state is None else f"{_SIGNS.get(flow.state, '?')} {flow.state.lower()}",
            }
            for flow in found.flows
        ]
    )


def _moment(text: str | None, own: Zone) -> str:
    return NOTHING if text is None else own.told(parse_time(text))
