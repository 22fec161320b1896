"""A run of a flow on a page: what it does, why it failed, and how it is cancelled; and what to do where no flows run."""

from collections.abc import Callable

import streamlit as st

from app.actions import flows as wishes
from app.data.flows import flows_available
from app.markdown import escaped
from app.scheduler.runs import RunState
from app.views.wishes import may_act, told
from app.words import age

_ICONS = {
    "completed": ":material/check_circle:", "failed": ":material/error:", "crashed": ":material/error:",
    "cancelled": ":material/cancel:", "running": ":material/play_circle:", "unknown": ":material/help:",
}  # fmt: skip
_ALARMING = {"failed", "crashed"}


@st.fragment(run_every=2)
def show_no_flows(deployment: str, command: str) -> None:
    """Say why a flow cannot be started here, and the command that does the same; once one can, the page is drawn anew."""
    flows = flows_available(deployment)
    if flows.available:
        st.rerun()
    st.info(f"{flows.said} Until then the command line does the same:", icon=":material/terminal:")
    st.code(command, language="bash")


def show_run(run: RunState, what: str, *, at_us: int, page: str | None) -> None:
    """Say how a run is doing.

    Args:
        run: As `app.data.flows.run_state` returns it.
        what: What it does, `backfill of OKX:BTC-USDT`.
        at_us: The present, UTC epoch microseconds.
        page: Address of Prefect's own pages, where its log is; None while there are none.
    """
    seconds = run.seconds(at_us)
    lasted = "" if seconds is None else f" ({age(round(seconds * 1e6))})"
    icon = _ICONS.get(run.state, ":material/schedule:")
    # Texts of flows carry what people typed: it is shown, and not carried out as markdown.
    said = f"{what}: {run.state}{lasted}"
    if run.state in _ALARMING:
        st.error(f"{escaped(said)}. {escaped(run.told)}", icon=icon)
    else:
        st.markdown(f"{icon} {escaped(said)}. {escaped(run.told)}")
    if page is not None and run.state != "unknown":
        st.caption(f"Run `{run.run}`: [log and artifacts on the page of Prefect]({page}/runs/flow-run/{run.run})")


def cancel_button(run: RunState, *, action: str, subject: str, then: Callable[[], None] | None = None) -> None:
    """Show a button that cancels a run which is not over."""
    cancelled = st.button(
        "Cancel", key=f"cancel_{run.run}", icon=":material/stop_circle:", help=f"Cancel the run {run.run} of {subject}",
        disabled=not may_act() or run.ended or run.state in {"cancelling", "unknown"},
    )  # fmt: skip
    if cancelled:
        with told(f"{subject} is being cancelled"):
            wishes.cancel(run.run, action=action, subject=subject)
            if then is not None:
                then()
