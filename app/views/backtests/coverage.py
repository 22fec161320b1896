"""How much of a window is there: told before a run, as the run will find it."""

from typing import Any, cast

import pandas as pd
import streamlit as st

from app.charts.zone import UTC, Zone
from app.data.background import Done, Failed, Pending
from app.data.windows import Stored, looked_at
from app.stores import Lost
from market.clock import isoformat
from market.errors import PlatformError
from market.timeframe import Timeframe

_AGAIN_SECONDS = 0.5
_NAMES = ("expected", "present", "missing", "incomplete", "unproven", "without_trades")


def show_window(
    symbols: list[str],
    timeframe: Timeframe,
    window: tuple[str | None, str | None],
    *,
    stored: Stored | None,
    zone: Zone,
) -> None:
    """Show what is stored, and how much of the window is there; the candles are read in a thread."""
    if stored is None:
        st.caption(f"Nothing is stored of which {timeframe} candles of all chosen symbols can be made.")
        return
    form = "%Y-%m-%d %H:%M"
    there = f"{zone.told(stored.first_us, form)} to {zone.told(stored.last_us, form)} {zone.name}"
    utc = "" if zone == UTC else f" (in UTC: {isoformat(stored.first_us)} to {isoformat(stored.last_us)})"
    st.caption(f"Stored: {there}{utc}.")
    _look(tuple(symbols), timeframe, window, stored)


def _look(symbols: tuple[str, ...], timeframe: Timeframe, window: tuple[str | None, str | None], stored: Stored) -> None:
    lost: Lost = {}
    try:
        found = looked_at(symbols, timeframe, window, stored=stored, lost=lost)
    except PlatformError:  # what is wrong with the window is told where all is checked
        return
    if isinstance(found, Pending):
        _wait(symbols, timeframe, window, stored)
    elif isinstance(found, Done):
        show_coverage(found.result)
    elif isinstance(found, Failed):
        st.text(f"{found.reason[:1].upper()}{found.reason[1:]}.")
    else:
        st.caption("So many candles are looked at by the run itself, not before it.")


@st.fragment(run_every=_AGAIN_SECONDS)
def _wait(symbols: tuple[str, ...], timeframe: Timeframe, window: tuple[str | None, str | None], stored: Stored) -> None:
    found = looked_at(symbols, timeframe, window, stored=stored, lost={})
    if not isinstance(found, Pending):
        st.rerun()
    if found.last is not None:
        show_coverage(cast("list[dict[str, Any]]", found.last.result))
        return
    st.caption(f"Looking at the candles of this window, since {found.seconds:.0f} s …")


def show_coverage(coverage: list[dict[str, Any]]) -> None:
    """Show how many candles there are, symbol by symbol, and what holes mean for a run."""
    from app.reports.honesty import coverage_words  # noqa: PLC0415 - half a second that a list does without

    holes = sum(len(each["holes"]) for each in coverage)
    words = f"This window is {coverage_words({'coverage': coverage})}."
    if holes:
        st.warning(f"{words} A run is refused unless holes are allowed.", icon=":material/warning:")
    else:
        st.caption(words)
    if holes or len(coverage) > 1:
        rows = [
            {"symbol": each["symbol"], **{name.replace("_", " "): each[name] for name in _NAMES}, "holes": len(each["holes"])}
            for each in coverage
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Candles of the window by symbol")
