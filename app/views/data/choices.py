"""Widgets whose choice stands in the URL; what a URL asks for and there is not gives way to a default.

The URL has an option as the widget shows it, so options are shown as the URL has them.
"""

from collections.abc import Sequence
from datetime import date

import streamlit as st

from market.clock import parse_time, to_datetime
from market.errors import TimeError


def choose(label: str, key: str, options: Sequence[str], default: str) -> str:
    """Return one of a few options, that are all in sight."""
    _settle(key, options, default)
    return st.segmented_control(label, options, key=key, bind="query-params", required=True) or default


def choose_from(label: str, key: str, options: Sequence[str], default: str) -> str:
    """Return one of many options, that are in a list."""
    _settle(key, options, default)
    chosen: str | None = st.selectbox(label, options, key=key, bind="query-params", index=None, required=True)
    return chosen or default


def choose_some(label: str, key: str, options: Sequence[str], *, all_of: str) -> tuple[str, ...]:
    """Return some of many options; none stands for all of them, and `all_of` says so."""
    named = [each for each in st.query_params.get_all(key) if each in options]
    if key not in st.session_state and named != st.query_params.get_all(key):
        st.query_params[key] = named
    return tuple(st.multiselect(label, options, key=key, bind="query-params", placeholder=all_of))


def choose_day(label: str, key: str, *, first_us: int, last_us: int, help: str | None = None) -> int:  # noqa: A002 - as Streamlit calls it
    """Return where a UTC day begins, UTC epoch microseconds; the last one unless another is chosen.

    The URL is kept here: Streamlit 1.67 takes a bound date out of it again when something else on the page changes.
    """
    first, last = to_datetime(first_us).date(), to_datetime(last_us).date()
    asked, written = st.query_params.get(key), f"_{key}_in_url"
    if key not in st.session_state or asked != st.session_state.get(written):  # a link, a reload, or the back button
        st.session_state[key] = day_named(asked) or last
    if not isinstance(st.session_state[key], date) or not first <= st.session_state[key] <= last:
        st.session_state[key] = last
    chosen = st.date_input(label, key=key, min_value=first, max_value=last, help=help)
    day = chosen if isinstance(chosen, date) else last
    st.session_state[written] = None if day == last else day.isoformat()
    if day != last:
        st.query_params[key] = day.isoformat()
    elif key in st.query_params:
        del st.query_params[key]
    return parse_time(day.isoformat())


def go_button(label: str, view: str, *, icon: str, **selection: str) -> None:
    """Show a button that leads to another section of this page with what is selected there: links lead to other pages only."""
    st.button(label, icon=icon, key=f"go_{label}", on_click=_go, args=(view, selection))
    if st.session_state.pop("_gone", False):
        st.rerun()


def _go(view: str, selection: dict[str, str]) -> None:
    st.session_state["view"] = view
    for key, text in selection.items():
        st.session_state.pop(key, None)
        st.query_params[key] = text  # the widgets of the other section begin with it, and the URL keeps it
    st.session_state["_gone"] = True  # a fragment alone would stay where it is


def page_asked(key: str) -> int:
    """Return which page is asked for, counted from 0, before it is known how many there are."""
    return max(0, _whole(st.session_state.get(key, st.query_params.get(key, 1))) - 1)


def choose_page(key: str, total: int, size: int) -> int:
    """Return which page of a long table is shown, counted from 0; one page needs no choice."""
    pages = max(1, -(-total // size))
    if pages == 1:
        return 0
    if not 1 <= _whole(st.session_state.get(key, st.query_params.get(key, 1))) <= pages:
        st.session_state[key] = 1
    return int(st.number_input(f"Page, of {pages:,}", 1, pages, key=key, bind="query-params")) - 1


def _settle(key: str, options: Sequence[str], default: str) -> None:
    if st.session_state.get(key, st.query_params.get(key)) not in options:
        st.session_state[key] = default


def day_named(text: object) -> date | None:
    """Return the day that a text names, `2026-11-26`; None for any other text."""
    try:
        return to_datetime(parse_time(text)).date() if isinstance(text, str) else None
    except TimeError:
        return None


def _whole(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        return 0
