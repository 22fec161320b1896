"""The ledger of holes: filtered, a page at a time, and what is known of one of them."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app.charts.zone import Zone
from app.data.coverage import stored_symbols
from app.data.ledger import PAGE, Wanted, ledger
from app.stores import Lost
from app.views.banner import show_lost
from app.views.choices import choose_page, choose_some, number_asked, page_asked
from app.views.data.market import link_to_candles
from app.views.sidebar import zone
from app.words import NOTHING
from db.gap_words import STATES, told_evidence, told_ids, told_length, told_states
from db.repositories.gaps import Gap
from market.clock import now_us

CAUSES = ("sequence", "disconnect", "stall", "crash", "overload", "reset", "conflict", "quality")
_TABLE, _DROP = "holes_table", ("page", "hole")
_MEANS = {
    "open": "being fetched, or waiting for it",
    "filled": "all of its trades came after all",
    "never_existed": "the venue proves that there was no trade in it",
    "unrecoverable": "the venue does not hand it out any more",
    "alarm": "no hole: one id came with two payloads",
}


@st.fragment(run_every=2)
def show_holes() -> None:
    """Show the ledger; it follows the feeds by itself."""
    lost: Lost = {}
    wanted, pages = _pick(lost)
    found = ledger(wanted, lost)
    show_lost(lost)
    if found is None:
        return
    with pages:
        choose_page("page", found.total, PAGE)
    st.write(f"In all: {told_states(found.counts)}." if found.counts else "None: no trade is known to be missing.")
    if not found.holes:
        if found.counts:
            st.info("No hole is of this symbol, state and cause. Take a filter away to see others.")
        return
    here = zone(now_us())
    first = found.page * PAGE + 1
    st.caption(
        f"Holes {first:,} to {first + len(found.holes) - 1:,} of {found.total:,}, newest first. Choose a row for all that is known."
    )
    st.dataframe(
        hole_rows(found.holes, here), hide_index=True, key=_TABLE, on_select=_take, selection_mode="single-row",
        alt="Holes of the tape, newest first",
    )  # fmt: skip
    st.session_state["_holes_numbers"] = list(found.holes)
    number = number_asked("hole")
    if number is not None and number in found.holes:
        _show_one(number, found.holes[number], here)


def hole_rows(holes: Mapping[int, Gap], here: Zone) -> pd.DataFrame:
    """Return one row for each hole, with its number in the table `gaps`."""
    return pd.DataFrame(
        [
            {
                "id": number,
                "symbol": gap.symbol,
                f"from ({here.name})": here.told(gap.start_us),
                "length": told_length(gap.end_us - gap.start_us),
                "cause": gap.cause,
                "state": _state(gap.state),
                "ids": told_ids(gap) or NOTHING,
                "recovered": f"{gap.recovered:,}",
                "missing": NOTHING if gap.missing_ids is None else f"{gap.missing_ids:,}",
                "evidence": told_evidence(gap) or NOTHING,
                f"noted ({here.name})": _moment(gap.opened_us, here),
                f"ended ({here.name})": _moment(gap.closed_us, here),
            }
            for number, gap in holes.items()
        ]
    )


def _pick(lost: Lost) -> tuple[Wanted, Any]:
    """Return what is asked for, and where the choice of a page goes once it is known how many there are."""
    symbols = stored_symbols(lost)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        named = choose_some("Symbols", "symbols", symbols, all_of="all symbols", drop=_DROP)
        states = choose_some("States", "states", STATES, all_of="all states", drop=_DROP)
        causes = choose_some("Causes", "causes", CAUSES, all_of="all causes", drop=_DROP)
        pages = st.container(width="content")
    return Wanted(symbols=named, states=states, causes=causes, page=page_asked("page")), pages


def _show_one(number: int, gap: Gap, here: Zone) -> None:
    st.subheader(f"Hole {number}", anchor=False)
    lines = {
        "symbol": gap.symbol,
        f"from ({here.name})": here.told(gap.start_us, "%Y-%m-%d %H:%M:%S.%f"),
        f"to ({here.name})": here.told(gap.end_us, "%Y-%m-%d %H:%M:%S.%f"),
        "cause": gap.cause,
        "state": f"{_state(gap.state)}: {_MEANS.get(gap.state, '')}",
        "ids": told_ids(gap) or "the ids of this venue prove nothing",
        "recovered": f"{gap.recovered:,}",
        "evidence": told_evidence(gap) or NOTHING,
    }
    st.dataframe(pd.DataFrame({"what": lines.keys(), "is": lines.values()}), hide_index=True, alt=f"What is known of hole {number}")
    if gap.evidence is not None:
        with st.expander("The evidence as it is kept"):
            st.json(gap.evidence)
    link_to_candles(gap.symbol, "The candles around it", start_us=gap.start_us, end_us=gap.end_us)


def _take() -> None:
    """Put the hole of the chosen row into the URL."""
    rows, numbers = st.session_state[_TABLE]["selection"]["rows"], st.session_state.get("_holes_numbers", [])
    if rows and isinstance(rows[0], int) and rows[0] < len(numbers):
        st.query_params["hole"] = str(numbers[rows[0]])
    else:
        st.query_params.pop("hole", None)


def _state(name: str) -> str:
    return name.replace("_", " ")


def _moment(at_us: int | None, here: Zone) -> str:
    return NOTHING if at_us is None else here.told(at_us)
