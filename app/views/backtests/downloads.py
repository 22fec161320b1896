"""What can be taken home of a run; each file is made when somebody asks for it, and never while the page is drawn."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from app.backtests.rows import DIGITS
from app.data import run_files
from app.data.background import Done, Failed, Key, Pending, background, forget
from app.data.backtests import Run, store
from app.stores import Lost
from db import DatabaseOperations

_AGAIN_SECONDS = 0.5


def show_downloads(run: Run) -> None:
    """Show the menu of files."""
    with st.popover("Download", icon=":material/download:"):
        _files(run)


@st.fragment
def _files(run: Run) -> None:
    lost: Lost = {}
    db = store(lost)
    if db is None:
        st.caption("The database is away; what is shown here follows when it is back.")
        return
    name = f"{run.kept.kind}-{run.kept.id[:DIGITS]}"
    _file(
        "json: the document as the command prints it",
        f"{name}.json",
        "application/json",
        partial(run_files.json_of, db, run.kept.id),
    )
    if run.kept.kind == "sweep":
        _file("csv: the sets", f"{name}-sets.csv", "text/csv", partial(run_files.sets_csv, db, run.kept.id))
    else:
        _file("csv: the trades", f"{name}-trades.csv", "text/csv", partial(run_files.trades_csv, db, run.kept.id))
        _file("csv: the curve", f"{name}-curve.csv", "text/csv", partial(run_files.curve_csv, db, run.kept.id))
    if st.button("Make the html report", icon=":material/description:", help="It takes some seconds, and opens without a network."):
        st.session_state["report"] = run.kept.id
        forget(_report_key(db, run.kept.id))
    if st.session_state.get("report") == run.kept.id:
        _report(run.kept.id, f"{name}.html")


def _file(label: str, name: str, kind: str, make: Callable[[], bytes]) -> None:
    st.download_button(label, make, file_name=name, mime=kind, on_click="ignore", key=name)


@st.fragment(run_every=_AGAIN_SECONDS)
def _report(backtest: str, name: str) -> None:
    db = store({})
    if db is None:
        return
    found = background(_report_key(db, backtest), partial(run_files.html_of, db, backtest))
    if isinstance(found, Pending):
        st.caption(f"The report is being made, since {found.seconds:.0f} s …")
    elif isinstance(found, Failed):
        st.text(f"There is no report: {found.reason}.")
    elif isinstance(found, Done):
        st.download_button(f"html: the report, {len(found.result) / 1e6:.1f} MB", found.result, file_name=name, mime="text/html",
                           on_click="ignore", key=name, type="primary")  # fmt: skip


def _report_key(db: DatabaseOperations, backtest: str) -> Key:
    return ("report", repr(db.engine.url), backtest)
