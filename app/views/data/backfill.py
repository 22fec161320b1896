"""The form of a backfill, the progress of those under way, and what came of earlier ones."""

from collections.abc import Sequence

import streamlit as st

from app.actions.backfills import CANCEL, DEPLOYMENT, start_backfill
from app.backfills import Asked, asked, backfill_table, far
from app.data.backfills import backfills, estimate
from app.data.coverage import stored_symbols
from app.data.flows import flows_available, run_state, runs_under_way
from app.markdown import escaped
from app.scheduler.runs import RunState
from app.stores import Lost
from app.views.banner import show_lost
from app.views.choices import choose_from, go_button
from app.views.pickers import TIMEFRAMES
from app.views.runs import cancel_button, show_no_flows, show_run
from app.views.sidebar import zone
from app.views.wishes import may_act, told
from db.repositories.backfills import Backfill
from market.clock import now_us, to_datetime
from market.errors import InputError
from market.timeframe import DAY_US

_BUSY = "_backfills_busy"
_DAYS = 30


def show_backfill() -> None:
    """Show the form, and below it what is under way and what was."""
    lost: Lost = {}
    wanted = _form(stored_symbols(lost))
    flows = flows_available(DEPLOYMENT)
    if wanted is not None:
        _show_estimate(wanted)
    example = "tcpdash backfill OKX:BTC-USDT --from 2026-01-01"
    if not flows.available:
        show_no_flows(DEPLOYMENT, wanted.command() if wanted else example)
    elif st.button("Start", type="primary", icon=":material/download:", disabled=wanted is None or not may_act()) and wanted:
        with told(f"The backfill of {wanted.symbol} is started"):
            st.query_params["run"] = start_backfill(wanted)
            st.session_state[_BUSY] = True
    _show_progress(lost_before=bool(lost))
    _show_history()


def _form(symbols: list[str]) -> Asked | None:
    """Return what is asked for; None while something of it cannot be meant, which is said."""
    columns = st.columns([4, 2, 3, 3], vertical_alignment="bottom")
    with columns[0]:
        symbol = st.selectbox(
            "Symbol", symbols, index=None, key="fill", bind="query-params", accept_new_options=True,
            placeholder="choose one, or type EXCHANGE:BASE-QUOTE",
        )  # fmt: skip
    with columns[1]:
        timeframe = choose_from("Width", "width", [str(each) for each in TIMEFRAMES], "1m")
    default = f"{to_datetime(now_us() - _DAYS * DAY_US):%Y-%m-%d}"
    with columns[2]:
        start = st.text_input(
            "From (UTC)", key="start", bind="query-params", max_chars=40, placeholder=f"{default}: {_DAYS} days back"
        )
    with columns[3]:
        end = st.text_input("To (UTC)", key="end", bind="query-params", max_chars=40, placeholder="the newest closed candle")
    with st.container(horizontal=True):
        trades = st.toggle("Trades", key="trades", bind="query-params", help=_TRADES)
        again = st.toggle("Ask again", key="again", bind="query-params", help=_AGAIN)
    if not symbol:
        st.caption("Choose a symbol to see what is missing of it.")
        return None
    try:
        return asked(symbol, timeframe=timeframe, start=start, end=end, trades=trades, again=again, at_us=now_us())
    except InputError as error:
        st.error(escaped(f"{str(error)[:1].upper()}{str(error)[1:]}."), icon=":material/error:")
        return None


def _show_estimate(wanted: Asked) -> None:
    lost: Lost = {}
    found = estimate(wanted, lost)
    if found is None:
        return
    whole = f"of {found.whole:,} {wanted.timeframe} candles"
    if found.candles is None:
        st.write(f"How many {whole} are missing is counted when it begins: here that would take too long.")
    elif not found.candles:
        more = "" if wanted.again else " What the venue does not have is asked for only with *Ask again*."
        st.write(f"Nothing is missing {whole}.{more}")
    else:
        about = "" if found.exact else "about "
        st.write(f"Missing: {about}{found.candles:,} {whole}.")


@st.fragment(run_every=1)
def _show_progress(*, lost_before: bool) -> None:
    lost: Lost = {}
    stored_symbols(lost)
    if lost_before and not lost:
        st.rerun()  # the form was made without what was away
    found = backfills(lost, busy=st.session_state.get(_BUSY, True))
    going = runs_under_way(DEPLOYMENT)
    shown = found or []
    st.session_state[_BUSY] = bool(going) or any(each.state == "running" for each in shown)
    show_lost(lost)
    _show_followed(going)
    _show_going(going, shown)


@st.fragment(run_every=5)
def _show_history() -> None:
    lost: Lost = {}
    found = backfills(lost, busy=st.session_state.get(_BUSY, True))
    if found is None:
        return
    st.subheader("Backfills so far", anchor=False)
    if not found:
        st.write("None was begun yet.")
        return
    st.dataframe(backfill_table(found, zone=zone(now_us())), hide_index=True, alt="Backfills, newest first")
    if any(each.conflicts for each in found):
        go_button("Candles that differ from the venue's own", "quality", icon=":material/difference:")


def _show_followed(going: Sequence[RunState]) -> None:
    """Show how the run ended that this page started last."""
    run = st.query_params.get("run")
    if not run or any(each.run == run for each in going):
        return
    state = run_state(run)
    if state.ended or state.state == "unknown":
        show_run(state, _what(state), at_us=now_us(), page=flows_available().page)


def _show_going(going: Sequence[RunState], found: Sequence[Backfill]) -> None:
    """Show each that is under way with its progress: runs of the flow, and those of command lines."""
    rows = {(each.symbol, each.timeframe): each for each in found if each.state == "running"}
    if going or rows:
        st.subheader("Under way", anchor=False)
    page = flows_available().page
    for run in going:
        with st.container(border=True):
            row = rows.pop((str(run.parameters.get("symbol")), str(run.parameters.get("timeframe", "1m"))), None)
            show_run(run, _what(run), at_us=now_us(), page=page)
            if row is not None:
                progress = far(row)
                st.progress(progress.share, text=progress.told)
            cancel_button(run, action=CANCEL, subject=str(run.parameters.get("symbol")))
    for row in rows.values():
        with st.container(border=True):
            progress = far(row)
            st.progress(progress.share, text=f"{escaped(row.symbol)} {row.timeframe}, backfill {row.id}: {progress.told}")
            st.caption(
                "It is no run of Prefect: it was begun on a command line, where Ctrl-C cancels it, or its process just ended."
            )


def _what(run: RunState) -> str:
    symbol, timeframe = run.parameters.get("symbol"), run.parameters.get("timeframe", "1m")
    return f"Backfill of {symbol} {timeframe}" if symbol else "Backfill"


_TRADES = (
    "Fetch trades, back from what is stored, and make candles of them: they are proven. Slower, and venues hand out less of the "
    "past as trades than as candles."
)
_AGAIN = "Ask also for what the venue said already that it does not have."
