"""The list of runs: found by what somebody looks for, paged in SQL, and fresh while one of them runs."""

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import streamlit as st

from app.backtests.links import NEW, STARTED
from app.backtests.rows import DIGITS, run_table
from app.charts.zone import Zone
from app.data.backtests import Page, facets, page
from app.data.research_flows import under_way
from app.markdown import escaped
from app.stores import Lost
from app.views.backtests.comparison import MOST
from app.views.banner import show_lost
from app.views.choices import choose_any, choose_page, choose_text, page_asked
from app.views.first_sight import first_table
from app.views.navigation import page_at
from app.words import NOTHING
from db.backtest_reads import Looked
from db.backtest_runs import StoredBacktest
from research.asked import KINDS

STATES = ("running", "done", "failed", "cancelled", "interrupted")
_ROWS = 25
_AGAIN_SECONDS = 3
_FORMATS = {
    "parameters": st.column_config.TextColumn(width="medium"), "symbols": st.column_config.TextColumn(width="medium"),
    "state": st.column_config.TextColumn(width=120),
    "return": st.column_config.NumberColumn(format="percent"), "max drawdown": st.column_config.NumberColumn(format="percent"),
    "Sharpe": st.column_config.NumberColumn(format="%.2f"), "trades": st.column_config.NumberColumn(format="%d"),
}  # fmt: skip
_TOLD = {"return": "{:.2%}".format, "max drawdown": "{:.2%}".format, "Sharpe": "{:.2f}".format, "trades": "{:.0f}".format}


def show_runs(zone: Zone) -> None:
    """Show what was tried, the newest first."""
    lost: Lost = {}
    waiting = st.container()
    strategies, symbols = facets(lost) or ((), ())
    looked = _looked_for(strategies, symbols)
    number = page_asked("page")
    found = page(looked, newest=_ROWS, offset=number * _ROWS, lost=lost)
    if found is None:
        _wait()
        return
    if not found.runs and number:
        found = page(looked, newest=_ROWS, offset=0, lost=lost) or found
    _list(looked, found, zone)
    with waiting:  # Prefect is asked last: the list does not wait for it
        _under_way()


def _list(looked: Looked, found: Page, zone: Zone) -> None:
    if not found.runs:
        _empty(looked)
        return
    number = choose_page("page", found.count, _ROWS)
    if any(each.state == "running" for each in found.runs):
        _live(looked, number, zone)
    else:
        _table(found, zone)


@st.fragment(run_every=_AGAIN_SECONDS)
def _under_way() -> None:
    """Lead to what Prefect has that is not over."""
    for each in under_way():
        label = f"{each.state.capitalize()}: {each.kind} of {escaped(each.about)}"
        st.page_link(page_at("backtests"), label=label, icon=":material/hourglass:", query_params={STARTED: each.run})


@st.fragment(run_every=_AGAIN_SECONDS)
def _live(looked: Looked, number: int, zone: Zone) -> None:
    lost: Lost = {}
    found = page(looked, newest=_ROWS, offset=number * _ROWS, lost=lost)
    show_lost(lost)
    if found is not None:
        _table(found, zone)


@st.fragment(run_every=_AGAIN_SECONDS)
def _wait() -> None:
    lost: Lost = {}
    if facets(lost) is not None:
        st.rerun()
    show_lost(lost)


def _table(found: Page, zone: Zone) -> None:
    ids = "".join(each.id for each in found.runs)
    # Another list has other rows at the same places: what is chosen there must not be taken for what was chosen here.
    table, alt = run_table(found.runs, zone=zone), "Runs, the newest first, with their figures"
    chosen: Any = first_table("runs", table, alt=alt, told=_TOLD).dataframe(
        table, hide_index=True, on_select="rerun", selection_mode="multi-row",
        key=f"runs {crc32(ids.encode())}", column_config=_FORMATS, placeholder=NOTHING,
        alt=alt,
    )  # fmt: skip
    rows = [found.runs[at] for at in chosen.selection.rows if at < len(found.runs)]
    _lead(rows, found.count)


def _lead(rows: Sequence[StoredBacktest], count: int) -> None:
    """Lead to what was chosen."""
    here = page_at("backtests")
    if not rows:
        st.caption(f"{count:,} run{'' if count == 1 else 's'}. Choose one to open it, or two to {MOST} to compare them.")
    elif len(rows) == 1:
        one = rows[0]
        label = f"Open {one.kind} {one.id[:DIGITS]} of {escaped(one.strategy)}"
        st.page_link(here, label=label, icon=":material/open_in_full:", query_params={"run": one.id})
    elif len(rows) <= MOST:
        ids = ",".join(each.id[:DIGITS] for each in rows)
        st.page_link(here, label=f"Compare these {len(rows)} runs", icon=":material/compare_arrows:", query_params={"compare": ids})
    else:
        st.caption(f"{len(rows)} are chosen, and at most {MOST} can be compared.")


def _looked_for(strategies: Sequence[str], symbols: Sequence[str]) -> Looked:
    columns = st.columns([2, 2, 2, 3, 4], vertical_alignment="bottom")
    kind = _pick(columns[0], "Kind", KINDS, "kind")
    state = _pick(columns[1], "State", STATES, "state")
    strategy = _pick(columns[2], "Strategy", strategies, "strategy")
    symbol = _pick(columns[3], "Symbol", symbols, "of")
    with columns[4]:
        text = choose_text("Search", "q", most=80, drop=("page",), placeholder="in id, strategy, symbols, parameters")
    return Looked(kind=kind, state=state, strategy=strategy, symbol=symbol, text=text)


def _pick(place: Any, label: str, options: Sequence[str], key: str) -> str | None:
    with place:
        return choose_any(label, key, options, drop=("page",))


def _empty(looked: Looked) -> None:
    if looked != Looked():
        st.info("No run is like that. Clear a filter to see more.")
        return
    st.info(
        "Nothing was tried yet. Begin with `tcpdash backtest --strategy sma_cross --symbol OKX:BTC-USDT`, or with the form here."
    )
    st.page_link(page_at("backtests"), label="Fill in the form", icon=":material/science:", query_params={"view": NEW})
