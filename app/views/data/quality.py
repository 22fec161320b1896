"""Quality: runs of checks over time, the rows that failed, and how candles compare with the venues' own."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.actions.quality import DEPLOYMENT, start_check
from app.charts.quality import match_chart, runs_chart
from app.charts.zone import Zone
from app.data.coverage import stored_symbols
from app.data.flows import flows_available, run_state, runs_under_way
from app.data.quality import Quality, comparisons, quality, with_results
from app.markdown import escaped
from app.quality import conflict_table, match_rows, result_of, result_table, run_rows, sample_table
from app.stores import Lost
from app.views.banner import show_lost
from app.views.choices import choose_from, number_asked
from app.views.runs import cancel_button, show_no_flows, show_run
from app.views.sidebar import zone
from app.views.wishes import may_act, told
from db.repositories.quality import QualityRun
from market.clock import from_datetime, now_us

_ALL = "all symbols"
_TABLE = "quality_runs"
_SHOWN = 100


def show_quality() -> None:
    """Show what checks found, and have one done now."""
    lost: Lost = {}
    chosen = choose_from("Symbol", "of", [_ALL, *stored_symbols(lost)], _ALL)
    symbol = None if chosen == _ALL else chosen
    flows = flows_available(DEPLOYMENT)
    if flows.available:
        if st.button("Check now", icon=":material/rule:", disabled=not may_act(), help=_CHECKS):
            with told(f"A check of {chosen} is started"):
                st.query_params["run"] = start_check(symbol)
    else:
        show_no_flows(DEPLOYMENT, "tcpdash quality" + (f" {symbol}" if symbol else ""))
    _show_going()
    _show_found(symbol)


@st.fragment(run_every=2)
def _show_going() -> None:
    """Show checks that are under way, and how the last one ended that this page started."""
    going, page = runs_under_way(DEPLOYMENT), flows_available().page
    followed = st.query_params.get("run")
    shown = [run for run in going if run.state not in {"scheduled"} or run.run == followed]
    for run in shown:
        show_run(run, _what(run.parameters.get("symbol")), at_us=now_us(), page=page)
        cancel_button(run, action="cancel check", subject=str(run.parameters.get("symbol") or _ALL))
    if followed and followed not in {run.run for run in shown}:
        ended = run_state(followed)
        show_run(ended, _what(ended.parameters.get("symbol")), at_us=now_us(), page=page)


@st.fragment(run_every=10)
def _show_found(symbol: str | None) -> None:
    lost: Lost = {}
    found = quality(symbol, lost)
    show_lost(lost)
    if found is None:
        return
    here = zone(now_us())
    if found.runs:
        _show_checks(found.runs, here)
    else:
        about = f" of {symbol}" if symbol else ""
        how = "`tcpdash quality` does one, as does *Check now* where flows run; each night one is done."
        st.info(f"No check was done yet{about}. {how}")
    _show_matches(found, symbol, here)


def _show_checks(runs: Sequence[QualityRun], here: Zone) -> None:
    rows = run_rows(runs, zone=here)
    counts = ", ".join(f"{count:,} {result}" for result, count in rows["result"].value_counts().items())
    st.subheader("Checks", anchor=False)
    st.altair_chart(runs_chart(rows, zone=here), alt=f"The newest {len(rows):,} checks: {counts}")
    _show_runs(runs, rows, here)


def _show_runs(runs: Sequence[QualityRun], rows: pd.DataFrame, here: Zone) -> None:
    table = rows.assign(begun=[here.told(run.started_us) for run in runs])[::-1].head(_SHOWN)
    columns = {
        "run": "run",
        "symbol": "symbol",
        "suite": "suite",
        "result": "result",
        "rows": "rows",
        "begun": f"begun ({here.name})",
    }
    st.caption(f"The newest {f'{len(table):,} runs' if len(table) > 1 else 'run'}. Choose a row for what came of each rule.")
    st.session_state["_quality_numbers"] = table["run"].tolist()
    st.dataframe(
        table[list(columns)].rename(columns=columns), hide_index=True, key=_TABLE, height=280, on_select=_take,
        selection_mode="single-row", alt="Checks, newest first",
    )  # fmt: skip
    known = {run.id: run for run in runs}
    chosen = known.get(number_asked("check") or 0) or next((run for run in reversed(runs) if result_of(run) == "failed"), runs[-1])
    lost: Lost = {}
    run = with_results(chosen, lost)
    show_lost(lost)
    if run is not None:
        _show_run(run, here)


def _show_run(run: QualityRun, here: Zone) -> None:
    st.subheader(f"Check {run.id}: {run.symbol} {run.timeframe or ''} {run.suite}, {result_of(run)}", anchor=False)
    st.caption(f"{run.rows:,} rows from {here.told(run.start_us)} to {here.told(run.end_us)} ({here.name}).")
    if not run.results:
        st.write("It has not come to results." if run.state != "done" else "It had no rules to check.")
        return
    st.dataframe(result_table(run.results), hide_index=True, alt=f"What came of each rule of check {run.id}, failures first")
    for result in run.failed:
        with st.expander(
            f"{escaped(result.rule)}: {result.unexpected_count:,} rows, {len(result.sample):,} of them kept", expanded=True
        ):
            if result.sample:
                st.dataframe(sample_table(result), hide_index=True, alt=f"Rows that broke the rule {result.rule}; times are UTC")
            else:
                st.write("No single row is to blame; the figures say what was found.")


def _show_matches(found: Quality, symbol: str | None, here: Zone) -> None:
    st.subheader("Against the venues' own candles", anchor=False)
    rows = match_rows(found.matches, comparisons(symbol), zone=here)
    if rows.empty:
        st.write("Nothing was compared yet: checks compare a sample, and the flow `reconcile` each day the whole of the last one.")
    else:
        newest = rows.iloc[-1]
        told = f"{newest['differing']:,} of {newest['compared']:,} candles of {newest['symbol']} differed at the last comparison"
        st.altair_chart(match_chart(rows, zone=here), alt=f"Share of candles that are the venue's own over time; {told}")
        found_us = from_datetime((newest["found"] - here.offset).to_pydatetime())
        st.caption(
            f"{told}, {here.told(found_us)} ({here.name}). Circles: a sample of a check; diamonds: the last day, by `reconcile`."
        )
    if found.conflicts:
        st.write("Candles that are proven whole and differ from the venue's own; ours stay, and both are kept:")
        st.dataframe(conflict_table(found.conflicts, zone=here), hide_index=True, alt="Candles that differ, ours and the venue's")
    else:
        st.write("No candle that is proven whole is known to differ from the venue's own.")


def _take() -> None:
    """Put the run of the chosen row into the URL."""
    rows, numbers = st.session_state[_TABLE]["selection"]["rows"], st.session_state.get("_quality_numbers", [])
    if rows and isinstance(rows[0], int) and rows[0] < len(numbers):
        st.query_params["check"] = str(numbers[rows[0]])
    else:
        st.query_params.pop("check", None)


def _what(symbol: object) -> str:
    return f"Check of {symbol or _ALL}"


_CHECKS = "Checks all that is stored of what is chosen above, and has exactly what is missing fetched."
