"""How a run goes that was started or is at work: what Prefect says, how far it is, how long still, and the button that ends it."""

import re

import streamlit as st

from app.actions import backtests as wishes
from app.backtests.links import query_of
from app.backtests.rows import DIGITS, state_words
from app.charts.zone import Zone
from app.data.backtests import begun_by, runs
from app.data.flows import look_again, run_state
from app.data.research_flows import asked_of
from app.data.strategies import defaults_of
from app.markdown import with_commands
from app.scheduler.runs import RunState
from app.stores import Lost
from app.views.backtests.back import lead_back
from app.views.banner import show_lost
from app.views.kept import lead
from app.views.navigation import page_at
from app.views.wishes import MAY_NOT, may_act, told
from app.words import age
from db.backtest_runs import StoredBacktest
from market.clock import now_us

_AGAIN_SECONDS = 2
ENDED_ROWS = ("done", "failed", "cancelled", "interrupted")


def show_started(flow_run: str, zone: Zone) -> None:
    """Show how a run of Prefect goes that was started here, by its id in the URL, until it has a result, which is opened then."""
    lead_back()
    if re.fullmatch(r"[\w-]{1,40}", flow_run):  # it becomes a part of addresses of Prefect
        _show_started(flow_run, zone)
    else:
        st.error("That is no id of a run of Prefect.", icon=":material/error:")


@st.fragment(run_every=_AGAIN_SECONDS)
def _show_started(flow_run: str, zone: Zone) -> None:
    lost: Lost = {}
    row = begun_by(flow_run, lost)
    show_lost(lost)
    if row is not None and row.state == "done":
        lead({"run": row.id}, alone=True)
        st.rerun()
    state = run_state(flow_run)
    over = state.ended or (row is not None and row.state in ENDED_ROWS)
    if row is not None:
        show_far(row, zone)
    if row is None:
        _show_asked(state, zone)
    if row is None or over:
        _show_state(state, row)
    if over:
        _again(flow_run)
    else:
        _cancel(row, flow_run)
    st.caption(f"Run {flow_run} of Prefect.")


@st.fragment(run_every=_AGAIN_SECONDS)
def show_running(backtest: str, zone: Zone) -> None:
    """Show how a run goes that has no result yet, until it has one."""
    lost: Lost = {}
    found = runs([backtest], (), lost)
    show_lost(lost)
    if not found:
        return
    row = found[0].kept
    if row.state == "done":
        st.rerun()
    show_far(row, zone)
    if row.state == "running":
        _cancel(row, row.flow_run)
    else:
        st.info("What is done of it is kept: the same one, started again, goes on from there.")
        _again(row.flow_run)


def _show_asked(state: RunState, zone: Zone) -> None:
    """Show what is run and since when: a single backtest has no row before it is done."""
    asked = state.parameters
    if asked.get("strategy"):
        symbols = ", ".join(map(str, asked.get("symbols") or ()))
        since = "" if state.since_us is None else f", since {zone.told(state.since_us)} {zone.name}"
        st.text(f"{asked['strategy']} on {symbols} {asked.get('timeframe', '')}: {state.state}{since}")


def show_far(row: StoredBacktest, zone: Zone) -> None:
    """Show how far a run is."""
    what = f"{row.kind} {row.id[:DIGITS]} of {row.strategy} on {', '.join(row.symbols)} {row.timeframe}"
    st.text(f"{what}: {state_words(row)}, begun {zone.told(row.started_us)} {zone.name}")
    if row.state in {"running", "cancelled", "interrupted", "failed"} and row.total:
        unit = "windows" if row.kind == "walk-forward" else "sets" if row.kind == "sweep" else "runs"
        left = _left_words(row) if row.state == "running" else ""
        st.progress(min(row.done / row.total, 1.0), text=f"{row.done:,} of {row.total:,} {unit}{left}")
    if row.error:
        st.text(f"Why: {row.error}")


def _left_words(row: StoredBacktest) -> str:
    """Return how long it still takes, by what was done since somebody looked first; what was kept before took no time."""
    now, key = now_us(), f"far {row.id} {row.started_us}"
    since_us, before = st.session_state.setdefault(key, (now, row.done))
    if row.done <= before or now <= since_us:
        return ""
    return f", about {age(round((now - since_us) / (row.done - before) * (row.total - row.done)))} left"


def _show_state(state: RunState, row: StoredBacktest | None) -> None:
    if state.state == "completed" and row is None:
        st.info("It is over, and the same one was run again since: the list has its result.")
        lead_back()
    elif state.ended and state.state != "cancelled":
        st.error(f"It is {state.state}, and has no result.", icon=":material/error:")
        if state.told and (row is None or not row.error):
            st.text(state.told)
    elif state.ended:
        st.info("It was cancelled. What is done of a search is kept: the same one, started again, goes on from there.")
    else:
        since = "" if state.since_us is None else f" For {age(now_us() - state.since_us)}."
        st.write(f"{state.state.capitalize()}. {with_commands(state.told)}{since}")


def _again(flow_run: str | None) -> None:
    """Lead to the form, filled in with what a run of Prefect was asked for."""
    asked = None if flow_run is None else asked_of(flow_run)
    if asked is not None:
        st.page_link(
            page_at("backtests"),
            label="Start it again, or change it",
            icon=":material/edit:",
            query_params=query_of(asked, defaults=defaults_of(asked.strategy)),
        )


def _cancel(row: StoredBacktest | None, flow_run: str | None) -> None:
    if st.button("Cancel", icon=":material/cancel:", disabled=not may_act(), help=None if may_act() else MAY_NOT):
        with told():
            st.toast(wishes.cancel(backtest=None if row is None else row.id, flow_run=flow_run))
            look_again()
