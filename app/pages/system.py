"""The system page: what runs, what went down, what flows and feeds do, which holes there are and what is stored."""

from importlib.metadata import PackageNotFoundError, version

import pandas as pd
import streamlit as st

from app import components, words
from app.data.connections import settings
from app.data.holes import Holes, holes
from app.data.live import feeds
from app.data.system import Stats, database_stats, redis_answer_ms, scheduler
from app.holes import hole_table, hole_words
from app.stores import Lost
from app.views.banner import show_lost
from app.views.flows import show_flows
from db.home import running_state
from market.clock import now_us

_PACKAGES = ("tcpdashboard", "streamlit", "altair", "pandas", "sqlalchemy", "redis")


@st.fragment(run_every=3)
def _show() -> None:
    lost: Lost = {}
    followed, found, stats = feeds(lost), holes(lost), database_stats(lost)
    answer_ms = redis_answer_ms(lost)
    show_lost(lost)
    _show_components()
    show_flows(scheduler())
    _show_feeds(followed)
    if found is not None:
        _show_holes(found)
    if stats is not None:
        _show_database(stats)
    st.subheader("Redis", anchor=False)
    st.write("does not answer" if answer_ms is None else f"answers within {answer_ms:.1f} ms")


def _show_components() -> None:
    home = settings().home
    st.subheader("Components", anchor=False)
    pids = (running_state(home) or {}).get("pids", {})
    if pids:
        st.dataframe(components.component_table(pids, now_us()), hide_index=True, alt="Components and their processes")
    else:
        st.info(f"`tcpdash up` does not run on {home}: the processes were started by something else, which knows about them.")
    st.subheader("Incidents", anchor=False)
    found = components.incidents(home)
    if found:
        st.dataframe(components.incident_table(found), hide_index=True, alt="Components that were down, newest first")
    else:
        st.write("None: no component of this home ever went down.")


def _show_feeds(found: dict[str, words.Feed]) -> None:
    st.subheader("Feeds", anchor=False)
    if found:
        st.dataframe(words.feed_table(found, now_us()), hide_index=True, alt="Feeds and their states")
    else:
        st.write("No feed is followed. `tcpdash demo` or `tcpdash up` follows some.")


def _show_holes(found: Holes) -> None:
    st.subheader("Holes", anchor=False)
    st.write(hole_words(found.counts))
    if found.newest:
        st.dataframe(hole_table(found.newest), hide_index=True, alt="Holes in the tape, newest first")


def _show_database(stats: Stats) -> None:
    st.subheader("Database", anchor=False)
    st.write(
        f"PostgreSQL {stats['server_version']}, storage {stats['storage']}, schema {stats['schema_revision']}, "
        f"{words.size(stats['bytes'])} in all"
    )
    rows = [
        {"table": name, "rows (about)": f"{one['rows']:,}", "size": words.size(one["bytes"])}
        for name, one in stats["tables"].items()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Tables, their rows and sizes")


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} not installed as a package"


st.header("System", anchor=False)
_show()
st.caption(" · ".join(_version(package) for package in _PACKAGES))
