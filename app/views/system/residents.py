"""What runs: the components of this home, workers and runners wherever they are, and what went down."""

import socket

import streamlit as st

from app import components
from app.data.connections import settings
from app.data.overview import now
from app.data.system import component_table, runners
from app.residents import runner_rows, worker_rows
from app.stores import Lost
from app.views.banner import show_lost
from app.views.first_sight import first_table
from app.views.sidebar import zone
from db.home import running_state
from market.clock import now_us

_PART = "residents"
"""Whichever of the tables comes first."""


@st.fragment(run_every=3)
def show_residents() -> None:
    """Show all that runs, from Redis and the operating system; who runs bots is read every ten seconds."""
    lost: Lost = {}
    home, at_us = settings().home, now_us()
    pids: dict[str, int] = (running_state(home) or {}).get("pids", {})
    found, runs_bots, down = now(lost), runners(lost), components.incidents(home)
    show_lost(lost)
    st.subheader("Components of this home", anchor=False)
    if pids:
        table = component_table(str(home), tuple(pids.items()), tuple(components.restarts(down).items()))
        alt = "Components, their processes, uptime and memory"
        first_table(_PART, table, alt=alt).dataframe(table, hide_index=True, alt=alt, column_config=_MEANS)
    else:
        st.info(
            f"`tcpdash up` does not run on {home}: the processes were started by something else, which knows about them."
        )  # fmt: skip
    _show_workers(None if found is None else found.feeds, at_us, pids)
    st.subheader("Runners of bots", anchor=False)
    if runs_bots:
        rows = runner_rows(runs_bots, host=socket.gethostname(), pids=pids)
        alt = "Runners of bots, their leases and heartbeats"
        first_table(_PART, rows, alt=alt).dataframe(rows, hide_index=True, alt=alt)
    elif runs_bots is not None:
        st.write("Nobody runs bots. `tcpdash up` does, and `tcpdash bots run` on any machine.")
    _show_incidents(down, at_us)


def _show_workers(feeds: dict[str, dict[str, object]] | None, at_us: int, pids: dict[str, int]) -> None:
    st.subheader("Workers", anchor=False)
    if feeds:
        rows = worker_rows(feeds, at_us, host=socket.gethostname(), pids=pids)
        alt = "Workers, their feeds, how far behind they are, and their queues"
        first_table(_PART, rows, alt=alt).dataframe(rows, hide_index=True, alt=alt)
    elif feeds is not None:
        st.write("No feed is followed. `tcpdash demo` or `tcpdash up` follows some.")


def _show_incidents(found: list[components.Incident], at_us: int) -> None:
    st.subheader("Incidents", anchor=False)
    if found:
        table = components.incident_table(found, zone(at_us))
        st.dataframe(table, hide_index=True, alt="Components that were down, newest first")
    else:
        st.write("None: no component of this home ever went down.")


_MEANS = {
    "version": st.column_config.TextColumn("version", help="Of what is installed; a process has the one it was started with."),
    "memory": st.column_config.TextColumn(
        "memory", help="Of the process and its children (PSS): pages that processes share are counted once."
    ),
    "restarts": st.column_config.NumberColumn("restarts", help="Among the last 50 incidents of this home."),
}
